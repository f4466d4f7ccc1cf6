"""How far the hypotheses of a picture lie apart: per axis and joint, and as whole poses."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError
from poseterior.metrics.scores import mean_pair_distance


def axis_spread(
    hypotheses: Float[np.ndarray, "pictures hypotheses joints 3"], root_index: int = 0
) -> Float[np.ndarray, "pictures joints 3"]:
    """Standard deviation (ddof = 1) of each root-relative coordinate over a picture's hypotheses, their unit.

    METHOD section 5 averages it over pictures and joints, per axis.

    Raises:
        InputError: there is only one hypothesis.
    """
    if hypotheses.shape[1] < 2:
        raise InputError("the spread of one hypothesis is undefined; expected at least 2 hypotheses")
    centred = hypotheses.astype(np.float64) - hypotheses[:, :, root_index : root_index + 1]
    centred -= centred.mean(axis=1, keepdims=True)
    return np.sqrt(np.einsum("phja,phja->pja", centred, centred) / (hypotheses.shape[1] - 1))


def diversity(
    hypotheses: Float[np.ndarray, "pictures hypotheses joints 3"], root_index: int = 0
) -> Float[np.ndarray, " pictures"]:
    """Average pairwise distance: mean Euclidean distance between two root-centred hypotheses as vectors.

    Yuan & Kitani, "DLow", ECCV 2020. In the poses' unit; it grows with the root of the number of joints.

    Raises:
        InputError: there is only one hypothesis.
    """
    if hypotheses.shape[1] < 2:
        raise InputError("the diversity of one hypothesis is undefined; expected at least 2 hypotheses")
    centred = hypotheses.astype(np.float64) - hypotheses[:, :, root_index : root_index + 1]
    count = hypotheses.shape[1]
    return mean_pair_distance(centred.reshape(*centred.shape[:2], -1)) * count / (count - 1)
