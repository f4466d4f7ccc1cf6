"""A model's folder on disk, written whole and checked by the SHA-256 in its card; free of torch."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from poseterior.errors import ModelError, OutputError
from poseterior.flow.stored_card import CARD_FILE


def checksums(contents: dict[str, bytes]) -> dict[str, str]:
    """File name -> SHA-256."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}


def check_files(folder: Path, files: dict[str, str]) -> None:
    """Raises ModelError unless every file of `folder` is there and has its SHA-256."""
    for name, sha256 in files.items():
        path = folder / name
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise ModelError(f"cannot read the model file {path}: {error.strerror}") from None
        if found != sha256:
            raise ModelError(f"the model file {path} is damaged: its SHA-256 is not the one in {CARD_FILE}")


def write_folder(folder: Path, card: str, contents: dict[str, bytes]) -> None:
    """Writes `contents` and the card's text as `folder`; an older model there is replaced.

    All files are written to a folder beside it first, which then takes its place, so that a model is never
    half-written.

    Raises:
        OutputError: `folder` is something else than a model, or cannot be written.
    """
    if folder.exists() and not _is_replaceable(folder):
        raise OutputError(f"{folder} exists and is not a model folder; give another place for the model")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            new, old = Path(scratch) / "new", Path(scratch) / "old"
            new.mkdir()
            for name, data in contents.items():
                (new / name).write_bytes(data)
            (new / CARD_FILE).write_text(card, encoding="utf-8")
            _swap_in(new, folder, old)
    except OSError as error:
        raise OutputError(f"cannot write the model folder {folder}: {error.strerror}") from None


def _is_replaceable(folder: Path) -> bool:
    return folder.is_dir() and ((folder / CARD_FILE).is_file() or not any(folder.iterdir()))


def _swap_in(new: Path, folder: Path, old: Path) -> None:
    if folder.exists():
        folder.replace(old)
    try:
        new.replace(folder)
    except OSError:
        if old.exists():
            shutil.move(old, folder)
        raise
