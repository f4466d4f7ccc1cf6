"""What all pages of docs/results are made with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from _common import RESULTS


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; the first column to the left, the others to the right."""
    head = list(header)
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def stamp(result: dict[str, Any]) -> str:
    """Where a result comes from."""
    return (
        f"`{result['command']}`, seed {result['seed']}, {result['date'][:10]}, {result['machine']}, "
        f"{result['cpu_count']} cores, Python {result['python']}; medians, interleaved."
    )


def listed(values: Iterable[float]) -> str:
    """Numbers in a row."""
    return ", ".join(f"{value:.2e}" for value in values)


def load(name: str) -> dict[str, Any]:
    """docs/results/NAME.json."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.1f} %"
