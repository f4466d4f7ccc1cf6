"""Bootstrap intervals: whole sequences are drawn with replacement, since their pictures depend on each other.

Percentile intervals of the cluster bootstrap (Efron & Tibshirani, "An introduction to the bootstrap", 1993; Davison &
Hinkley, "Bootstrap methods and their application", 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypedDict

import numpy as np
from jaxtyping import Float, Num, Shaped

RESAMPLES = 1000
LEVEL = 0.95
_WEIGHTS_AT_ONCE = 4_000_000
"""Weights of sequences in resamples that are held in memory at a time."""

Quantities = Callable[[Float[np.ndarray, "resamples columns"]], Float[np.ndarray, "resamples quantities"]]


class Estimate(TypedDict):
    """A number with its interval, as the report holds it."""

    mean: float | None
    """Of all pictures; None where it is not finite."""
    interval: list[float] | None
    """Lower and upper end; None where there is only one sequence, or a value is not finite."""


class Bootstrap:
    """Estimates of anything that depends on means over pictures only; the same resamples for all of it."""

    def __init__(self, sequence: Sequence[str], seed: int, resamples: int = RESAMPLES) -> None:
        """Resample sequences.

        Args:
            sequence: of each picture.
            seed: of the resamples.
            resamples: how many.
        """
        names, group = np.unique(np.asarray(sequence), return_inverse=True)
        self.num_sequences = len(names)
        self._order = np.argsort(group, kind="stable")
        self._size = np.bincount(group, minlength=len(names)).astype(np.float64)
        self._starts = np.concatenate([[0], np.cumsum(self._size[:-1])]).astype(np.int64)
        self._seed, self._resamples = seed, resamples
        self._kept: list[Float[np.ndarray, "some sequences"]] | None = None

    def estimates(
        self, columns: Shaped[np.ndarray, "pictures columns"], quantities: Quantities = lambda means: means
    ) -> list[Estimate]:
        """Of what `quantities` makes of the columns' means, the columns' means themselves by default.

        Args:
            columns: one row per picture.
            quantities: (resamples, columns) means to (resamples, quantities), row by row.
        """
        sums = np.add.reduceat(columns[self._order], self._starts, axis=0, dtype=np.float64)
        means = quantities(sums.sum(axis=0)[None] / self._size.sum())[0]
        if self.num_sequences < 2 or not np.isfinite(sums).all():
            return [_estimate(mean, None) for mean in means]
        drawn = np.concatenate(
            [quantities(weights @ sums / (weights @ self._size)[:, None]) for weights in self._weights()]
        )
        tail = (1 - LEVEL) / 2
        ends = np.quantile(drawn, [tail, 1 - tail], axis=0).T
        return [_estimate(mean, interval) for mean, interval in zip(means, ends, strict=True)]

    def estimate(self, values: Num[np.ndarray, " pictures"]) -> Estimate:
        """Of the mean of one value per picture."""
        return self.estimates(values[:, None])[0]

    def _weights(self) -> Iterable[Float[np.ndarray, "some sequences"]]:
        """How often each sequence was drawn in each resample; kept if all of them fit."""
        if self._kept is not None:
            return self._kept
        if self._resamples * self.num_sequences > _WEIGHTS_AT_ONCE:
            return self._drawn_weights()
        self._kept = list(self._drawn_weights())
        return self._kept

    def _drawn_weights(self) -> Iterator[Float[np.ndarray, "some sequences"]]:
        rng, count = np.random.default_rng(self._seed), self.num_sequences
        step = max(_WEIGHTS_AT_ONCE // count, 1)
        for start in range(0, self._resamples, step):
            drawn = [
                np.bincount(rng.integers(count, size=count), minlength=count)
                for _ in range(min(step, self._resamples - start))
            ]
            yield np.stack(drawn).astype(np.float64)


def _estimate(mean: float, interval: Float[np.ndarray, "2"] | None) -> Estimate:
    return {
        "mean": float(mean) if np.isfinite(mean) else None,
        "interval": None if interval is None else [float(end) for end in interval],
    }
