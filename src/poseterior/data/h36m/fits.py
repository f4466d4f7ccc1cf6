"""The authors' Gaussian fits: 7 numbers a joint -> Gaussians in heatmap cells, y down."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.data.hrnet_profile import HRNET_H36M
from poseterior.heatmaps.condition import SIGMA_RANGE
from poseterior.heatmaps.derive_batch import MpiiGaussians

FIT_FIELDS = ("amplitude", "mean x", "mean y", "sigma_x", "theta", "sigma_y", "rmse")


def gaussians_from_fits(fits: Float[np.ndarray, "pictures 16 7"]) -> MpiiGaussians:
    """Gaussians of the 16 joints from `FIT_FIELDS` (the authors' `fit_gaussians.py`; METHOD section 2).

    The authors fit A exp(-(a dx^2 + 2 b dx dy + c dy^2)) with a = cos^2/(2 sx^2) + sin^2/(2 sy^2),
    b = -sin(2 theta)/(4 sx^2) + sin(2 theta)/(4 sy^2), c = sin^2/(2 sx^2) + cos^2/(2 sy^2), x along columns and
    y along rows. So the axis of sigma_x is (cos theta, -sin theta): theta turns counter-clockwise as one sees the
    picture, and the covariance with y down has xy = -(sx^2 - sy^2) sin(theta) cos(theta).

    Sigmas are clipped to `SIGMA_RANGE` times 2 cells before they are squared, as the authors do before any use:
    fits are unbounded, so that some sigmas are negative or of thousands of cells. Neither the condition nor the
    H36MA rule notices.
    """
    low, high = (ratio * HRNET_H36M.sigma_confident_cells for ratio in SIGMA_RANGE)
    fits = fits.astype(np.float64)
    var_x, var_y = np.clip(fits[..., 3], low, high) ** 2, np.clip(fits[..., 5], low, high) ** 2
    cos, sin = np.cos(fits[..., 4]), np.sin(fits[..., 4])
    xx = var_x * cos**2 + var_y * sin**2
    yy = var_x * sin**2 + var_y * cos**2
    xy = -(var_x - var_y) * sin * cos
    covariance = np.stack([xx, xy, xy, yy], axis=-1).reshape(*xx.shape, 2, 2)
    return MpiiGaussians(fits[..., 0], fits[..., 1:3], covariance)
