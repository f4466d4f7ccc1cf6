"""One SHA-256 for the files that an evaluation set was read from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def checksum_of_files(folder: Path, paths: Iterable[Path]) -> str:
    """Hexadecimal; of the sorted names (relative to `folder`) and contents, whatever the order of `paths`."""
    total = hashlib.sha256()
    for path in sorted(set(paths)):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()}\n{content}\n".encode())
    return total.hexdigest()
