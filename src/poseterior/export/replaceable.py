"""Whose file is it? Results take the place of older results, never of a file of the user's."""

from __future__ import annotations

from pathlib import Path

from poseterior.errors import OutputError
from poseterior.export.record import FORMAT

_MARKS = {
    ".npz": b"metadata.npy",
    ".json": f'"format": "{FORMAT}"'.encode(),
    ".png": b"Software\x00poseterior",
}
"""What the head of a result holds, by suffix."""

_HEAD_BYTES = 256


def check_replaceable(path: Path) -> None:
    """Raise OutputError unless `path` is free, or holds a result (.npz, .json or .png) of an earlier run."""
    try:
        if not path.exists():
            return
        own = path.is_file() and _MARKS[path.suffix] in _head(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    if not own:
        raise OutputError(
            f"cannot write {path}: what is there is not a result of an earlier run, and is kept; "
            "choose another folder"
        )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)
