"""The bundled models: one folder each, with a model card, weights and graphs."""

from __future__ import annotations

import os
from pathlib import Path

from poseterior.errors import ModelError

DEFAULT_MODEL = "posterior"
_FOLDER = Path(__file__).parent


def bundled_models() -> tuple[str, ...]:
    """Names of the models inside the package."""
    return tuple(sorted(card.parent.name for card in _FOLDER.glob("*/model.json")))


def model_folder(model: str | Path) -> Path:
    """The folder of a bundled model by name, or of any model by its path.

    Raises:
        ModelError: neither a bundled name nor a folder.
    """
    if str(model) in bundled_models():
        return _FOLDER / str(model)
    folder = Path(model)
    if not (str(model) and os.path.isdir(folder)):  # noqa: PTH112 - unlike Path.is_dir it never raises
        raise ModelError(
            f"model {model}: expected one of {', '.join(bundled_models())}, or a folder with a model.json"
        )
    return folder
