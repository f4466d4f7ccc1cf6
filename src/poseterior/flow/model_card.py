"""The model card of a flow, `model.json`: what it is, what it was trained on, which files belong to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from poseterior.errors import ModelError
from poseterior.flow.config import ClampVariant, ConditionInput, Family, FlowConfig, PermutationKind
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

__all__ = ["CARD_FILE", "FORMAT_VERSION", "UNITS", "WEIGHTS_FILE", "LogProbKind", "ModelCard", "read_card"]

FORMAT_VERSION = 1

LogProbKind = Literal["posterior", "manifold"]

UNITS = {
    "pose": "metres; camera frame with y up and z towards the camera; 16 joints without the pelvis, "
    "mean-centred, all x, then all y, then all z",
    "y": "16 joints in 2D, centred, y up, divided by the standard deviation of all 32 coordinates, "
    "all x, then all y",
    "log_prob": "nats, for poses in metres",
}


@dataclass(frozen=True)
class ModelCard(StoredCard):
    """Everything that a user of the weights must know; stored beside them as JSON."""

    name: str
    family: Family
    config: FlowConfig
    detector_profile: str
    """Name of the detector profile whose Gaussians the flow was trained on."""
    sigma_confident_cells: float
    """Of that profile: standard deviation of a confident joint's heatmap, in cells."""
    condition_variant: str
    """How the Gaussians become the condition: "paper" or "official" (METHOD section 2)."""
    stand_in: bool
    """True for weights that only hold the place of properly trained ones."""
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
    format_version: int = FORMAT_VERSION

    @property
    def log_prob_kind(self) -> LogProbKind:
        """What the flow's log-densities are of: "posterior" or "manifold" (METHOD section 9)."""
        return "posterior" if self.family == "posterior" else "manifold"


def read_card(folder: Path) -> ModelCard:
    """The card of the bundle in `folder`.

    Raises:
        ModelError: it is missing, is not JSON, has another format version, or a field is missing or wrong.
    """
    path = folder / CARD_FILE
    content = read_content(path)
    if not isinstance(content, dict) or "format_version" not in content:
        raise ModelError(f"{path} is not a model card: it has no format_version")
    check_format_version(path, content, FORMAT_VERSION)
    return _card(content, path)


def _card(content: dict[str, Any], path: Path) -> ModelCard:
    check_fields(path, content, ModelCard, {**COMMON_TYPES, "stand_in": bool})
    check_choice(path, content, "family", Family)
    check_choice(path, content, "condition_variant", ConditionVariant)
    config = _config(content["config"], path)
    if content["family"] == "bijective" and config.inputs != ("condition",):
        raise ModelError(
            f"{path}: a bijective flow reads the condition alone; its inputs are {config.inputs}"
        )
    return ModelCard(**{**content, "config": config})


def _config(content: Any, path: Path) -> FlowConfig:
    try:
        config = FlowConfig(**{**content, "inputs": tuple(content["inputs"])})
    except (TypeError, KeyError):
        raise ModelError(f"{path}: field config does not describe a flow") from None
    sizes = (config.blocks, config.hidden, config.encoder_hidden, config.encoder_size)
    valid = (
        all(type(size) is int and size > 0 for size in sizes)
        and isinstance(config.clamp_alpha, (int, float))
        and config.clamp_alpha > 0
        and config.clamp in get_args(ClampVariant)
        and config.permutation in get_args(PermutationKind)
        and len(config.inputs) > 0
        and all(name in get_args(ConditionInput) for name in config.inputs)
    )
    if not valid:
        raise ModelError(f"{path}: field config holds a value outside of what a flow can have: {content}")
    return config
