"""Cells of similar poses (k-means), so that kinds of poses can be drawn evenly whatever their share of frames.

Lloyd's algorithm ("Least squares quantization in PCM", 1982) on whole numbers: centres are rounded, all sums are
exact, so every machine finds the same cells.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_ROUNDS = 8


def cell_centres(
    features: Float[np.ndarray, "poses features"], count: int, seed: int
) -> Float[np.ndarray, "cells features"]:
    """Centres of cells of similar poses, for `nearest`.

    Args:
        features: whole numbers in float32 (`rounded_features`).
        count: number of cells; no more than poses.
        seed: chooses the poses that are the first centres.
    """
    count = min(count, len(features))
    centres = features[np.random.default_rng(seed).choice(len(features), count, replace=False)]
    for _ in range(_ROUNDS):
        cell = nearest(features, centres)
        order = np.argsort(cell, kind="stable")
        size = np.bincount(cell, minlength=count)
        filled = size > 0
        starts = np.searchsorted(cell[order], np.flatnonzero(filled))
        sums = np.add.reduceat(features[order].astype(np.float64), starts, axis=0)
        centres[filled] = np.round(sums / size[filled, None])
    return centres


def nearest(
    features: Float[np.ndarray, "poses features"], centres: Float[np.ndarray, "cells features"]
) -> Int[np.ndarray, " poses"]:
    """Index of the nearest centre of each pose; of the first one among equals."""
    return ((centres**2).sum(axis=1) - 2.0 * features @ centres.T).argmin(axis=1)


def effective_number(cell: Int[np.ndarray, " poses"], weight: Float[np.ndarray, " poses"]) -> float:
    """Exponential of the entropy of the cells' shares: how many cells there would be, were all as likely."""
    share = np.bincount(cell, weights=weight)
    share = share[share > 0] / share.sum()
    return float(np.exp(-(share * np.log(share)).sum()))
