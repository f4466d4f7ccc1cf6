"""Near-duplicate poses thinned: of frames that show almost the same pose, the first is kept.

Two passes. In time, a frame is kept each time that the pose has moved on by half the threshold since the clip's
last kept one, along its path. Then, over the whole capture in order, a frame is kept if it differs from every
frame kept before by more than the threshold (greedy leader selection; Hartigan, "Clustering Algorithms", 1975,
chapter 3). The difference of two poses is the root mean square over the 16 bones of the chord between unit
directions, heading aside. Directions are rounded to 1/256 first, so that all sums are exact and every machine
and thread count keeps the same frames.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from poseterior.data.motion import Motion
from poseterior.data.simulated.poses import facing_directions

MIN_DIFFERENCE_DEG = 5.0
"""Below it, poses are near-duplicates: a few degrees are within the noise of motion capture."""
_STEPS = 256.0
_BLOCK = 512


def rounded_features(directions: Float[np.ndarray, "poses 16 3"]) -> Float[np.ndarray, "poses 48"]:
    """Directions times 256 as whole numbers in float32: products of 48 of them add up without rounding."""
    return np.round(directions.reshape(len(directions), -1).astype(np.float64) * _STEPS).astype(np.float32)


def thinned(motion: Motion, min_difference_deg: float = MIN_DIFFERENCE_DEG) -> Motion:
    """The motion without near-duplicates of frames before, in temporal order."""
    features = rounded_features(facing_directions(motion.joints_m))
    threshold = _STEPS * 2.0 * np.sin(np.radians(min_difference_deg) / 2) * np.sqrt(len(features[0]) / 3)
    candidates = _spaced_in_time(features, motion.clip, threshold / 2)
    kept = np.zeros(len(features), dtype=bool)
    kept[candidates[_leaders(features[candidates], threshold**2)]] = True
    return motion.at(kept)


def _spaced_in_time(
    features: Float[np.ndarray, "poses features"], clip: Int[np.ndarray, " poses"], spacing: float
) -> Int[np.ndarray, " candidates"]:
    step = np.sqrt((np.diff(features, axis=0) ** 2).sum(axis=1))
    # a new clip starts a new stretch of the path
    step = np.where(np.diff(clip) != 0, spacing, np.minimum(step, spacing))
    stretch = np.floor(np.concatenate([[0.0], np.cumsum(step, dtype=np.float64)]) / spacing)
    return np.flatnonzero(np.diff(stretch, prepend=-1.0) > 0)


def _leaders(
    features: Float[np.ndarray, "poses features"], min_squared: float
) -> Int[np.ndarray, " leaders"]:
    """Indices of poses that are at least that far from every leader before them."""
    squared = (features**2).sum(axis=1)
    leaders = np.zeros(len(features), dtype=np.int64)
    count = 0
    for start in range(0, len(features), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(features)))
        found = leaders[:count]
        if count:
            # |a - b|^2 = |a|^2 + |b|^2 - 2 a.b; the leader's own part is added before the minimum is taken
            nearest = (squared[found] - 2.0 * features[block] @ features[found].T).min(axis=1) + squared[
                block
            ]
            block = block[nearest >= min_squared]
        between = squared[block, None] + squared[block] - 2.0 * features[block] @ features[block].T
        free = np.ones(len(block), dtype=bool)
        for index in range(len(block)):
            if free[index]:
                leaders[count] = block[index]
                count += 1
                free[index + 1 :] &= between[index, index + 1 :] >= min_squared
    return leaders[:count]
