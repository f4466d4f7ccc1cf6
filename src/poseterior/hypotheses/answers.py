"""Single answers drawn from many hypotheses."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_ROWS_PER_CHUNK = 64
"""Rows of one joint's distance matrix held at once: they stay in cache, and memory grows only linearly."""


def medoid_index(poses: Float[np.ndarray, "hypotheses joints 3"]) -> int:
    """Index of the pose with the smallest summed MPJPE to the others; the first one if several tie."""
    totals = np.zeros(len(poses))
    for joint in poses.transpose(1, 0, 2).astype(np.float64):
        totals += _summed_distances(joint)
    return int(totals.argmin())


def _summed_distances(points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, " points"]:
    """Of each point to all others; |a - b|^2 = (-2a, |a|^2, 1) . (b, 1, |b|^2) as one matrix product."""
    squared_norm = (points**2).sum(axis=1, keepdims=True)
    ones = np.ones_like(squared_norm)
    rows = np.hstack([-2.0 * points, squared_norm, ones])
    columns = np.hstack([points, ones, squared_norm]).T
    totals = np.empty(len(points))
    for start in range(0, len(points), _ROWS_PER_CHUNK):
        chunk = slice(start, start + _ROWS_PER_CHUNK)
        distances = rows[chunk] @ columns
        np.maximum(distances, 0.0, out=distances)
        totals[chunk] = np.sqrt(distances, out=distances).sum(axis=1)
    return totals


def most_likely_first(log_prob: Float[np.ndarray, " hypotheses"]) -> Int[np.ndarray, " hypotheses"]:
    """Indices by falling log-density; ties keep their order."""
    return np.argsort(-log_prob, kind="stable")
