"""Pictures with truth as training pairs: what a method is told of each picture, and the pose that it should find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32

from poseterior.data.evaluation_set import EvaluationSet
from poseterior.errors import InputError
from poseterior.geometry.normalise import vector_from_joints_2d, vector_from_pose
from poseterior.heatmaps.condition import UNCERTAIN_FROM, condition_for, limited_covariances
from poseterior.heatmaps.derive_batch import MpiiGaussians
from poseterior.skeleton import FLOW_16, H36M_17, indices_of
from poseterior.types import DetectorProfile

HeatmapMetres = Literal["geometry", "paper"]
"""How heatmap cells become metres: by the true camera and depth, or by METHOD's constant (1 px = 10 mm)."""

_PAPER_M_PER_SIGMA = {"paper": 0.02, "official": 0.01}
"""sigma_gt is 2 px; the paper's pixel stands for 10 mm, the authors' two pixels do, after doubling (METHOD 4)."""
_FLOW_JOINTS = indices_of(FLOW_16, H36M_17)


@dataclass(frozen=True)
class TrainingPairs:
    """Pairs in the flow's frame (`geometry.normalise`), row by row as in the set."""

    x: Float32[np.ndarray, "pictures 48"]
    """Metres."""
    y: Float32[np.ndarray, "pictures 32"]
    condition: Float32[np.ndarray, "pictures 78"]
    heatmap_covariance_m2: Float32[np.ndarray, "pictures 16 2 2"]
    """Of the joints of MPII-16, at the person, y up; standard deviations clipped as in the condition. They have no
    centre: L_HM takes the hypotheses' covariance about their own mean (`objective.heatmap_centre` only says which
    point of the body stands still), so that where the heatmap lies reaches a method by y and the condition alone."""
    uncertain: Bool[np.ndarray, "pictures 16"]
    """Whether the standard deviation in x or y is above sigma_t (eq. 3)."""

    def __len__(self) -> int:
        return len(self.x)


def training_pairs(
    data: EvaluationSet,
    *,
    variant: str = "paper",
    heatmap_metres: HeatmapMetres = "paper",
    uncertain_from: float = UNCERTAIN_FROM,
) -> TrainingPairs:
    """The pictures of a set, as `EvaluationSet.inputs` shows them, with their truth.

    Where the set has 2D joints of its own (Human3.6M: the detected joints), y is of these and the Gaussians' means
    are the condition's only, as in the authors' code.

    Args:
        data: the set.
        variant: of the condition (`heatmaps.condition`).
        heatmap_metres: see `HeatmapMetres`.
        uncertain_from: sigma_t in confident sigmas of the detector (METHOD: 1.05).

    Raises:
        InputError: the set lacks a joint's truth, or, for "geometry", does not know a picture's metres per cell.
    """
    _check_joints(data)
    return pairs_of_pictures(
        data.joints_m,
        data.gaussians,
        data.gaussians.mean_cell if data.joints_2d is None else data.joints_2d,
        data.profile,
        _known_metres_per_cell(data)
        if heatmap_metres == "geometry"
        else paper_metres_per_cell(len(data), data.profile, variant),
        variant=variant,
        uncertain_from=uncertain_from,
    )


def pairs_of_pictures(
    joints_m: Float[np.ndarray, "pictures 17 3"],
    gaussians: MpiiGaussians,
    joints_2d: Float[np.ndarray, "pictures 16 2"],
    profile: DetectorProfile,
    metres_per_cell: Float[np.ndarray, " pictures"],
    *,
    variant: str,
    uncertain_from: float,
) -> TrainingPairs:
    """Pairs of arrays, for sets of every kind.

    Args:
        joints_m: Human3.6M-17, camera frame, metres.
        gaussians: MPII-16, heatmap cells, y down.
        joints_2d: MPII-16, y down, any unit; y is of these.
        profile: of the detector that the Gaussians are of.
        metres_per_cell: width of a cell at the person.
        variant: of the condition.
        uncertain_from: sigma_t in confident sigmas.

    Raises:
        InputError: a 2D coordinate is not finite, or all 2D joints of a picture coincide.
        ValueError: an unknown variant.
    """
    condition = condition_for(
        profile, gaussians.amplitude, gaussians.mean_cell, gaussians.covariance_cell2, variant
    )
    y_up = np.array([[1.0, -1.0], [-1.0, 1.0]])
    sigma2 = profile.sigma_confident_cells**2
    limited_cell2 = limited_covariances(gaussians.covariance_cell2 / sigma2, variant) * sigma2
    covariance_m2 = limited_cell2 * y_up * metres_per_cell[:, None, None, None] ** 2
    sigma = np.sqrt(np.diagonal(gaussians.covariance_cell2, axis1=-2, axis2=-1).max(axis=-1))
    return TrainingPairs(
        x=vector_from_pose(joints_m).astype(np.float32),
        y=vector_from_joints_2d(joints_2d).astype(np.float32),
        condition=condition.astype(np.float32),
        heatmap_covariance_m2=covariance_m2.astype(np.float32),
        uncertain=sigma > uncertain_from * profile.sigma_confident_cells,
    )


def paper_metres_per_cell(
    pictures: int, profile: DetectorProfile, variant: str
) -> Float[np.ndarray, " pictures"]:
    """METHOD's constant for each picture: sigma_gt, 2 px there, is the detector's confident sigma."""
    return np.full(pictures, _PAPER_M_PER_SIGMA[variant] / profile.sigma_confident_cells)


def _check_joints(data: EvaluationSet) -> None:
    unknown = np.flatnonzero((~data.has_joint[:, _FLOW_JOINTS]).any(axis=0)).tolist()
    if unknown:
        lacking = ", ".join(FLOW_16[joint] for joint in unknown)
        raise InputError(
            f"set {data.name} lacks the truth of {lacking}; training needs all joints but the pelvis"
        )


def _known_metres_per_cell(data: EvaluationSet) -> Float[np.ndarray, " pictures"]:
    unknown = ~(np.isfinite(data.metres_per_cell) & (data.metres_per_cell > 0))
    if unknown.any():
        raise InputError(
            f"set {data.name}: metres_per_cell is not known for {unknown.sum()} of {len(data)} pictures, "
            f'the first of them picture {int(unknown.argmax())}; expected heatmap metres "paper" for this set'
        )
    return data.metres_per_cell
