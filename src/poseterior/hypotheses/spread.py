"""How far the hypotheses of one picture lie apart."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError


def covariance_per_joint(
    poses: Float[np.ndarray, "hypotheses joints 3"],
) -> Float[np.ndarray, "joints 3 3"]:
    """Unbiased covariance (ddof = 1) of each joint over the hypotheses, float64, in the unit squared.

    Raises:
        InputError: there is a single hypothesis, so that no covariance exists.
    """
    if len(poses) < 2:
        raise InputError("the spread of one hypothesis is undefined; expected at least 2 hypotheses")
    centred = poses - poses.mean(axis=0, dtype=np.float64)
    return np.einsum("hji,hjk->jik", centred, centred) / (len(poses) - 1)
