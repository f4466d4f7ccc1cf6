"""Files that appear whole or not at all, in folders that can take them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from poseterior.errors import OutputError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder; what was written there becomes `path` when the block ends well.

    If the block raises, the temporary file is removed and an older file at `path` stays as it was.

    Raises:
        OutputError: the folder is missing or not writable, `path` is a folder, or the disk refuses.
    """
    # A short name of its own: the target's name may already be as long as the file system allows.
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        _check_target(path)
        yield temporary
        os.replace(temporary, path)  # noqa: PTH105 - the name says what happens: an atomic replacement
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def writable_folder(folder: Path) -> Path:
    """The folder, made with its parents if it does not exist.

    Raises:
        OutputError: it cannot be made, is a file, or is not writable.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"cannot write to {folder}: it is not a folder")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write to {folder}: the folder is not writable")
    return folder


def _check_target(path: Path) -> None:
    if not path.parent.exists():
        raise OutputError(f"cannot write {path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder; expected a file name")
    writable_folder(path.parent)
