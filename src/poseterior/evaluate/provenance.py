"""What a report must say to be repeated: revision of the code, versions, date."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import poseterior

_PACKAGES = ("numpy", "onnxruntime")


def git_revision() -> str | None:
    """The commit of the checkout that this code runs from, "+changes" where files differ; None outside of one."""
    folder = Path(poseterior.__file__).resolve().parent
    top = _git(folder, "rev-parse", "--show-toplevel")
    # a virtual environment may lie in somebody else's checkout
    if top is None or folder != Path(top).resolve() / "src" / "poseterior":
        return None
    revision = _git(folder, "rev-parse", "HEAD")
    if revision is None:
        return None
    return revision + ("+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")


def versions() -> dict[str, str]:
    """Of this package, Python, and what computes the numbers."""
    found = {
        "poseterior": poseterior.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    for name in _PACKAGES:
        found[name] = importlib.metadata.version(name)
    return found


def date() -> str:
    """Now, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
