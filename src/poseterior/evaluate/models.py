"""Models by name or folder; what kind of method it is says the folder's card."""

from __future__ import annotations

import json
from pathlib import Path

from poseterior.errors import ModelError
from poseterior.evaluate.flow_lifter import FlowLifter
from poseterior.flow.model_card import CARD_FILE
from poseterior.models.interface import LiftingModel
from poseterior.types import DetectorProfile
from poseterior.weights import model_folder


def open_model(name_or_folder: str | Path, *, num_threads: int = 0) -> LiftingModel:
    """A bundled model by name, or any trained method from its folder; `num_threads` 0 takes all cores.

    A card with a `family` describes a flow, one with a `method` another trained network, which needs torch.

    Raises:
        ModelError: no such model, or its files are missing, damaged or of another format.
    """
    folder = model_folder(name_or_folder)
    if _is_network(folder):
        from poseterior.models.network_bundle import open_network_lifter

        return open_network_lifter(folder)
    return FlowLifter.load(folder, num_threads=num_threads)


def require_profile(model: LiftingModel, given: DetectorProfile, set_name: str) -> None:
    """Raise ModelError unless the model was trained for the detections that a set holds."""
    if model.detector_profile != given.name:
        raise ModelError(
            f"model {model.name} was trained for the detector profile {model.detector_profile}, not for "
            f"{given.name}, which set {set_name} was detected with; choose a model trained for {given.name}"
        )


def _is_network(folder: Path) -> bool:
    """Cards that cannot be read are left to the flow's reader, whose sentence says what is wrong."""
    try:
        content = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "family" not in content and "method" in content
