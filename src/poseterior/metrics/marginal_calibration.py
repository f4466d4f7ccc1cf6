"""Calibration of joints and coordinates by samples alone, for posteriors with and without a density.

The expected calibration error is that of Pierzchlewicz, Cotton, Bashiri & Sinz, "Multi-hypothesis 3D human pose
estimation metrics favor miscalibrated distributions", 2022, as METHOD section 8 defines it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from poseterior.errors import InputError
from poseterior.metrics.calibration import ReliabilityCurve

ECE_LEVELS = np.linspace(0.0, 1.0, 21)
"""q of METHOD section 8: 0:0.05:1."""


def quantile_hits(
    hypotheses: Float[np.ndarray, "pictures hypotheses joints 3"],
    truth: Float[np.ndarray, "truth_pictures truth_joints 3"],
    levels: Float[np.ndarray, " levels"] = ECE_LEVELS,
) -> Bool[np.ndarray, "pictures joints levels"]:
    """Is the truth closer to the hypotheses' coordinate-wise median than the q-quantile of their own distances?

    Raises:
        InputError: shapes do not fit, or a coordinate is not finite.
    """
    if truth.shape != (len(hypotheses), *hypotheses.shape[2:]):
        raise InputError(
            f"hypotheses have the shape {hypotheses.shape} and the truth {truth.shape}; they do not fit"
        )
    if not (np.isfinite(hypotheses).all() and np.isfinite(truth).all()):
        raise InputError("hypotheses or truth hold NaN or infinite values; expected finite coordinates")
    median = np.median(hypotheses, axis=1)
    distances = np.linalg.norm(hypotheses - median[:, None], axis=-1)
    quantiles = np.moveaxis(np.quantile(distances, levels, axis=1), 0, -1)
    return np.linalg.norm(truth - median, axis=-1)[..., None] < quantiles


class QuantileCoverage:
    """omega(q), the share of pictures with a hit, for each joint; pictures come block by block.

    Poses are taken relative to the root, which is left out itself.
    """

    def __init__(self, root_index: int = 0, levels: Float[np.ndarray, " levels"] = ECE_LEVELS) -> None:
        self.levels = levels
        self.root_index = root_index
        self.count = 0
        self._hits: Float[np.ndarray, "joints levels"] | None = None

    def add(
        self,
        hypotheses: Float[np.ndarray, "pictures hypotheses joints 3"],
        truth: Float[np.ndarray, "truth_pictures truth_joints 3"],
    ) -> None:
        """Count more pictures.

        Raises:
            InputError: shapes do not fit, or a coordinate is not finite.
        """
        hits = quantile_hits(self._relative(hypotheses), self._relative(truth), self.levels).sum(
            axis=0, dtype=float
        )
        self._hits = hits if self._hits is None else self._hits + hits
        self.count += len(hypotheses)

    @property
    def omega(self) -> Float[np.ndarray, "joints levels"]:
        """Share of hits per joint (without the root) and level.

        Raises:
            InputError: no picture was counted.
        """
        if self._hits is None or self.count == 0:
            raise InputError("no picture was counted; expected at least one before the coverage is asked for")
        return self._hits / self.count

    def curve(self) -> ReliabilityCurve:
        """Median over joints of omega against q; its `error` is the ECE of METHOD section 8."""
        return ReliabilityCurve(self.levels, np.median(self.omega, axis=0), self.count)

    def _relative(self, poses: Float[np.ndarray, "*batch joints 3"]) -> Float[np.ndarray, "*batch others 3"]:
        root = poses[..., self.root_index : self.root_index + 1, :]
        return np.delete(poses.astype(np.float64) - root, self.root_index, axis=-2)


def expected_calibration_error(
    hypotheses: Float[np.ndarray, "pictures hypotheses joints 3"],
    truth: Float[np.ndarray, "truth_pictures truth_joints 3"],
) -> float:
    """Mean over q of |median over joints of omega(q) - q| (METHOD section 8), with all joints as they are given.

    Raises:
        InputError: shapes do not fit, or a coordinate is not finite.
    """
    omega = quantile_hits(hypotheses, truth).mean(axis=0)
    return float(np.abs(np.median(omega, axis=0) - ECE_LEVELS).mean())


@dataclass(frozen=True)
class PitMoments:
    """What the ranks of the truth among the samples say; both 0 and 1 for a calibrated posterior."""

    bias: float
    """Mean rank - 1/2: positive where the truth lies above the samples (the posterior sits too low)."""
    dispersion: float
    """Variance of the ranks over the uniform law's 1/12: above 1 where the samples are too narrow, below 1 where too
    wide; a bias narrows it."""


def probability_integral_transform(
    samples: Float[np.ndarray, "*batch samples"], truth: Float[np.ndarray, "*batch"]
) -> Float[np.ndarray, "*batch"]:
    """Share of samples below the truth, ties half, per coordinate: uniform on [0, 1] for a calibrated posterior."""
    below = (samples < truth[..., None]).mean(axis=-1)
    return np.asarray(below + (samples == truth[..., None]).mean(axis=-1) / 2)


def pit_moments(pit: Float[np.ndarray, "*batch"]) -> PitMoments:
    """Bias and dispersion over all values."""
    return PitMoments(float(pit.mean()) - 0.5, 12.0 * float(pit.var()))


def central_levels(pit: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch"]:
    """Level of the smallest central interval that holds the truth, for `calibration.reliability_curve`."""
    return np.abs(2 * pit - 1)
