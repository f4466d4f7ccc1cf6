"""From one number per hypothesis to one per picture.

"Oracle" answers are chosen with the truth, by each metric for itself: nobody who lacks the truth can have them
(METHOD section 8).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

ORACLE_BEST, ORACLE_WORST = "oracle_best", "oracle_worst"
MEAN_VALUE, MEDIAN_VALUE = "mean_value", "median_value"
RANDOM_ONE = "random_one"
MEAN_POSE, MEDIAN_POSE, Z0 = "mean_pose", "median_pose", "z0"


def over_hypotheses(
    values: Float[np.ndarray, "pictures hypotheses"],
    chosen: Int[np.ndarray, " pictures"],
    *,
    higher_is_better: bool,
) -> dict[str, Float[np.ndarray, " pictures"]]:
    """Best, worst, mean, median and one at random of each picture's values.

    The median is the lower of the two middle values, as in the authors' code. `chosen`: which hypothesis is the
    random one.
    """
    largest, smallest = values.max(axis=1), values.min(axis=1)
    middle = (values.shape[1] - 1) // 2
    return {
        ORACLE_BEST: largest if higher_is_better else smallest,
        ORACLE_WORST: smallest if higher_is_better else largest,
        MEAN_VALUE: values.mean(axis=1),
        # a copy: a view would keep the values of all hypotheses alive
        MEDIAN_VALUE: np.partition(values, middle, axis=1)[:, middle].copy(),
        RANDOM_ONE: np.take_along_axis(values, chosen[:, None], axis=1)[:, 0],
    }


def central_poses(
    hypotheses: Float[np.ndarray, "pictures hypotheses joints 3"], root_index: int = 0
) -> dict[str, Float[np.ndarray, "pictures joints 3"]]:
    """The mean and the coordinate-wise median of the root-centred hypotheses, float64."""
    centred = hypotheses.astype(np.float64) - hypotheses[:, :, root_index : root_index + 1]
    return {MEAN_POSE: centred.mean(axis=1), MEDIAN_POSE: np.median(centred, axis=1)}
