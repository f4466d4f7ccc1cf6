"""The model card of a flow, `model.json`: what it is, what it was trained on, which files belong to it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from poseterior.errors import ModelError
from poseterior.flow.config import ClampVariant, ConditionInput, Family, FlowConfig, PermutationKind
from poseterior.heatmaps.condition import ConditionVariant

FORMAT_VERSION = 1
CARD_FILE = "model.json"
WEIGHTS_FILE = "weights.safetensors"

LogProbKind = Literal["posterior", "manifold"]

UNITS = {
    "pose": "metres; camera frame with y up and z towards the camera; 16 joints without the pelvis, "
    "mean-centred, all x, then all y, then all z",
    "y": "16 joints in 2D, centred, y up, divided by the standard deviation of all 32 coordinates, "
    "all x, then all y",
    "log_prob": "nats, for poses in metres",
}


@dataclass(frozen=True)
class ModelCard:
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

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights, which identifies the model."""
        return self.files[WEIGHTS_FILE]

    def to_json(self) -> str:
        """The text of `model.json`."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"


_TYPES: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "detector_profile": str,
    "sigma_confident_cells": (int, float),
    "stand_in": bool,
    "description": str,
    "data": str,
    "licence": str,
    "seed": int,
    "command": str,
    "metrics": dict,
    "units": dict,
    "files": dict,
}


def read_card(folder: Path) -> ModelCard:
    """The card of the bundle in `folder`.

    Raises:
        ModelError: it is missing, is not JSON, has another format version, or a field is missing or wrong.
    """
    path = folder / CARD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read the model card {path}: {error.strerror}") from None
    except ValueError:
        raise ModelError(f"the model card {path} is not valid JSON") from None
    if not isinstance(content, dict) or "format_version" not in content:
        raise ModelError(f"{path} is not a model card: it has no format_version")
    if content["format_version"] != FORMAT_VERSION:
        raise ModelError(
            f"{path} has format version {content['format_version']}; this version reads {FORMAT_VERSION}"
        )
    return _card(content, path)


def _card(content: dict[str, Any], path: Path) -> ModelCard:
    names = {entry.name for entry in fields(ModelCard)}
    if content.keys() != names:
        odd = sorted(content.keys() ^ names)
        raise ModelError(f"the model card {path} lacks or has unexpected fields: {', '.join(odd)}")
    for name, kind in _TYPES.items():
        if not isinstance(content[name], kind):
            raise ModelError(f"{path}: field {name} is {content[name]!r}, of the wrong type")
    for name, literal in (("family", Family), ("condition_variant", ConditionVariant)):
        if content[name] not in get_args(literal):
            choices = ", ".join(get_args(literal))
            raise ModelError(f"{path}: {name} is {content[name]!r}; expected one of {choices}")
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
