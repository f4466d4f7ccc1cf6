"""The model card of a network that is no flow, `model.json`; free of torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from poseterior.errors import ModelError
from poseterior.flow.model_card import CARD_FILE, UNITS, WEIGHTS_FILE
from poseterior.heatmaps.condition import ConditionVariant

FORMAT_VERSION = 1
GRAPH_FILES = ("single.onnx", "draw.onnx")
"""Optional: what `NetworkLifter.single` and `.draw` compute, for other runtimes."""


@dataclass(frozen=True)
class NetworkCard:
    """Everything that a user of the weights must know; stored beside them as JSON."""

    name: str
    method: str
    """By `network_methods`."""
    config: dict[str, Any]
    """The fields of the method's config, as JSON has them."""
    detector_profile: str
    """Name of the detector profile whose detections the network was trained on."""
    sigma_confident_cells: float
    """Of that profile: standard deviation of a confident joint's heatmap, in cells."""
    condition_variant: str
    """How the Gaussians become the condition: "paper" or "official" (METHOD section 2)."""
    description: str
    data: str
    licence: str
    seed: int
    command: str
    """What reruns the training."""
    metrics: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=lambda: dict(UNITS))
    files: dict[str, str] = field(default_factory=dict)
    """File name -> SHA-256, filled in when the bundle is written."""
    kind: Literal["network"] = "network"
    """What tells this card from a flow's."""
    format_version: int = FORMAT_VERSION

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights, which identifies the model."""
        return self.files[WEIGHTS_FILE]

    def to_json(self) -> str:
        """The text of `model.json`."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"


_TYPES: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "method": str,
    "config": dict,
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


def read_network_card(folder: Path) -> NetworkCard:
    """The card of the bundle in `folder`.

    Raises:
        ModelError: it is missing, is not JSON, is of another kind or format, or a field is missing or wrong.
    """
    path = folder / CARD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read the model card {path}: {error.strerror}") from None
    except ValueError:
        raise ModelError(f"the model card {path} is not valid JSON") from None
    if not isinstance(content, dict) or content.get("kind") != "network":
        raise ModelError(f'{path} is not the card of a network: field kind is not "network"')
    if content.get("format_version") != FORMAT_VERSION:
        raise ModelError(
            f"{path} has format version {content.get('format_version')}; this version reads {FORMAT_VERSION}"
        )
    return _checked(content, path)


def _checked(content: dict[str, Any], path: Path) -> NetworkCard:
    names = {entry.name for entry in fields(NetworkCard)}
    if content.keys() != names:
        odd = ", ".join(sorted(content.keys() ^ names))
        raise ModelError(f"the model card {path} lacks or has unexpected fields: {odd}")
    for name, kind in _TYPES.items():
        if not isinstance(content[name], kind):
            raise ModelError(f"{path}: field {name} is {content[name]!r}, of the wrong type")
    if content["condition_variant"] not in get_args(ConditionVariant):
        choices = ", ".join(get_args(ConditionVariant))
        raise ModelError(
            f"{path}: condition_variant is {content['condition_variant']!r}; expected one of {choices}"
        )
    files = content["files"].keys()
    if WEIGHTS_FILE not in files or not files <= {WEIGHTS_FILE, *GRAPH_FILES}:
        expected = f"{WEIGHTS_FILE} and, optionally, {', '.join(GRAPH_FILES)}"
        raise ModelError(f"{path}: field files must name {expected}")
    return NetworkCard(**content)
