"""A flow on disk: a folder with card, weights (once) and the ONNX graphs that refer to them; torch-free."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from poseterior.errors import ModelError
from poseterior.flow.bundle_folder import check_files, checksums, write_folder
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
    check_files(folder, card.files)
    return card


def write_bundle(folder: Path, card: ModelCard, contents: dict[str, bytes]) -> ModelCard:
    """Writes `contents` and the card, with their SHA-256, as `folder`; an older bundle there is replaced.

    Returns the card as written. A bundle is never half-written.

    Raises:
        OutputError: `folder` is something else than a bundle, or cannot be written.
    """
    card = replace(card, files=checksums(contents))
    write_folder(folder, card.to_json(), contents)
    return card
