"""What is kept of every evaluated picture: about two kilobytes, whatever the number of hypotheses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from poseterior.evaluate.joints import JointChoice
from poseterior.metrics.summary import PoseReport

Rows = Int[np.ndarray, " rows"]


@dataclass(frozen=True)
class MarginalRecord:
    """Of the samples' marginals; "others" are `JointChoice.others`, root-relative, camera frame."""

    energy_score_mm: Float[np.ndarray, " pictures"]
    """Of the whole pose as one vector, unbiased (`scores.energy_score`, fair)."""
    crps_mm: Float32[np.ndarray, "pictures others 3"]
    """Per coordinate, unbiased."""
    width_mm: Float32[np.ndarray, "pictures others 3"]
    """Of the central 90 % interval: sharpness."""
    pit: Float32[np.ndarray, "pictures others 3"]
    """Share of samples below the truth."""
    first_level: UInt8[np.ndarray, "pictures others"]
    """How many of ECE_LEVELS do not hold the truth: from that level on all do."""
    spread_mm: Float32[np.ndarray, "pictures joints 3"]
    """Standard deviation of the hypotheses per joint and axis."""


@dataclass(frozen=True)
class DensityRecord:
    """Of the model's log-density, nats, for poses in millimetres on the 45-dimensional space of centred poses."""

    nll: Float[np.ndarray, " pictures"]


@dataclass(frozen=True)
class RegionRecord:
    """What the log-densities of the hypotheses add to that of the truth."""

    entropy: Float[np.ndarray, " pictures"]
    """Nats, millimetres."""
    truth_level: Float[np.ndarray, " pictures"]
    """Level of the smallest highest-density region that holds the truth."""


@dataclass(frozen=True)
class Measurements:
    """Per picture, in the order of `rows`."""

    rows: Rows
    """Numbers of the evaluated pictures in their set."""
    choice: JointChoice
    poses: PoseReport
    single_error_mm: Float32[np.ndarray, "pictures others"]
    """Root-centred distance of each joint of the method's single answer."""
    mean_pose_error_mm: Float32[np.ndarray, "pictures others"]
    bone_lengths_mm: dict[str, Float32[np.ndarray, "pictures bones"]]
    """answer -> lengths, of "z0", "mean_pose" and "truth"."""
    counts: tuple[int, ...]
    """Numbers of hypotheses of `best_of_first`."""
    best_of_first: dict[str, dict[str, Float32[np.ndarray, "pictures counts"]]]
    """"model" or "noise_baseline" -> metric -> the best (chosen with the truth) of the first hypotheses, mm."""
    depth_sigma_mm: float
    """Of the noise baseline."""
    marginal: MarginalRecord | None
    """None with one hypothesis."""
    density: DensityRecord | None
    """None where the model has none, or the truth is not a whole pose."""
    regions: RegionRecord | None
    """None where the hypotheses have no log-density, or `density` is None."""
