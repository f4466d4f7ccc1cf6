"""The authors' published weights as a bundle of ours (torch, onnx)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from poseterior.errors import ModelError
from poseterior.flow.config import FlowConfig
from poseterior.flow.export import export_flow
from poseterior.flow.model_card import ModelCard
from poseterior.models.official import load_official

NAME = "wehrbein2021-authors"
DETECTOR_PROFILE = "hrnet-h36m"
SIGMA_CONFIDENT_CELLS = 2.0
SEED_UNKNOWN = -1
_REPOSITORY = "twehrbein/Probabilistic-Monocular-3D-Human-Pose-Estimation-with-Normalizing-Flows"


def import_official(checkpoint: Path, folder: Path) -> ModelCard:
    """Writes the flow of an authors' checkpoint as the bundle `folder`; returns its card.

    Raises:
        ModelError: the checkpoint is missing, damaged, needs unpickling of code, or is no such checkpoint.
        OutputError: `folder` is something else than a bundle, or cannot be written.
    """
    flow = load_official(checkpoint)
    return export_flow(flow, folder, official_card(flow.config, checkpoint.name, _sha256(checkpoint)))


def official_card(config: FlowConfig, file_name: str, sha256: str) -> ModelCard:
    """What is known of weights that the authors' code saved to a file with this SHA-256."""
    return ModelCard(
        name=NAME,
        family="bijective",
        config=config,
        detector_profile=DETECTOR_PROFILE,
        sigma_confident_cells=SIGMA_CONFIDENT_CELLS,
        condition_variant="official",
        stand_in=False,
        description=(
            "Weights as the authors' code of Wehrbein, Rudolph, Rosenhahn, Wandt, \"Probabilistic Monocular 3D "
            f'Human Pose Estimation with Normalizing Flows", ICCV 2021 (GitHub: {_REPOSITORY}) saves them, imported '
            f"from the file {file_name}. They were trained on detections of the authors' HRNet, and are of use with "
            "those alone."
        ),
        data=(
            "As the authors' code trains: Human3.6M, subjects 1, 5, 6, 7 and 8, with the authors' HRNet detections "
            "and Gaussian fits. The checkpoint itself does not say."
        ),
        licence="MIT, Copyright (c) 2021 twehrbein. Human3.6M, of which they were trained, is for academic use.",
        seed=SEED_UNKNOWN,
        command=f"poseterior models import official {file_name} --out FOLDER (after train.py of the authors' code)",
        metrics={"source": {"file": file_name, "sha256": sha256}},
    )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read the checkpoint {path}: {error.strerror}") from None
