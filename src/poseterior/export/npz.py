"""Hypotheses as .npz: arrays under their field names, everything else as one JSON string named "metadata"."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from poseterior.errors import InputError
from poseterior.export.atomic import atomic_path

_METADATA = "metadata"


def write_npz(record: dict[str, Any], path: Path) -> None:
    """Writes the record; nested arrays get dotted names ("detection.gaussians.mean_cell"). No pickle."""
    arrays: dict[str, np.ndarray] = {}
    metadata = json.dumps(_without_arrays(record, "", arrays), allow_nan=False)
    with atomic_path(path) as temporary, temporary.open("xb") as file:
        np.savez(file, allow_pickle=False, metadata=np.array(metadata), **arrays)


def read_npz(path: Path) -> Any:
    """The record; raises InputError if the file is not such an .npz, OSError if it cannot be opened."""
    with path.open("rb") as file:
        return _read_archive(file)


def _read_archive(file: BinaryIO) -> Any:
    try:
        with np.load(file, allow_pickle=False) as archive:
            record = json.loads(str(archive[_METADATA]))
            for name in archive.files:
                if name != _METADATA:
                    _insert(record, name.split("."), archive[name])
    # A damaged archive fails in many ways, inside zipfile, zlib and numpy, and none tells the user more.
    except Exception as error:
        raise InputError("not a readable .npz of hypotheses") from error
    return record


def _without_arrays(record: dict[str, Any], prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    rest: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, np.ndarray):
            arrays[prefix + name] = value
        elif isinstance(value, dict) and name not in ("settings", "description"):
            rest[name] = _without_arrays(value, f"{prefix}{name}.", arrays)
        else:
            rest[name] = value
    return rest


def _insert(record: dict[str, Any], path: list[str], array: np.ndarray) -> None:
    for name in path[:-1]:
        record = record[name]
    record[path[-1]] = array
