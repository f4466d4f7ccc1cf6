"""Ellipses of 2D Gaussians."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from poseterior.types import FitStatus, JointGaussians

_UNPLACED = (FitStatus.NO_SIGNAL, FitStatus.INVALID)


def is_placed(gaussians: JointGaussians) -> Bool[np.ndarray, " joints"]:
    """Whether the detector saw the joint at all; the others' means say nothing."""
    return ~np.isin(gaussians.status, [int(status) for status in _UNPLACED])


def ellipse_axes(
    covariance: Float[np.ndarray, "joints 2 2"],
) -> tuple[Float[np.ndarray, " joints"], Float[np.ndarray, " joints"], Float[np.ndarray, " joints"]]:
    """Larger and smaller sigma, in the covariance's root unit, and the larger one's angle.

    The angle is in degrees from the x axis towards the y axis, whichever way y points.
    """
    variances, directions = np.linalg.eigh(covariance)
    sigma = np.sqrt(np.maximum(variances, 0.0))
    angle_deg = np.degrees(np.arctan2(directions[:, 1, 1], directions[:, 0, 1]))
    return sigma[:, 1], sigma[:, 0], angle_deg
