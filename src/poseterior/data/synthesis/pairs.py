"""A set on disk as training pairs: what the flow is told of each picture, and the pose that it should find."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32

from poseterior.data.synthesis.dataset import SynthDataset
from poseterior.geometry.normalise import vector_from_joints_2d, vector_from_pose
from poseterior.heatmaps.condition import UNCERTAIN_FROM, condition_for, limited_covariances
from poseterior.heatmaps.derive_batch import MpiiGaussians, mpii_gaussians_of_many
from poseterior.skeleton import H36M_17
from poseterior.types import DetectorProfile

HeatmapMetres = Literal["geometry", "paper"]
"""How heatmap cells become metres: by the true camera and depth, or by METHOD's constant (1 px = 10 mm)."""

_PAPER_M_PER_SIGMA = {"paper": 0.02, "official": 0.01}
"""sigma_gt is 2 px; the paper's pixel stands for 10 mm, the authors' two pixels do, after doubling (METHOD 4)."""
_PELVIS = H36M_17.index("pelvis")


@dataclass(frozen=True)
class OpenPairs:
    """Pairs in the flow's frame (`geometry.normalise`), row by row as in the set."""

    x: Float32[np.ndarray, "pictures 48"]
    """Metres."""
    y: Float32[np.ndarray, "pictures 32"]
    condition: Float32[np.ndarray, "pictures 78"]
    heatmap_covariance_m2: Float32[np.ndarray, "pictures 16 2 2"]
    """Of the joints of MPII-16, at the person, y up; standard deviations clipped as in the condition."""
    uncertain: Bool[np.ndarray, "pictures 16"]
    """Whether the standard deviation in x or y is above sigma_t (eq. 3)."""


def load_open_data(
    folder: Path,
    split: str,
    *,
    variant: str = "paper",
    heatmap_metres: HeatmapMetres = "geometry",
    uncertain_from: float = UNCERTAIN_FROM,
) -> OpenPairs:
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
        else np.full(len(dataset), _PAPER_M_PER_SIGMA[variant] / profile.sigma_confident_cells)
    )
    joints_m = dataset["joints_m"].astype(np.float64)
    return _pairs(gaussians, profile, joints_m, metres_per_cell, variant, uncertain_from)


def _pairs(
    gaussians: MpiiGaussians,
    profile: DetectorProfile,
    joints_m: Float[np.ndarray, "pictures 17 3"],
    metres_per_cell: Float[np.ndarray, " pictures"],
    variant: str,
    uncertain_from: float,
) -> OpenPairs:
    condition = condition_for(
        profile, gaussians.amplitude, gaussians.mean_cell, gaussians.covariance_cell2, variant
    )
    y_up = np.array([[1.0, -1.0], [-1.0, 1.0]])
    sigma2 = profile.sigma_confident_cells**2
    limited_cell2 = limited_covariances(gaussians.covariance_cell2 / sigma2, variant) * sigma2
    covariance_m2 = limited_cell2 * y_up * metres_per_cell[:, None, None, None] ** 2
    sigma = np.sqrt(np.diagonal(gaussians.covariance_cell2, axis1=-2, axis2=-1).max(axis=-1))
    return OpenPairs(
        x=vector_from_pose(joints_m).astype(np.float32),
        y=vector_from_joints_2d(gaussians.mean_cell).astype(np.float32),
        condition=condition.astype(np.float32),
        heatmap_covariance_m2=covariance_m2.astype(np.float32),
        uncertain=sigma > uncertain_from * profile.sigma_confident_cells,
    )


def _metres_per_cell(dataset: SynthDataset) -> Float[np.ndarray, " pictures"]:
    """A heatmap cell's width at the person's depth."""
    depth_m = dataset["joints_m"][:, _PELVIS, 2].astype(np.float64)
    pixels_per_cell = dataset["pixel_from_cell"][:, 0, 0].astype(np.float64)
    return pixels_per_cell * depth_m / dataset["focal_px"].astype(np.float64)
