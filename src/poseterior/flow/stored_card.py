"""What the cards of all models have in common: a JSON text of typed fields and a format version; free of torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import Field, asdict, fields
from pathlib import Path
from typing import Any, ClassVar, get_args

from poseterior.errors import ModelError

CARD_FILE = "model.json"
WEIGHTS_FILE = "weights.safetensors"

FieldTypes = Mapping[str, type | tuple[type, ...]]
"""Field -> what `isinstance` takes."""

COMMON_TYPES: FieldTypes = {
    "name": str,
    "detector_profile": str,
    "sigma_confident_cells": (int, float),
    "description": str,
    "data": str,
    "licence": str,
    "seed": int,
    "command": str,
    "metrics": dict,
    "units": dict,
    "files": dict,
}
"""Of the fields that every card has."""


class StoredCard:
    """Base of the cards, which are frozen dataclasses."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    files: dict[str, str]

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights, which identifies the model."""
        return self.files[WEIGHTS_FILE]

    def to_json(self) -> str:
        """The text of `model.json`."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"


def read_content(path: Path) -> Any:
    """The card's JSON, unchecked.

    Raises:
        ModelError: it is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read the model card {path}: {error.strerror}") from None
    except ValueError:
        raise ModelError(f"the model card {path} is not valid JSON") from None


def check_format_version(path: Path, content: dict[str, Any], expected: int) -> None:
    """Raises ModelError unless the card at `path` has the expected format version."""
    found = content.get("format_version")
    if found != expected:
        raise ModelError(f"{path} has format version {found}; this version reads {expected}")


def check_fields(path: Path, content: dict[str, Any], card: type[StoredCard], kinds: FieldTypes) -> None:
    """Raises ModelError unless the content has exactly the fields of `card`, those in `kinds` of these types."""
    names = [entry.name for entry in fields(card)]
    if content.keys() != set(names):
        odd = sorted(content.keys() ^ set(names))
        raise ModelError(f"the model card {path} lacks or has unexpected fields: {', '.join(odd)}")
    for name in names:
        if name in kinds and not isinstance(content[name], kinds[name]):
            raise ModelError(f"{path}: field {name} is {content[name]!r}, of the wrong type")


def check_choice(path: Path, content: dict[str, Any], name: str, literal: Any) -> None:
    """Raises ModelError unless the field is one of the values of the `Literal`."""
    choices = get_args(literal)
    if content[name] not in choices:
        raise ModelError(f"{path}: {name} is {content[name]!r}; expected one of {', '.join(choices)}")
