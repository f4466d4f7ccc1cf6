"""Proper scores of a posterior, from samples (energy score, CRPS) or from its density (NLL). Lower is better.

Gneiting & Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102(477), 2007.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError

_PAIRS_AT_ONCE = 1_000_000
"""Distances between samples that are held in memory at a time."""


def energy_score(
    samples: Float[np.ndarray, "*batch samples dimensions"],
    truth: Float[np.ndarray, "*truth_batch truth_dimensions"],
    *,
    fair: bool = False,
) -> Float[np.ndarray, "*batch"]:
    """E|X - truth| - E|X - X'| / 2 with Euclidean norms, float64 in the unit of the samples.

    Without `fair` the samples are the forecast, and pairs of a sample with itself count; with it the estimate is
    unbiased for the distribution that they were drawn from (Ferro, QJRMS 140, 2014).

    Raises:
        InputError: shapes do not fit, a value is not finite, or one sample is to be judged fairly.
    """
    _check_samples(samples, truth, samples.shape[:-2] + samples.shape[-1:], samples.shape[-2:-1], fair)
    to_truth = np.linalg.norm(samples - truth[..., None, :].astype(np.float64), axis=-1).mean(axis=-1)
    count = samples.shape[-2]
    pairs = mean_pair_distance(samples) * (count / (count - 1) if fair else 1.0)
    return np.asarray(to_truth - pairs / 2)


def crps(
    samples: Float[np.ndarray, "*batch samples"],
    truth: Float[np.ndarray, "*truth_batch"],
    *,
    fair: bool = False,
) -> Float[np.ndarray, "*batch"]:
    """Continuous ranked probability score, E|X - truth| - E|X - X'| / 2 of single coordinates, float64.

    `fair` as in `energy_score`. By sorting: with x_1 <= ... <= x_M the sum of |x_i - x_j| over all ordered pairs
    is 2 sum (2 i - M - 1) x_i.

    Raises:
        InputError: shapes do not fit, a value is not finite, or one sample is to be judged fairly.
    """
    _check_samples(samples, truth, samples.shape[:-1], samples.shape[-1:], fair)
    count = samples.shape[-1]
    from_truth = np.sort(samples - truth[..., None].astype(np.float64), axis=-1)
    weights = 2.0 * np.arange(1, count + 1) - count - 1
    pairs = count * (count - 1 if fair else count)
    return np.asarray(np.abs(from_truth).mean(axis=-1) - from_truth @ weights / pairs)


def mean_pair_distance(
    samples: Float[np.ndarray, "*batch samples dimensions"],
) -> Float[np.ndarray, "*batch"]:
    """Mean Euclidean distance over all ordered pairs, each sample with itself included, float64."""
    *batch, count, dimensions = samples.shape
    flat = samples.reshape(-1, count, dimensions)
    step = max(_PAIRS_AT_ONCE // count**2, 1)
    means = np.empty(len(flat))
    for start in range(0, len(flat), step):
        means[start : start + step] = _pair_distances(flat[start : start + step]).mean(axis=(1, 2))
    return means.reshape(batch)


def nll_nats_mm(
    log_prob: Float[np.ndarray, "*batch"],
    *,
    mm_per_unit: float,
    dimensions: int,
    normalisation_log_det: Float[np.ndarray, "*batch"] | float = 0.0,
) -> Float[np.ndarray, "*batch"]:
    """Negative log-likelihood in nats for poses in millimetres (METHOD section 9).

    Args:
        log_prob: the model's log-density of the truth, in its own normalised coordinates.
        mm_per_unit: millimetres per unit of the coordinates before normalisation; 1000 for metres.
        dimensions: of the space that the density lives on: 48 (16 joints), 45 (mean-centred), 16 (manifold).
        normalisation_log_det: log |det d normalised / d unnormalised| where `log_prob` lacks it, for example
            -sum(log scale) after a division by `scale`; `PosteriorFlow.log_prob` already holds it.

    Raises:
        InputError: a log-density is NaN or +infinity (-infinity is a density of 0), or mm_per_unit is not positive.
    """
    if not (math.isfinite(mm_per_unit) and mm_per_unit > 0):
        raise InputError(f"mm_per_unit is {mm_per_unit}; expected a positive number of millimetres")
    if np.isnan(log_prob).any() or np.isposinf(log_prob).any():
        raise InputError("log_prob holds NaN or +infinity; expected log-densities")
    return dimensions * math.log(mm_per_unit) - (log_prob + normalisation_log_det)


def _pair_distances(
    points: Float[np.ndarray, "batch samples dimensions"],
) -> Float[np.ndarray, "batch samples samples"]:
    """By the Gram matrix, around the mean, where cancellation is least."""
    centred = points - points.mean(axis=1, dtype=np.float64, keepdims=True)
    squared_norm = np.einsum("bsd,bsd->bs", centred, centred)
    distances = centred @ np.swapaxes(-2 * centred, 1, 2)
    distances += squared_norm[:, :, None]
    distances += squared_norm[:, None, :]
    np.maximum(distances, 0.0, out=distances)
    diagonal = np.arange(points.shape[1])
    distances[:, diagonal, diagonal] = 0.0
    return np.sqrt(distances, out=distances)


def _check_samples(
    samples: Float[np.ndarray, "..."],
    truth: Float[np.ndarray, "..."],
    wanted: tuple[int, ...],
    count: tuple[int, ...],
    fair: bool,
) -> None:
    if truth.shape != wanted or count == (0,):
        raise InputError(
            f"samples have the shape {samples.shape} and the truth {truth.shape}; "
            f"expected the truth without the samples' axis, {wanted}, and at least one sample"
        )
    if fair and count == (1,):
        raise InputError("a fair score of one sample is undefined; expected at least 2 samples")
    if not (np.isfinite(samples).all() and np.isfinite(truth).all()):
        raise InputError("samples or truth hold NaN or infinite values; expected finite numbers")
