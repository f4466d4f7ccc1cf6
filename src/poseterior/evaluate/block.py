"""Everything that is measured of a block of pictures, while its hypotheses are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from poseterior.evaluate.joints import JointChoice
from poseterior.evaluate.measurements import DensityRecord, MarginalRecord, RegionRecord
from poseterior.flow.config import CENTRED_SIZE
from poseterior.metrics.answers import MEAN_POSE, Z0
from poseterior.metrics.calibration import entropy_nats, interval_width, truth_levels
from poseterior.metrics.marginal_calibration import (
    probability_integral_transform,
    quantile_hits,
)
from poseterior.metrics.protocol import PoseProtocol, hypothesis_scores
from poseterior.metrics.scores import crps, energy_score, nll_nats_mm
from poseterior.metrics.spread import axis_spread
from poseterior.metrics.summary import TRUTH
from poseterior.metrics.symmetry import bone_lengths
from poseterior.skeleton import H36M_BONES

Poses = Float[np.ndarray, "pictures joints 3"]
Hypotheses = Float[np.ndarray, "pictures hypotheses joints 3"]

MM_PER_METRE = 1000.0
_UNIT = {"mm_per_unit": MM_PER_METRE, "dimensions": CENTRED_SIZE}
BEST_OF_METRICS = ("mpjpe_mm", "pmpjpe_mm")
"""Of the curves over the number of hypotheses."""


@dataclass(frozen=True)
class Block:
    """Hypotheses of some pictures beside the truth, millimetres, camera frame."""

    hypotheses_mm: Hypotheses
    single_mm: Poses
    truth_mm: Poses
    noise_mm: Hypotheses
    """Of the noise baseline."""
    log_prob: Float64[np.ndarray, "pictures hypotheses"] | None
    """Nats, metres."""
    truth_log_prob: Float64[np.ndarray, " pictures"] | None


def marginal_record(block: Block, choice: JointChoice) -> MarginalRecord:
    """Scores and calibration of the samples."""
    root, others = choice.protocol.root_index, choice.other_indices()
    hypotheses = block.hypotheses_mm[:, :, others] - block.hypotheses_mm[:, :, [root]]
    truth = block.truth_mm[:, others] - block.truth_mm[:, [root]]
    pictures, samples = hypotheses.shape[:2]
    # samples last and contiguous: they are sorted once for each coordinate
    coordinates = np.sort(np.moveaxis(hypotheses, 1, -1), axis=-1)
    return MarginalRecord(
        energy_score_mm=energy_score(
            hypotheses.reshape(pictures, samples, -1), truth.reshape(pictures, -1), fair=True
        ),
        crps_mm=crps(coordinates, truth, fair=True).astype(np.float32),
        width_mm=interval_width(coordinates).astype(np.float32),
        pit=probability_integral_transform(coordinates, truth).astype(np.float32),
        first_level=(~quantile_hits(hypotheses, truth)).sum(axis=-1).astype(np.uint8),
        spread_mm=axis_spread(block.hypotheses_mm, root).astype(np.float32),
    )


def density_record(block: Block) -> DensityRecord | None:
    """What the truth's log-density says; None where there is none."""
    if block.truth_log_prob is None:
        return None
    return DensityRecord(nll=nll_nats_mm(block.truth_log_prob, **_UNIT))


def region_record(block: Block) -> RegionRecord | None:
    """What the hypotheses' log-densities say; None where there are none."""
    if block.log_prob is None or block.truth_log_prob is None:
        return None
    return RegionRecord(
        entropy=nll_nats_mm(-entropy_nats(block.log_prob), **_UNIT),
        truth_level=truth_levels(block.truth_log_prob, block.log_prob),
    )


def joint_errors_mm(poses: Poses, truth: Poses, choice: JointChoice) -> Float[np.ndarray, "pictures others"]:
    """Root-centred distances of `JointChoice.others`."""
    root = choice.protocol.root_index
    difference = (poses - poses[:, [root]]) - (truth - truth[:, [root]])
    return np.linalg.norm(difference[:, choice.other_indices()], axis=-1)


def lengths_mm(block: Block, choice: JointChoice) -> dict[str, Float[np.ndarray, "pictures bones"]]:
    """Bone lengths of the single answers and the truth, of all bones whose joints are there."""
    bones = tuple(bone for bone in H36M_BONES if set(bone) <= set(choice.names))
    poses = {Z0: block.single_mm, MEAN_POSE: block.hypotheses_mm.mean(axis=1), TRUTH: block.truth_mm}
    return {answer: bone_lengths(values, bones, choice.names) for answer, values in poses.items()}


def best_of_first(
    hypotheses_mm: Hypotheses, truth_mm: Poses, protocol: PoseProtocol, counts: Sequence[int]
) -> dict[str, Float[np.ndarray, "pictures counts"]]:
    """metric -> error of the best (chosen with the truth) of the first 1, 2, ... hypotheses."""
    metrics = tuple(metric for metric in protocol.metrics if metric.name in BEST_OF_METRICS)
    reduced = PoseProtocol(
        metrics=metrics,
        joint_names=protocol.joint_names,
        root=protocol.root,
        spread_joints=protocol.spread_joints,
    )
    scores = hypothesis_scores(hypotheses_mm, truth_mm, reduced)
    last = [count - 1 for count in counts]
    return {name: np.minimum.accumulate(values, axis=1)[:, last] for name, values in scores.items()}
