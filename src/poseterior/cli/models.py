"""`poseterior models list|show|import`: which models there are, what their cards say, and models of others."""

from __future__ import annotations

import importlib.util
import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from poseterior.cli.exits import DONE
from poseterior.cli.streams import one_line, say
from poseterior.cli.train import MissingExtraError

NEEDED_TO_IMPORT = ("onnx", "torch")
WIDTH = 110
"""Columns of what is printed."""
LABEL = 28
"""Columns of a field's name."""
MAX_ENTRIES = 12
"""Of a list; longer ones, such as training curves, are only counted."""


@dataclass(frozen=True)
class ModelsList:
    """List the models inside the package: what they are, for which detector, and under which licence."""

    def run(self) -> int:
        """Print a block per model."""
        from poseterior.flow.model_card import read_card
        from poseterior.weights import DEFAULT_MODEL, bundled_models, model_folder

        for name in bundled_models():
            card = read_card(model_folder(name))
            say(f"{name} (default)" if name == DEFAULT_MODEL else name)
            facts = {
                "family": card.family,
                "detector": card.detector_profile,
                "what": card.description,
                "licence": card.licence,
                "sha256": card.weights_sha256,
                "folder": str(model_folder(name)),
            }
            for line in field_lines(facts):
                say(line)
        return DONE


@dataclass(frozen=True)
class ModelsShow:
    """Print the card of one model, after its files were found to be intact."""

    model: Positional[Annotated[str, arg(metavar="NAME|FOLDER")]]
    """Name as `poseterior models list` prints it, or the folder of any model."""

    def run(self) -> int:
        """Print the card."""
        from poseterior.weights import model_folder

        card = _checked_card(model_folder(self.model))
        say(one_line(str(card.pop("name", self.model))))
        for line in field_lines(card):
            say(line)
        return DONE


@dataclass(frozen=True)
class ModelsImport:
    """Turn weights that others published into a model folder for `lift` and `evaluate`."""

    source: Positional[Literal["official"]]
    """official: model.pt as the code of the authors of Wehrbein et al., ICCV 2021, saves it."""
    checkpoint: Positional[Annotated[Path, arg(metavar="FILE")]]
    """The file; no code in it is run."""
    out: Path
    """Folder for the model; made if it does not exist, and replaced if it is a model."""

    def run(self) -> int:
        """Convert, and say where the model is."""
        missing = [name for name in NEEDED_TO_IMPORT if importlib.util.find_spec(name) is None]
        if missing:
            raise MissingExtraError(
                f'models import needs {", ".join(missing)}, not installed here: pip install "poseterior[train]"'
            )
        from poseterior.models.official_import import import_official

        card = import_official(self.checkpoint, self.out)
        say(f"{card.name} is in {self.out}: poseterior models show {self.out}")
        return DONE


def field_lines(fields: dict[str, Any], indent: int = 2) -> Iterator[str]:
    """A line or more per field, wrapped; what is nested stands indented below its name."""
    for name, value in fields.items():
        label = " " * indent + one_line(name)
        if isinstance(value, dict) and value:
            yield label
            yield from field_lines(value, indent + 2)
            continue
        yield from textwrap.wrap(
            one_line(_text(value)) or "-",
            width=WIDTH,
            initial_indent=label.ljust(LABEL - 1) + " ",
            subsequent_indent=" " * LABEL,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        if len(value) > MAX_ENTRIES or any(isinstance(entry, dict | list) for entry in value):
            return f"({len(value)} entries)"
        return ", ".join(_text(entry) for entry in value)
    return "none" if value is None or value == {} else str(value)


def _checked_card(folder: Path) -> dict[str, Any]:
    """The fields of the card, after the model's files were found to be those that it names."""
    from poseterior.flow.bundle import open_bundle
    from poseterior.flow.bundle_folder import check_files
    from poseterior.flow.model_card import CARD_FILE
    from poseterior.models.network_card import read_network_card

    try:
        content = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or content.get("kind") != "network":
        return asdict(open_bundle(folder))
    card = read_network_card(folder)
    check_files(folder, card.files)
    return asdict(card)
