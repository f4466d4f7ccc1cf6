"""2D joints without heatmaps, as the Gaussians of a detector that is sure of them all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError
from poseterior.heatmaps.derive_batch import MpiiGaussians
from poseterior.types import DetectorProfile

CROP_MARGIN = 1.25
"""Side of the crop relative to the longer side of the tight box around the joints."""
NOTE = "No heatmaps: every Gaussian has amplitude 1 and the detector's confident sigma, so conditions say nothing."


class Squares(NamedTuple):
    """One square of the picture per row, which the heatmap stands for."""

    centre_px: Float[np.ndarray, "pictures 2"]
    side_px: Float[np.ndarray, " pictures"]


def squares_around(joints_px: Float[np.ndarray, "pictures joints 2"], where: str) -> Squares:
    """The square around all joints, `CROP_MARGIN` times as wide as the tight box is long.

    Raises:
        InputError: all joints of a picture coincide, or a coordinate is not finite (`where` names file and field).
    """
    low, high = joints_px.min(axis=1), joints_px.max(axis=1)
    longer = (high - low).max(axis=1)
    bad = ~(np.isfinite(longer) & (longer > 0))
    if bad.any():
        raise InputError(
            f"{where}: the 2D joints of row {int(bad.argmax())} hold NaN or infinite values, or all coincide; "
            "expected joints spread over a person"
        )
    return Squares((low + high) / 2, CROP_MARGIN * longer)


def confident_gaussians(
    joints_px: Float[np.ndarray, "pictures 16 2"], squares: Squares, profile: DetectorProfile
) -> MpiiGaussians:
    """Gaussians at the joints in cells of the square, amplitude 1, covariance sigma_confident^2 I.

    The square is cut into heatmap_width x heatmap_width cells; the centre of the first is the origin.
    """
    corner = squares.centre_px - squares.side_px[:, None] / 2
    cells_per_px = 1.0 / px_per_cell(squares, profile)
    mean = (joints_px - corner[:, None]) * cells_per_px[:, None, None] - 0.5
    covariance = np.broadcast_to(profile.sigma_confident_cells**2 * np.eye(2), (*mean.shape, 2)).copy()
    return MpiiGaussians(np.ones(mean.shape[:-1]), mean, covariance)


def px_per_cell(squares: Squares, profile: DetectorProfile) -> Float[np.ndarray, " pictures"]:
    """Picture pixels that a heatmap cell is wide."""
    return squares.side_px / profile.heatmap_width
