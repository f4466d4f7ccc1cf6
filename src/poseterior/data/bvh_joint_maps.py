"""Where Human3.6M-17 joints are on the skeletons of BVH files.

The two CMU variants are Bruce Hahne's conversions of the CMU motion capture database (cgspeed.com, 2008-2012).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class BvhPoint:
    """A point fixed to a joint."""

    joint: str
    offset: tuple[float, float, float]
    """In the joint's own axes and the file's unit."""


JointMap: TypeAlias = Mapping[str, str | tuple[str, ...] | BvhPoint]
"""Human3.6M-17 joint -> joint of the file, several of them to average, or a point fixed to one.

The end site below a joint is called `<joint>_end`.
"""


@dataclass(frozen=True)
class KnownSkeleton:
    """A skeleton that is recognised by its joints' names."""

    name: str
    joint_map: JointMap
    metres_per_unit: float


CMU_DAZ = KnownSkeleton(
    name="CMU for Daz",
    joint_map={
        "pelvis": ("rButtock", "lButtock"),
        "right_hip": "rButtock",
        "right_knee": "rShin",
        "right_ankle": "rFoot",
        "left_hip": "lButtock",
        "left_knee": "lShin",
        "left_ankle": "lFoot",
        "spine": ("abdomen", "chest"),
        "thorax": "neck",
        "neck": BvhPoint("head", (0.0, 5.0, 5.0)),
        "head": BvhPoint("head", (0.0, 18.0, 2.0)),
        "left_shoulder": "lShldr",
        "left_elbow": "lForeArm",
        "left_wrist": "lHand",
        "right_shoulder": "rShldr",
        "right_elbow": "rForeArm",
        "right_wrist": "rHand",
    },
    metres_per_unit=0.01,
)

CMU_MOTION_BUILDER = KnownSkeleton(
    name="CMU for MotionBuilder",
    joint_map={
        "pelvis": ("RightUpLeg", "LeftUpLeg"),
        "right_hip": "RightUpLeg",
        "right_knee": "RightLeg",
        "right_ankle": "RightFoot",
        "left_hip": "LeftUpLeg",
        "left_knee": "LeftLeg",
        "left_ankle": "LeftFoot",
        "spine": "Spine",
        "thorax": "Neck1",
        "neck": BvhPoint("Head", (0.0, 0.5, 1.4)),
        "head": BvhPoint("Head", (0.0, 2.6, 0.4)),
        "left_shoulder": "LeftArm",
        "left_elbow": "LeftForeArm",
        "left_wrist": "LeftHand",
        "right_shoulder": "RightArm",
        "right_elbow": "RightForeArm",
        "right_wrist": "RightHand",
    },
    # the database's unit: inches scaled by 0.45 (mocap.cs.cmu.edu, FAQ)
    metres_per_unit=0.0254 / 0.45,
)

KNOWN_SKELETONS = (CMU_DAZ, CMU_MOTION_BUILDER)


def joints_of(joint_map: JointMap) -> set[str]:
    """The file's joints that a map needs."""
    return {joint for place in joint_map.values() for joint in _joints_of_place(place)}


def _joints_of_place(place: str | tuple[str, ...] | BvhPoint) -> tuple[str, ...]:
    if isinstance(place, BvhPoint):
        return (place.joint,)
    return (place,) if isinstance(place, str) else place
