"""Many detections at once: detectors' own Gaussians -> the 16 joints in MPII order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from poseterior.heatmaps.derive import covariance_shares, mpii_weights


@dataclass(frozen=True)
class MpiiGaussians:
    """The 16 joints of `skeleton.MPII_16` in many pictures; heatmap cells, float64."""

    amplitude: Float[np.ndarray, "pictures 16"]
    mean_cell: Float[np.ndarray, "pictures 16 2"]
    covariance_cell2: Float[np.ndarray, "pictures 16 2 2"]

    @property
    def sigma_cell(self) -> Float[np.ndarray, "pictures 16"]:
        """Geometric mean of the standard deviations along the principal axes."""
        return np.linalg.det(self.covariance_cell2) ** 0.25


def mpii_gaussians_of_many(
    joint_names: tuple[str, ...],
    amplitude: Float[np.ndarray, "pictures joints"],
    mean_cell: Float[np.ndarray, "pictures joints 2"],
    covariance_cell2: Float[np.ndarray, "pictures joints 3"],
) -> MpiiGaussians:
    """As `heatmaps.derive.mpii_gaussians`, for arrays of pictures.

    Args:
        joint_names: the detector's joints.
        amplitude: heatmap units.
        mean_cell: (x, y).
        covariance_cell2: (xx, xy, yy).

    Raises:
        InputError: a joint, or a part that it is derived from, is not among the detector's joints.
    """
    weights = mpii_weights(joint_names)
    amplitude, mean_cell = amplitude.astype(np.float64), mean_cell.astype(np.float64)
    parts = covariance_shares(weights) @ covariance_cell2.astype(np.float64)
    covariance = parts[..., [0, 1, 1, 2]].reshape(*parts.shape[:-1], 2, 2)
    smallest = np.stack([amplitude[:, row != 0].min(axis=1) for row in weights], axis=1)
    return MpiiGaussians(smallest, weights @ mean_cell, covariance)
