"""From fitted Gaussians to the flow's condition vector (METHOD section 2; Wehrbein et al. 2021, section 3.2).

Everything is relative to the detector's profile: `sigma_confident_cells` stands where the paper has
sigma_gt = 2 px. Two variants: "paper" as published; "official" as the authors' code does it, which doubles
the standard deviations above 1.05 sigma_gt.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError, ModelError
from poseterior.geometry.normalise import joint_major, vector_from_joints_2d
from poseterior.skeleton import CONDITION_13, MPII_16, indices_of
from poseterior.types import DetectorProfile, FitStatus, JointGaussians

ConditionVariant = Literal["paper", "official"]
CONDITION_VARIANTS: tuple[ConditionVariant, ...] = ("paper", "official")

MAX_AMPLITUDE = 1.2
SIGMA_RANGE = (0.1, 5.0)
"""Clip range of the standard deviations, in units of sigma_gt."""
UNCERTAIN_FROM = 1.05
"""sigma_t / sigma_gt: above it a joint counts as uncertain (METHOD section 4)."""
SIGMA_SCALE = 10.0
"""Standard deviations are divided by 10 sigma_gt."""

_CONDITION_JOINTS = indices_of(CONDITION_13, MPII_16)


def condition_vector(
    amplitude: Float[np.ndarray, "*batch 16"],
    mean_cell: Float[np.ndarray, "*batch 16 2"],
    covariance_cell2: Float[np.ndarray, "*batch 16 2 2"],
    *,
    sigma_confident_cells: float,
    heatmap_width: int,
    heatmap_height: int,
    variant: str = "paper",
) -> Float[np.ndarray, "*batch 78"]:
    """The condition c_hat of MPII-16 Gaussians in heatmap cells (y down).

    Per joint of `CONDITION_13`: amplitude, mean x, mean y, var x, cov, var y; means as in a normalised 2D
    pose, (co)variances in units of (10 sigma_gt)^2, both with y up.

    Raises:
        InputError: a value is not finite, or all means coincide.
        ValueError: an unknown variant.
    """
    if variant not in CONDITION_VARIANTS:
        raise ValueError(f"variant is {variant!r}; expected one of {', '.join(CONDITION_VARIANTS)}")
    for name, values in (("amplitudes", amplitude), ("means", mean_cell), ("covariances", covariance_cell2)):
        if not np.isfinite(values).all():
            raise InputError(f"the Gaussians' {name} hold NaN or infinite values; expected finite numbers")

    inside = np.clip(mean_cell, 0.0, [heatmap_width - 1.0, heatmap_height - 1.0])
    means = joint_major(vector_from_joints_2d(inside), axes=2)
    covariances = limited_covariances(covariance_cell2 / sigma_confident_cells**2, variant) / SIGMA_SCALE**2
    per_joint = np.stack(
        [
            np.clip(amplitude, 0.0, MAX_AMPLITUDE),
            means[..., 0],
            means[..., 1],
            covariances[..., 0, 0],
            -covariances[..., 0, 1],
            covariances[..., 1, 1],
        ],
        axis=-1,
    )
    kept = per_joint[..., _CONDITION_JOINTS, :]
    return kept.reshape(*kept.shape[:-2], -1)


def condition_for(
    profile: DetectorProfile,
    amplitude: Float[np.ndarray, "*batch 16"],
    mean_cell: Float[np.ndarray, "*batch 16 2"],
    covariance_cell2: Float[np.ndarray, "*batch 16 2 2"],
    variant: str = "paper",
) -> Float[np.ndarray, "*batch 78"]:
    """`condition_vector` of Gaussians that the profile's detector saw; raises as it does."""
    return condition_vector(
        amplitude,
        mean_cell,
        covariance_cell2,
        sigma_confident_cells=profile.sigma_confident_cells,
        heatmap_width=profile.heatmap_width,
        heatmap_height=profile.heatmap_height,
        variant=variant,
    )


def condition_of(
    gaussians: JointGaussians, profile: DetectorProfile, variant: str = "paper"
) -> tuple[Float[np.ndarray, " 32"], Float[np.ndarray, " 78"]]:
    """The 2D pose y and the condition c_hat of one person's MPII-16 Gaussians.

    Raises:
        InputError: a joint's heatmap held NaN or infinity (`FitStatus.INVALID`), or the joints coincide.
        ModelError: the Gaussians are not in MPII-16 order.
    """
    if gaussians.joint_names != MPII_16:
        raise ModelError(
            f"the condition needs the joints {', '.join(MPII_16)}; got {', '.join(gaussians.joint_names)}"
        )
    invalid = [
        name
        for name, status in zip(gaussians.joint_names, gaussians.status, strict=True)
        if status == FitStatus.INVALID
    ]
    if invalid:
        raise InputError(
            f"the heatmaps of detector {profile.name} hold NaN or infinite values for {', '.join(invalid)}; "
            "expected finite heatmaps"
        )
    condition = condition_for(
        profile, gaussians.amplitude, gaussians.mean_cell, gaussians.covariance_cell2, variant
    )
    return vector_from_joints_2d(gaussians.mean_cell), condition


def limited_covariances(
    covariance_in_sigma2: Float[np.ndarray, "*batch 2 2"], variant: str = "paper"
) -> Float[np.ndarray, "*batch 2 2"]:
    """The same principal axes, with standard deviations clipped to `SIGMA_RANGE`; official: large ones doubled.

    In and out in units of sigma_gt squared (METHOD section 2); these are the covariances of L_HM too.
    """
    xx, yy = covariance_in_sigma2[..., 0, 0], covariance_in_sigma2[..., 1, 1]
    xy = (covariance_in_sigma2[..., 0, 1] + covariance_in_sigma2[..., 1, 0]) / 2
    middle, half = (xx + yy) / 2, (xx - yy) / 2
    radius = np.hypot(half, xy)
    large = _scaled_sigma(np.sqrt(np.maximum(middle + radius, 0.0)), variant) ** 2
    small = _scaled_sigma(np.sqrt(np.maximum(middle - radius, 0.0)), variant) ** 2
    # cos and sin of twice the axis' angle; a round Gaussian has none, and then large == small
    round_one = radius < 1e-12
    safe = np.where(round_one, 1.0, radius)
    cos2, sin2 = np.where(round_one, 0.0, half / safe), np.where(round_one, 0.0, xy / safe)
    new_middle, new_radius = (large + small) / 2, (large - small) / 2
    rows = [
        [new_middle + new_radius * cos2, new_radius * sin2],
        [new_radius * sin2, new_middle - new_radius * cos2],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _scaled_sigma(sigma: Float[np.ndarray, "*batch"], variant: str) -> Float[np.ndarray, "*batch"]:
    """Standard deviations in units of sigma_gt, as the variant wants them."""
    clipped = np.clip(sigma, *SIGMA_RANGE)
    if variant == "official":
        clipped = np.where(clipped > UNCERTAIN_FROM, 2.0 * clipped, clipped)
    return clipped
