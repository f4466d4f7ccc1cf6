"""Which C sources a library was built from; run by the build hook as well, so free of the package's imports."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sources_sha256(folder: Path) -> str | None:
    """SHA-256 of all C sources and headers in the folder, in the order of their names; None if there are none."""
    sources = sorted((path for path in folder.iterdir() if path.suffix in (".c", ".h")), key=lambda p: p.name)
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest() if sources else None
