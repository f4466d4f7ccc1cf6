"""Lists of pictures, one name a line, as the authors publish theirs of H36MA (8,740 names)."""

from __future__ import annotations

from pathlib import Path

from poseterior.errors import InputError


def read_frame_list(path: Path) -> dict[str, int]:
    """Picture name -> its line, counted from 1, in the file's order; empty lines are skipped.

    A name is as the detections have it: "/S9/Directions 1.54138969/368.jpg".

    Raises:
        InputError: the file cannot be read, is empty, or names a picture twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(f"frame list {path} cannot be read: {reason}; expected a name a line") from error
    names: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        name = line.strip()
        if name in names:
            raise InputError(f"frame list {path}, line {number}: {name} was on line {names[name]} already")
        if name:
            names[name] = number
    if not names:
        raise InputError(f"frame list {path} is empty; expected a name a line")
    return names
