"""The metrics of METHOD section 5 as a table: which alignment, which joints, and which way is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError
from poseterior.metrics.alignment import Alignment, aligned_joint_errors
from poseterior.metrics.cps import CPS_THRESHOLDS_MM, cps, largest_error
from poseterior.metrics.joint_choices import (
    CPS_JOINTS,
    MPJPE_JOINTS,
    PCK_JOINTS,
    SPREAD_JOINTS,
    joint_indices,
)
from poseterior.metrics.pck import AUC_THRESHOLDS_MM, PCK_THRESHOLD_MM, pck, pck_auc
from poseterior.skeleton import H36M_17

_POSES_AT_ONCE = 4096
"""Their joint errors stay in cache, and memory does not grow with the number of pictures."""

Reduction = Callable[[Float[np.ndarray, "*batch joints"], Sequence[int]], Float[np.ndarray, "*batch"]]


def mean_error(
    errors: Float[np.ndarray, "*batch joints"], joints: Sequence[int]
) -> Float[np.ndarray, "*batch"]:
    """Mean over the chosen joints."""
    total = np.zeros(errors.shape[:-1])
    for joint in joints:
        total += errors[..., joint]
    return total / len(joints)


def _cps(errors: Float[np.ndarray, "*batch joints"], joints: Sequence[int]) -> Float[np.ndarray, "*batch"]:
    return cps(largest_error(errors, joints))


@dataclass(frozen=True)
class Metric:
    """One number per pose from its joint errors."""

    name: str
    alignment: Alignment
    reduction: Reduction
    joints: tuple[str, ...]
    higher_is_better: bool = False


METRICS = (
    Metric("mpjpe_mm", "root", mean_error, MPJPE_JOINTS),
    Metric("pmpjpe_mm", "similarity", mean_error, MPJPE_JOINTS),
    Metric("pmpjpe_rigid_mm", "rigid", mean_error, MPJPE_JOINTS),
    Metric("n_mpjpe_mm", "scaled", mean_error, MPJPE_JOINTS),
    Metric("pck", "root", pck, PCK_JOINTS, higher_is_better=True),
    Metric("auc", "root", pck_auc, PCK_JOINTS, higher_is_better=True),
    Metric("cps_mm", "similarity", _cps, CPS_JOINTS, higher_is_better=True),
    Metric("largest_error_mm", "similarity", largest_error, CPS_JOINTS),
)
"""PCK and AUC are shares. The largest error is what CPS counts: `cps.cps_curve` of the best hypotheses' is the
maximum per threshold."""


@dataclass(frozen=True)
class PoseProtocol:
    """Everything that a pose's numbers depend on besides the poses; alignments use all joints of `joint_names`."""

    metrics: tuple[Metric, ...] = METRICS
    joint_names: tuple[str, ...] = H36M_17
    """Order of the poses' joints."""
    root: str = "pelvis"
    spread_joints: tuple[str, ...] = SPREAD_JOINTS
    clusters: int = 5
    """Of K-Means; 0 for none."""
    seed: int = 0
    """Of the choice of the random one."""

    @property
    def root_index(self) -> int:
        """Where the root is."""
        return joint_indices((self.root,), self.joint_names, "root-centring")[0]

    def to_dict(self) -> dict[str, Any]:
        """For the report: strings, numbers, lists and dicts."""
        return {
            "joint_names": list(self.joint_names),
            "root": self.root,
            "metrics": {
                metric.name: {
                    "alignment": metric.alignment,
                    "joints": list(metric.joints),
                    "higher_is_better": metric.higher_is_better,
                }
                for metric in self.metrics
            },
            "spread_joints": list(self.spread_joints),
            "pck_threshold_mm": PCK_THRESHOLD_MM,
            "auc_thresholds_mm": AUC_THRESHOLDS_MM.tolist(),
            "cps_thresholds_mm": CPS_THRESHOLDS_MM.tolist(),
            "clusters": self.clusters,
            "seed": self.seed,
        }


def hypothesis_scores(
    hypotheses_mm: Float[np.ndarray, "pictures hypotheses joints 3"],
    truth_mm: Float[np.ndarray, "truth_pictures truth_joints 3"],
    protocol: PoseProtocol | None = None,
) -> dict[str, Float[np.ndarray, "pictures hypotheses"]]:
    """Every metric of the protocol for every single hypothesis, float64, by the metric's name.

    Poses in millimetres in any common frame. Pictures are worked on in blocks, so that the results are all that
    grows with their number.

    Raises:
        InputError: shapes do not fit, a joint is missing, or a coordinate is not finite.
    """
    protocol = protocol or PoseProtocol()
    joints = {m.name: joint_indices(m.joints, protocol.joint_names, m.name) for m in protocol.metrics}
    alignments: set[Alignment] = {metric.alignment for metric in protocol.metrics}
    root, names = protocol.root_index, protocol.joint_names
    check_poses(hypotheses_mm, truth_mm, names)
    scores = {metric.name: np.empty(hypotheses_mm.shape[:2]) for metric in protocol.metrics}
    step = max(_POSES_AT_ONCE // hypotheses_mm.shape[1], 1)
    for start in range(0, len(truth_mm), step):
        block = slice(start, start + step)
        errors = aligned_joint_errors(
            hypotheses_mm[block], truth_mm[block, None], alignments, root_index=root
        )
        for metric in protocol.metrics:
            scores[metric.name][block] = metric.reduction(errors[metric.alignment], joints[metric.name])
    return scores


def check_poses(
    hypotheses_mm: Float[np.ndarray, "..."],
    truth_mm: Float[np.ndarray, "..."],
    joint_names: tuple[str, ...],
) -> None:
    """Raises InputError unless the shapes are (pictures, hypotheses, joints, 3) and (pictures, joints, 3)."""
    pose = (len(joint_names), 3)
    if hypotheses_mm.ndim != 4 or hypotheses_mm.shape[2:] != pose or hypotheses_mm.shape[1] == 0:
        raise InputError(
            f"hypotheses_mm has the shape {hypotheses_mm.shape}; "
            f"expected (pictures, hypotheses, {pose[0]}, 3) with at least one hypothesis"
        )
    if truth_mm.shape != (len(hypotheses_mm), *pose):
        raise InputError(f"truth_mm has the shape {truth_mm.shape}; expected {(len(hypotheses_mm), *pose)}")
