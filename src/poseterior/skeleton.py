"""Skeletons by joint name: orders, bones, mirrored pairs, and how a missing joint is derived from others.

Sources: Human3.6M-17 and MPII-16 orders as in METHOD sections 1 (Wehrbein et al., ICCV 2021, section 4.1, and
their code); BlazePose-33 from Bazarevsky et al., "BlazePose", 2020 (MediaPipe's pose landmark list);
COCO-17 from Lin et al., "Microsoft COCO", 2014 (keypoint list); Halpe-26 from Fang et al., "AlphaPose", 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

H36M_17 = (
    "pelvis",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "spine",
    "thorax",
    "neck",
    "head",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
)
"""The 3D poses' joints ("neck" is Human3.6M's neck/nose, "head" the top of the head)."""

MPII_16 = (
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "pelvis",
    "spine",
    "thorax",
    "head",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
)
"""The 2D joints that condition the flow: MPII's order with Human3.6M's definitions (METHOD section 1)."""

CONDITION_13 = tuple(name for name in MPII_16 if name not in ("pelvis", "right_hip", "left_hip"))
"""The joints whose Gaussians enter the condition (METHOD section 2)."""

FLOW_16 = tuple(name for name in H36M_17 if name != "pelvis")
"""The 3D joints that the flow works on; the pelvis is the midpoint of the hips (METHOD section 1)."""

BLAZEPOSE_33 = (
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
)

COCO_17 = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)

HALPE_26 = (
    *COCO_17,
    "head",
    "neck",
    "pelvis",
    "left_foot_index",
    "right_foot_index",
    "left_small_toe",
    "right_small_toe",
    "left_heel",
    "right_heel",
)

H36M_BONES = (
    ("pelvis", "right_hip"),
    ("right_hip", "right_knee"),
    ("right_knee", "right_ankle"),
    ("pelvis", "left_hip"),
    ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"),
    ("pelvis", "spine"),
    ("spine", "thorax"),
    ("thorax", "neck"),
    ("neck", "head"),
    ("thorax", "left_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("thorax", "right_shoulder"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
)
"""(parent, child) of the Human3.6M-17 tree."""

MPII_BONES = tuple(
    (parent if parent != "neck" else "thorax", child) for parent, child in H36M_BONES if child != "neck"
)
"""(parent, child) of the 16 joints in 2D: the same tree without the neck/nose."""


@dataclass(frozen=True)
class DerivedJoint:
    """A joint that a detector lacks, as the weighted mean of joints that it has."""

    name: str
    parts: tuple[tuple[str, float], ...]
    """(joint name, weight); weights add up to 1 and may be negative (extrapolation)."""


MIDPOINT_JOINTS = (
    DerivedJoint("pelvis", (("left_hip", 0.5), ("right_hip", 0.5))),
    DerivedJoint("thorax", (("left_shoulder", 0.5), ("right_shoulder", 0.5))),
    DerivedJoint(
        "spine", (("left_hip", 0.25), ("right_hip", 0.25), ("left_shoulder", 0.25), ("right_shoulder", 0.25))
    ),
)
"""Pelvis between the hips, thorax between the shoulders, spine between the two (DESIGN)."""


def mirrored(name: str) -> str:
    """The joint's name on the other side of the body; middle joints are their own mirror."""
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


def mirror_indices(joint_names: tuple[str, ...]) -> list[int]:
    """Index of each joint's mirrored twin, so that `poses[:, mirror_indices(names)]` swaps the sides."""
    return [joint_names.index(mirrored(name)) for name in joint_names]


def indices_of(wanted: tuple[str, ...], joint_names: tuple[str, ...]) -> list[int]:
    """Index in `joint_names` of every wanted joint; raises ValueError naming the one that is missing."""
    missing = [name for name in wanted if name not in joint_names]
    if missing:
        raise ValueError(f"joints {', '.join(missing)} are not among {', '.join(joint_names)}")
    return [joint_names.index(name) for name in wanted]


def bone_indices(
    bones: tuple[tuple[str, str], ...], joint_names: tuple[str, ...]
) -> tuple[tuple[int, int], ...]:
    """(parent, child) as indices into `joint_names`."""
    return tuple((joint_names.index(parent), joint_names.index(child)) for parent, child in bones)
