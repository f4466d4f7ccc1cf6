"""A set of `poseterior synth` on disk as training pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

from poseterior.data.synthesis.dataset import SynthDataset
from poseterior.data.training_pairs import (
    HeatmapMetres,
    TrainingPairs,
    pairs_of_pictures,
    paper_metres_per_cell,
)
from poseterior.heatmaps.condition import UNCERTAIN_FROM
from poseterior.heatmaps.derive_batch import mpii_gaussians_of_many
from poseterior.skeleton import H36M_17

_PELVIS = H36M_17.index("pelvis")


def load_open_data(
    folder: Path,
    split: str,
    *,
    variant: str = "paper",
    heatmap_metres: HeatmapMetres = "geometry",
    uncertain_from: float = UNCERTAIN_FROM,
) -> TrainingPairs:
    """All pairs of a split of a set that `poseterior synth` made.

    Args:
        folder: the set's.
        split: "train", "validation" or "test".
        variant: of the condition (`heatmaps.condition`).
        heatmap_metres: see `HeatmapMetres`.
        uncertain_from: sigma_t in confident sigmas of the detector (METHOD: 1.05).

    Raises:
        InputError: the folder holds no such set, or it is damaged.
    """
    dataset = SynthDataset.open(folder, split)
    profile = dataset.profile
    gaussians = mpii_gaussians_of_many(
        profile.joint_names, dataset["amplitude"], dataset["mean_cell"], dataset["covariance_cell2"]
    )
    metres_per_cell = (
        _metres_per_cell(dataset)
        if heatmap_metres == "geometry"
        else paper_metres_per_cell(len(dataset), profile, variant)
    )
    return pairs_of_pictures(
        dataset["joints_m"].astype(np.float64),
        gaussians,
        gaussians.mean_cell,
        profile,
        metres_per_cell,
        variant=variant,
        uncertain_from=uncertain_from,
    )


def _metres_per_cell(dataset: SynthDataset) -> Float[np.ndarray, " pictures"]:
    """A heatmap cell's width at the person's depth."""
    depth_m = dataset["joints_m"][:, _PELVIS, 2].astype(np.float64)
    pixels_per_cell = dataset["pixel_from_cell"][:, 0, 0].astype(np.float64)
    return pixels_per_cell * depth_m / dataset["focal_px"].astype(np.float64)
