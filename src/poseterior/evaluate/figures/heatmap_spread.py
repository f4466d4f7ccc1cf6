"""Whether hypotheses spread in the image plane as the heatmaps' Gaussians do (what L_HM asks for).

Wehrbein et al., ICCV 2021, eqs. 3 and 4 and figure 7. Frame of everything here: the image plane at the person in
metres, x right, y up, relative to the mean of the 16 joints of MPII-16; projection is scaled orthographic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from poseterior.data.evaluation_set import EvaluationSet
from poseterior.errors import InputError
from poseterior.geometry.normalise import pose_from_vector
from poseterior.heatmaps.condition import limited_covariances
from poseterior.models.interface import LiftingModel
from poseterior.models.noise_baseline import PAPER_M_PER_CONFIDENT_SIGMA
from poseterior.skeleton import CONDITION_13, H36M_17, MPII_16, indices_of

JOINTS = CONDITION_13
"""The hips and what is between them have no Gaussian in the condition."""
LEAST_JOINTS = 3
"""Fewer joints than these have no correlation worth a number."""
_SEEN = indices_of(MPII_16, H36M_17)
_JOINTS = indices_of(JOINTS, MPII_16)
_Y_UP = np.array([1.0, -1.0])
_PICTURES_AT_ONCE = 64
_CLEARLY_LONG = 1.5
"""Axes of an ellipse whose larger sigma is so many times the smaller one have a direction worth comparing."""


@dataclass(frozen=True)
class InPlane:
    """Gaussians and hypotheses of the joints `JOINTS`."""

    mean_m: Float[np.ndarray, "pictures 13 2"]
    covariance_m2: Float[np.ndarray, "pictures 13 2 2"]
    """Of the Gaussians, standard deviations clipped as in the condition and in L_HM."""
    sigma_ratio: Float[np.ndarray, "pictures 13"]
    """Larger standard deviation of the Gaussian as fitted, in confident ones."""
    hypotheses_m2: Float[np.ndarray, "pictures 13 2 2"]
    """Unbiased covariance of the hypotheses."""


def joints_in_plane(
    vectors: Float[np.ndarray, "pictures hypotheses 48"],
) -> Float[np.ndarray, "pictures hypotheses 16 2"]:
    """MPII-16 joints of hypotheses (metres, flow frame, axis-major) in the image plane, mean-centred."""
    seen = pose_from_vector(vectors)[..., _SEEN, :2] * _Y_UP
    return seen - seen.mean(axis=-2, keepdims=True)


def gaussians_in_plane(
    data: EvaluationSet,
) -> tuple[Float[np.ndarray, "pictures 16 2"], Float[np.ndarray, "pictures 16 2 2"]]:
    """Means and covariances (clipped as in L_HM) of the MPII-16 Gaussians, by the set's metres per cell.

    Raises:
        InputError: the set does not know how large a heatmap cell is at the person.
    """
    if not np.isfinite(data.metres_per_cell).all():
        raise InputError(
            f"set {data.name}: metres_per_cell is not known; expected a set that knows its camera"
        )
    seen, sigma2 = data.gaussians, data.profile.sigma_confident_cells**2
    scale = data.metres_per_cell[:, None, None]
    centred = seen.mean_cell - seen.mean_cell.mean(axis=1, keepdims=True)
    limited = limited_covariances(seen.covariance_cell2 / sigma2) * sigma2
    return centred * _Y_UP * scale, limited * np.outer(_Y_UP, _Y_UP) * scale[..., None] ** 2


def sigma_ratios(data: EvaluationSet) -> Float[np.ndarray, "pictures 16"]:
    """Larger fitted standard deviation of each joint of MPII-16, in confident ones."""
    largest = np.linalg.eigvalsh(data.gaussians.covariance_cell2)[..., -1]
    return np.sqrt(largest) / data.profile.sigma_confident_cells


def measure_in_plane(model: LiftingModel, data: EvaluationSet, num_samples: int, seed: int) -> InPlane:
    """Lifts all pictures of the set.

    Raises:
        InputError: fewer than two hypotheses, or as `gaussians_in_plane`.
    """
    if num_samples < 2:
        raise InputError(f"samples is {num_samples}; expected 2 or more")
    mean_m, covariance_m2 = gaussians_in_plane(data)
    inputs = data.inputs(model.condition_variant)
    found = []
    for start in range(0, len(data), _PICTURES_AT_ONCE):
        block = type(inputs)(*(values[start : start + _PICTURES_AT_ONCE] for values in inputs))
        joints_m = joints_in_plane(model.sample(block, num_samples, seed).vectors)[:, :, _JOINTS]
        offset = joints_m - joints_m.mean(axis=1, keepdims=True)
        found.append(np.einsum("phja,phjb->pjab", offset, offset) / (num_samples - 1))
    return InPlane(
        mean_m[:, _JOINTS],
        covariance_m2[:, _JOINTS],
        sigma_ratios(data)[:, _JOINTS],
        np.concatenate(found),
    )


def root_trace_ratio(
    hypotheses_m2: Float[np.ndarray, "joints 2 2"], gaussian_m2: Float[np.ndarray, "joints 2 2"]
) -> Float[np.ndarray, " joints"]:
    """sqrt(tr s / tr S): 1 where the hypotheses are as wide as the Gaussian."""
    return np.sqrt(_trace(hypotheses_m2) / _trace(gaussian_m2))


def by_papers_constant(in_plane: InPlane, data: EvaluationSet) -> InPlane:
    """The same with Gaussians that become metres as the paper's training has it, whatever the person's distance."""
    constant = PAPER_M_PER_CONFIDENT_SIGMA / data.profile.sigma_confident_cells
    mean_m, covariance_m2 = gaussians_in_plane(
        replace(data, metres_per_cell=np.full(len(data), constant, np.float64))
    )
    return replace(in_plane, mean_m=mean_m[:, _JOINTS], covariance_m2=covariance_m2[:, _JOINTS])


def agreement(in_plane: InPlane, uncertain: Bool[np.ndarray, "pictures 13"]) -> dict[str, Any]:
    """How well the hypotheses' spread follows the Gaussians' over the uncertain joints.

    Returns:
        `joints` (how many), `ratio_median` and `ratio_quartiles` of `root_trace_ratio`; `at_least_as_wide`, the
        share of joints with a ratio of 1 or more; `sigma_correlation` (Pearson, of the logarithms of the root mean
        square sigmas); `major_axis_degrees`, the median angle between the larger axes where both ellipses are clearly
        long (45 for directions that have nothing to do with each other), of `major_axis_joints` joints. None for what
        no number can be given of.

    Raises:
        InputError: there are too few uncertain joints.
    """
    hypotheses, gaussian = in_plane.hypotheses_m2[uncertain], in_plane.covariance_m2[uncertain]
    if len(gaussian) < LEAST_JOINTS:
        raise InputError(
            f"there are {len(gaussian)} uncertain joints; expected {LEAST_JOINTS} or more: take more pictures"
        )
    ratio = root_trace_ratio(hypotheses, gaussian)
    spread = np.log(np.stack([_trace(hypotheses), _trace(gaussian)])) / 2
    varied = bool((spread.std(axis=1) > 0).all())
    long = _is_long(hypotheses) & _is_long(gaussian)
    angle = _angle_degrees(hypotheses[long], gaussian[long])
    return {
        "joints": len(ratio),
        "ratio_median": float(np.median(ratio)),
        "ratio_quartiles": np.quantile(ratio, [0.25, 0.75]).tolist(),
        "at_least_as_wide": float((ratio >= 1).mean()),
        "sigma_correlation": _correlation(*spread) if varied else None,
        "major_axis_degrees": float(np.median(angle)) if len(angle) else None,
        "major_axis_joints": len(angle),
    }


def reads_condition(model: LiftingModel, data: EvaluationSet) -> bool:
    """Whether the single answers change when every picture is told the next one's Gaussians."""
    inputs = data.inputs(model.condition_variant)
    other = inputs._replace(condition=np.roll(inputs.condition, 1, axis=0))
    return not np.array_equal(model.single(inputs), model.single(other))


def _trace(covariance: Float[np.ndarray, "joints 2 2"]) -> Float[np.ndarray, " joints"]:
    return np.trace(covariance, axis1=-2, axis2=-1)


def _correlation(first: Float[np.ndarray, " joints"], second: Float[np.ndarray, " joints"]) -> float:
    first, second = (values - values.mean() for values in (first, second))
    return float((first * second).mean() / (first.std() * second.std()))


def _is_long(covariance: Float[np.ndarray, "joints 2 2"]) -> Bool[np.ndarray, " joints"]:
    variances = np.linalg.eigvalsh(covariance)
    return variances[:, 1] > _CLEARLY_LONG**2 * np.maximum(variances[:, 0], 0.0)


def _angle_degrees(
    first: Float[np.ndarray, "joints 2 2"], second: Float[np.ndarray, "joints 2 2"]
) -> Float[np.ndarray, " joints"]:
    """Between the larger axes, 0 to 90."""
    axes = [np.linalg.eigh(covariance).eigenvectors[..., 1] for covariance in (first, second)]
    return np.degrees(np.arccos(np.clip(np.abs((axes[0] * axes[1]).sum(axis=-1)), 0.0, 1.0)))
