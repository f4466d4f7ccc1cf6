"""Whether what the paper found holds in a comparison; each line is worked out from the numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np


class _Claim(NamedTuple):
    """Rows from the lowest error to the highest, as the paper has it."""

    said: str
    subset: str
    value: str
    rows: tuple[str, ...]


_BEST = "oracle best"
CLAIMS = (
    _Claim(
        f"{_BEST} MPJPE on ambiguous pictures: flow < CVAE < MDN < noise around z0",
        "ambiguous",
        "mpjpe_mm.oracle_best",
        ("wehrbein2021", "cvae", "li2019-mdn", "wehrbein2021-noise"),
    ),
    _Claim(
        f"{_BEST} PMPJPE on ambiguous pictures: flow < CVAE < MDN < noise around z0",
        "ambiguous",
        "pmpjpe_mm.oracle_best",
        ("wehrbein2021", "cvae", "li2019-mdn", "wehrbein2021-noise"),
    ),
    _Claim(
        f"{_BEST} MPJPE on all pictures: flow < GraphMDN < CVAE",
        "all",
        "mpjpe_mm.oracle_best",
        ("wehrbein2021", "graphmdn", "cvae"),
    ),
    _Claim(
        "single answer, MPJPE: z0 of the flow < Martinez et al.",
        "all",
        "mpjpe_mm.z0",
        ("wehrbein2021", "martinez2017"),
    ),
    _Claim(
        "single answer, PMPJPE: z0 of the flow < Martinez et al.",
        "all",
        "pmpjpe_mm.z0",
        ("wehrbein2021", "martinez2017"),
    ),
    _Claim(
        f"{_BEST} PMPJPE of the MDN: of its 5 means < of 5 samples of it",
        "all",
        "pmpjpe_mm.oracle_best_of_first_5",
        ("li2019-mdn-means", "li2019-mdn"),
    ),
)


def orderings(results: dict[str, Any]) -> list[str]:
    """Parts of the page; nothing where no claim can be checked."""
    rows = {row["name"]: row for row in results["rows"]}
    lines = [line for claim in CLAIMS if (line := _checked(claim, rows)) is not None]
    if not lines:
        return []
    header = ["| in the paper | here | |", "|---|---|---|"]
    return ["## What the paper reports, and what happened here", "\n".join([*header, *lines])]


def _checked(claim: _Claim, rows: dict[str, Any]) -> str | None:
    """A line of the table; None where a row or its number is missing."""
    numbers: list[tuple[str, float]] = []
    for name in claim.rows:
        value = rows.get(name, {"subsets": {}})["subsets"].get(claim.subset, {}).get(claim.value)
        known = [] if value is None else [number for number in value["seeds"] if number is not None]
        if not known:
            return None
        numbers.append((rows[name]["title"], float(np.mean(known))))
    holds = all(first < second for (_, first), (_, second) in pairwise(numbers))
    found = ", ".join(f"{title} {number:.1f}" for title, number in numbers)
    return f"| {claim.said} | {found} | {'holds' if holds else '**does not hold**'} |"
