"""Percentage of correct keypoints, as a share, and its area under the curve (Mehta et al., 3DV 2017).

Both look at root-centred errors without further alignment; a joint is correct when its error is *below* the
threshold (METHOD section 5; the authors' code).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

PCK_THRESHOLD_MM = 150.0
AUC_STEP_MM = 5.0
AUC_THRESHOLDS_MM = np.arange(0.0, PCK_THRESHOLD_MM + AUC_STEP_MM, AUC_STEP_MM)
"""0:5:150, 31 thresholds. No error is below the first, so that 30/31 is the most that can be reached."""


def pck(
    errors_mm: Float[np.ndarray, "*batch joints"],
    joints: Sequence[int],
    threshold_mm: float = PCK_THRESHOLD_MM,
) -> Float[np.ndarray, "*batch"]:
    """Share of the chosen joints (`joint_choices.PCK_JOINTS`) with an error below the threshold, per pose."""
    correct = np.zeros(errors_mm.shape[:-1])
    for joint in joints:
        correct += errors_mm[..., joint] < threshold_mm
    return correct / len(joints)


def pck_auc(
    errors_mm: Float[np.ndarray, "*batch joints"], joints: Sequence[int]
) -> Float[np.ndarray, "*batch"]:
    """Mean of `pck` over AUC_THRESHOLDS_MM, per pose."""
    last = len(AUC_THRESHOLDS_MM) - 1
    correct = np.zeros(errors_mm.shape[:-1])
    for joint in joints:
        # An error of k steps and something is below the last - k thresholds that follow.
        correct += last - np.minimum(np.floor(errors_mm[..., joint] / AUC_STEP_MM), last)
    return correct / (len(joints) * len(AUC_THRESHOLDS_MM))
