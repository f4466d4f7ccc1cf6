"""Hypotheses as strict JSON: numbers rounded to 1e-6, one top-level field a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from poseterior.errors import InputError
from poseterior.export.atomic import atomic_path

_DECIMALS = 6


def plain(value: Any) -> Any:
    """The record with arrays as nested lists, rounded to 1e-6 of their unit (a micrometre for poses)."""
    if isinstance(value, np.ndarray):
        # Adding zero turns -0.0, which reads badly, into 0.0.
        return (np.round(value.astype(np.float64), _DECIMALS) + 0.0).tolist()
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    return value


def write_json(record: dict[str, Any], path: Path) -> None:
    """Writes the record."""
    lines = (
        f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in plain(record).items()
    )
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: Path) -> Any:
    """What the file holds, with lists for arrays; raises InputError if the file is not strict JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not valid JSON ({error})") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
