"""Is a posterior as sure as it is right? Coverage of its highest-density regions (METHOD section 8).

The region of level q of a density is the set of highest density that holds the probability q. The smallest
region that holds the truth has as level the share of samples whose density is higher than the truth's; if the
posterior is right, these levels are uniform, and regions of level q hold the truth in a share q of cases
(Hyndman, "Computing and graphing highest density regions", The American Statistician 50(2), 1996).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError


@dataclass(frozen=True)
class ReliabilityCurve:
    """How often regions of a nominal level hold the truth: the diagonal for a calibrated posterior."""

    nominal: Float[np.ndarray, " levels"]
    """In [0, 1], rising."""
    observed: Float[np.ndarray, " levels"]
    """Share of truths inside."""
    count: int
    """Truths that it was counted over."""

    @property
    def error(self) -> float:
        """Mean |observed - nominal|: 0 is perfect, 0.5 the worst."""
        return float(np.abs(self.observed - self.nominal).mean())

    @property
    def overconfidence(self) -> float:
        """Mean of nominal - observed: positive where regions are too small, negative where too large."""
        return float((self.nominal - self.observed).mean())

    @property
    def standard_error(self) -> Float[np.ndarray, " levels"]:
        """Binomial standard deviation that `observed` has around `nominal` if the posterior is calibrated."""
        return np.sqrt(self.nominal * (1 - self.nominal) / self.count)


def truth_levels(
    truth_log_prob: Float[np.ndarray, "*batch"], sample_log_prob: Float[np.ndarray, "*batch samples"]
) -> Float[np.ndarray, "*batch"]:
    """Level in [0, 1] of the smallest region that holds the truth; ties count half."""
    higher = (sample_log_prob > truth_log_prob[..., None]).mean(axis=-1)
    equal = (sample_log_prob == truth_log_prob[..., None]).mean(axis=-1)
    return higher + equal / 2


def region_coverage(
    truth_level: Float[np.ndarray, "*batch"], nominal: Float[np.ndarray, " levels"]
) -> Float[np.ndarray, " levels"]:
    """Share of truths inside of the regions of each nominal level; equal to it for a calibrated posterior."""
    return (truth_level[..., None] <= nominal).reshape(-1, len(nominal)).mean(axis=0)


def calibration_error(truth_level: Float[np.ndarray, "*batch"], steps: int = 20) -> float:
    """Mean |coverage - nominal| over the levels 0, 1/steps, ..., 1: 0 is perfect, 0.5 the worst."""
    return reliability_curve(truth_level, steps).error


def reliability_curve(truth_level: Float[np.ndarray, "*batch"], steps: int = 20) -> ReliabilityCurve:
    """Coverage at the levels 0, 1/steps, ..., 1, of regions of any kind: highest density (`truth_levels`) or
    central intervals (`marginal_calibration.central_levels`).

    Raises:
        InputError: there is no truth, or a level is outside of [0, 1].
    """
    if truth_level.size == 0 or not ((truth_level >= 0) & (truth_level <= 1)).all():
        raise InputError("truth_level is empty, NaN or outside of [0, 1]; expected one level per truth")
    nominal = np.linspace(0.0, 1.0, steps + 1)
    return ReliabilityCurve(nominal, region_coverage(truth_level, nominal), truth_level.size)


def entropy_nats(sample_log_prob: Float[np.ndarray, "*batch samples"]) -> Float[np.ndarray, "*batch"]:
    """Sharpness of a density: its entropy by its own samples, in nats of the unit that `log_prob` is in.

    Of two calibrated posteriors the one of lower entropy is the better (Gneiting, Balabdaoui & Raftery, JRSS B
    69(2), 2007).
    """
    return np.asarray(-sample_log_prob.mean(axis=-1))


def interval_width(
    samples: Float[np.ndarray, "*batch samples"], level: float = 0.9
) -> Float[np.ndarray, "*batch"]:
    """Sharpness of single coordinates: width of the central interval that holds a share `level` of the samples.

    Raises:
        InputError: the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level}; expected a probability between 0 and 1")
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    return np.asarray(high - low)
