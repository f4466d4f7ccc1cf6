"""The model card of a network that is no flow, `model.json`; free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from poseterior.errors import ModelError
from poseterior.flow.model_card import UNITS
from poseterior.flow.stored_card import (
    CARD_FILE,
    COMMON_TYPES,
    WEIGHTS_FILE,
    StoredCard,
    check_choice,
    check_fields,
    check_format_version,
    read_content,
)
from poseterior.heatmaps.condition import ConditionVariant

FORMAT_VERSION = 1
GRAPH_FILES = ("single.onnx", "draw.onnx")
"""Optional: what `NetworkLifter.single` and `.draw` compute, for other runtimes."""


@dataclass(frozen=True)
class NetworkCard(StoredCard):
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


def read_network_card(folder: Path) -> NetworkCard:
    """The card of the bundle in `folder`.

    Raises:
        ModelError: it is missing, is not JSON, is of another kind or format, or a field is missing or wrong.
    """
    path = folder / CARD_FILE
    content = read_content(path)
    if not isinstance(content, dict) or content.get("kind") != "network":
        raise ModelError(f'{path} is not the card of a network: field kind is not "network"')
    check_format_version(path, content, FORMAT_VERSION)
    check_fields(path, content, NetworkCard, {**COMMON_TYPES, "method": str, "config": dict})
    check_choice(path, content, "condition_variant", ConditionVariant)
    files = content["files"].keys()
    if WEIGHTS_FILE not in files or not files <= {WEIGHTS_FILE, *GRAPH_FILES}:
        expected = f"{WEIGHTS_FILE} and, optionally, {', '.join(GRAPH_FILES)}"
        raise ModelError(f"{path}: field files must name {expected}")
    return NetworkCard(**content)
