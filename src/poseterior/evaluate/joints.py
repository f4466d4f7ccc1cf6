"""Which joints a set's numbers are taken over, and poses as these joints in millimetres."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from poseterior.data.evaluation_set import EvaluationSet
from poseterior.errors import InputError
from poseterior.geometry.normalise import pose_from_vector
from poseterior.metrics.joint_choices import SPREAD_JOINTS
from poseterior.metrics.protocol import METRICS, PoseProtocol
from poseterior.skeleton import FLOW_16, H36M_17

LIMB_JOINTS = tuple(
    f"{side}_{joint}"
    for side in ("right", "left")
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
)
_PARTS = {"pelvis": ("right_hip", "left_hip"), "thorax": ("right_shoulder", "left_shoulder")}
"""Joints that are derived where the set does not know them: the midpoint of two that it knows."""


@dataclass(frozen=True)
class JointChoice:
    """Joints of the evaluated poses, in their order."""

    protocol: PoseProtocol
    derived: tuple[str, ...]
    """Midpoints, of truth and hypotheses alike: they take part in alignments and bones, not in averages."""
    known: tuple[str, ...]
    """Joints that all pictures know, of H36M_17."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the evaluated poses."""
        return self.protocol.joint_names

    @property
    def others(self) -> tuple[str, ...]:
        """Those that errors and calibration are taken over: without the root and derived ones."""
        return tuple(name for name in self.names if name != "pelvis" and name not in self.derived)

    @property
    def density_is_defined(self) -> bool:
        """Whether the truth is a whole pose of the flow, whose likelihood can be asked."""
        return set(FLOW_16) <= set(self.known)

    def other_indices(self) -> list[int]:
        """Where `others` are."""
        return [self.names.index(name) for name in self.others]

    def to_dict(self) -> dict[str, Any]:
        """For the report."""
        return {"known_joints": list(self.known), "derived_joints": list(self.derived)}


def choose_joints(data: EvaluationSet, seed: int) -> JointChoice:
    """The joints that all pictures of the set know, with pelvis and thorax derived where they are unknown.

    Raises:
        InputError: a limb joint is unknown in some picture.
    """
    in_all = np.asarray(data.has_joint.all(axis=0)).tolist()
    known = tuple(name for name, here in zip(H36M_17, in_all, strict=True) if here)
    missing = [name for name in LIMB_JOINTS if name not in known]
    if missing:
        raise InputError(
            f"set {data.name}: has_joint says that {', '.join(missing)} is not known in every picture; "
            "expected at least hips, knees, ankles, shoulders, elbows and wrists in all of them"
        )
    derived = tuple(name for name in _PARTS if name not in known)
    metrics = tuple(
        replace(metric, joints=tuple(name for name in metric.joints if name in known)) for metric in METRICS
    )
    protocol = PoseProtocol(
        metrics=metrics,
        joint_names=tuple(name for name in H36M_17 if name in known or name in derived),
        spread_joints=tuple(name for name in SPREAD_JOINTS if name in known),
        seed=seed,
    )
    return JointChoice(protocol, derived, known)


def evaluated_poses_mm(
    poses_m: Float[np.ndarray, "*batch 17 3"], choice: JointChoice
) -> Float[np.ndarray, "*batch joints 3"]:
    """The chosen joints of poses in metres (any frame), in millimetres."""
    chosen = 1000.0 * poses_m[..., [H36M_17.index(name) for name in choice.names], :]
    for name in choice.derived:
        parts = [choice.names.index(part) for part in _PARTS[name]]
        chosen[..., choice.names.index(name), :] = chosen[..., parts, :].mean(axis=-2)
    return chosen


def evaluated_vectors_mm(
    vectors: Float[np.ndarray, "*batch 48"], choice: JointChoice
) -> Float[np.ndarray, "*batch joints 3"]:
    """The same of the flow's vectors, in the camera frame."""
    return evaluated_poses_mm(pose_from_vector(vectors), choice)
