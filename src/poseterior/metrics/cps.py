"""Correct poses score (Wandt et al., "CanonPose", CVPR 2021; METHOD section 5).

After similarity Procrustes a pose is correct at a threshold t when *all* chosen joints are closer than t to their
truth: its largest joint error decides. The score is the area under the share of correct poses over t = 1, 2, ...,
300 mm by the trapezoid rule (so between 0 and 299). With many hypotheses a picture counts as correct at t if any
hypothesis is. The best one is then the same at every t, the one of the smallest largest error: the maximum per
threshold and the best hypothesis' own area agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

CPS_THRESHOLDS_MM = np.arange(1.0, 301.0)


def largest_error(
    errors_mm: Float[np.ndarray, "*batch joints"], joints: Sequence[int]
) -> Float[np.ndarray, "*batch"]:
    """The largest error among the chosen joints (`joint_choices.CPS_JOINTS`), per pose."""
    largest = np.zeros(errors_mm.shape[:-1])
    for joint in joints:
        np.maximum(largest, errors_mm[..., joint], out=largest)
    return largest


def cps(largest_error_mm: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch"]:
    """The area of each single pose, mm; its mean over pictures is the score of the set.

    Higher is better: over hypotheses take the largest.
    """
    count = len(CPS_THRESHOLDS_MM)
    # The first threshold that is larger than the error; the pose is correct from there on.
    first_correct = np.maximum(np.floor(largest_error_mm) + 1, CPS_THRESHOLDS_MM[0])
    steps = np.maximum(count + 1 - first_correct, 0.0)
    # The trapezoid rule counts the two end points half.
    return steps - 0.5 * (steps > 0) - 0.5 * (steps == count)


def cps_curve(largest_error_mm: Float[np.ndarray, " poses"]) -> Float[np.ndarray, " thresholds"]:
    """Share of poses that are correct at each of CPS_THRESHOLDS_MM.

    Given each picture's smallest largest error over its hypotheses, it is the maximum per threshold.
    """
    closer = np.searchsorted(np.sort(largest_error_mm), CPS_THRESHOLDS_MM, side="left")
    return closer / max(len(largest_error_mm), 1)
