"""Is a posterior as sure as it is right? Coverage of its highest-density regions (METHOD section 8).

The region of level q of a density is the set of highest density that holds the probability q. The smallest
region that holds the truth has as level the share of samples whose density is higher than the truth's; if the
posterior is right, these levels are uniform, and regions of level q hold the truth in a share q of cases
(Hyndman, "Computing and graphing highest density regions", The American Statistician 50(2), 1996).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


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
    nominal = np.linspace(0.0, 1.0, steps + 1)
    return float(np.abs(region_coverage(truth_level, nominal) - nominal).mean())
