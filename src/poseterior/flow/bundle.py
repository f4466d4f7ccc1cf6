"""A flow on disk: a folder with card, weights (once) and the ONNX graphs that refer to them; torch-free."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from poseterior.errors import ModelError, OutputError
from poseterior.flow.model_card import CARD_FILE, WEIGHTS_FILE, ModelCard, read_card

GRAPH_FILES = {
    "posterior": ("condition.onnx", "inverse.onnx", "forward.onnx"),
    "bijective": ("condition.onnx", "inverse.onnx", "forward.onnx", "jacobian.onnx"),
}


def open_bundle(folder: Path) -> ModelCard:
    """The card of the bundle in `folder`, after every file's SHA-256 was found to be the card's.

    Raises:
        ModelError: the folder, the card or a file is missing, damaged or of another format.
    """
    if not folder.is_dir():
        raise ModelError(f"there is no model folder {folder}")
    card = read_card(folder)
    expected = {WEIGHTS_FILE, *GRAPH_FILES[card.family]}
    if card.files.keys() != expected:
        raise ModelError(f"{folder / CARD_FILE}: field files must name {', '.join(sorted(expected))}")
    for name, sha256 in card.files.items():
        path = folder / name
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise ModelError(f"cannot read the model file {path}: {error.strerror}") from None
        if found != sha256:
            raise ModelError(f"the model file {path} is damaged: its SHA-256 is not the one in {CARD_FILE}")
    return card


def write_bundle(folder: Path, card: ModelCard, contents: dict[str, bytes]) -> ModelCard:
    """Writes `contents` and the card, with their SHA-256, as `folder`; an older bundle there is replaced.

    All files are written to a folder beside it first, which then takes its place, so that a bundle is never
    half-written. Returns the card as written.

    Raises:
        OutputError: `folder` is something else than a bundle, or cannot be written.
    """
    if folder.exists() and not _is_replaceable(folder):
        raise OutputError(f"{folder} exists and is not a model folder; give another place for the model")
    card = replace(card, files={name: hashlib.sha256(data).hexdigest() for name, data in contents.items()})
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            new, old = Path(scratch) / "new", Path(scratch) / "old"
            new.mkdir()
            for name, data in contents.items():
                (new / name).write_bytes(data)
            (new / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
            _swap_in(new, folder, old)
    except OSError as error:
        raise OutputError(f"cannot write the model folder {folder}: {error.strerror}") from None
    return card


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
