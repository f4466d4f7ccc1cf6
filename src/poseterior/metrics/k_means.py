"""A few poses that stand for many: K-Means of each picture's hypotheses (METHOD section 6, table 5)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from poseterior.errors import InputError

_MAX_ITERATIONS = 300


def k_means(
    points: Float[np.ndarray, "pictures points dimensions"],
    clusters: int,
) -> Float[np.ndarray, "pictures clusters dimensions"]:
    """Cluster centres of each picture's points by Lloyd's algorithm, float64; deterministic.

    It starts from `farthest_first` and ends when no point changes its cluster (at the latest after 300 rounds); a
    cluster that loses all its points keeps its centre.

    Raises:
        InputError: there are fewer points than clusters, or a coordinate is not finite.
    """
    if not 1 <= clusters <= points.shape[1]:
        raise InputError(f"clusters is {clusters}; expected 1 to {points.shape[1]}, the number of points")
    if not np.isfinite(points).all():
        raise InputError("points to cluster hold NaN or infinite values; expected finite coordinates")
    middle = points.mean(axis=1, dtype=np.float64, keepdims=True)
    centred = points - middle
    centres = farthest_first(centred, clusters)
    nearest = np.full(centred.shape[:2], -1)
    for _ in range(_MAX_ITERATIONS):
        previous, nearest = nearest, _nearest(centred, centres)
        if (nearest == previous).all():
            break
        member = (nearest[:, None, :] == np.arange(clusters)[:, None]).astype(np.float64)
        size = member.sum(axis=2, keepdims=True)
        centres = np.where(size > 0, member @ centred / np.maximum(size, 1), centres)
    return centres + middle


def farthest_first(
    points: Float[np.ndarray, "pictures points dimensions"], clusters: int
) -> Float[np.ndarray, "pictures clusters dimensions"]:
    """The point nearest to the mean, then again and again the one that is farthest from all chosen ones."""
    pictures = np.arange(len(points))
    squared = ((points - points.mean(axis=1, keepdims=True)) ** 2).sum(axis=2)
    chosen = [points[pictures, squared.argmin(axis=1)]]
    gap = np.full(points.shape[:2], np.inf)
    for _ in range(clusters - 1):
        gap = np.minimum(gap, ((points - chosen[-1][:, None]) ** 2).sum(axis=2))
        chosen.append(points[pictures, gap.argmax(axis=1)])
    return np.stack(chosen, axis=1)


def _nearest(
    points: Float[np.ndarray, "pictures points dimensions"],
    centres: Float[np.ndarray, "pictures clusters dimensions"],
) -> Int[np.ndarray, "pictures points"]:
    """Which centre each point is nearest to; |x|^2 is the same for all centres and left out."""
    squared_norm = (centres**2).sum(axis=2)
    return (squared_norm[:, None] - 2 * points @ np.swapaxes(centres, 1, 2)).argmin(axis=2)
