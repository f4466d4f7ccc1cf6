"""Joint limits estimated from captured poses: which directions of a bone go with which of its parent.

Every check looks at a direction in the axes of the pelvis or the chest, given another one: the thigh in the
pelvis' axes; the shin given the thigh, after the shortest turn that takes the thigh to rest, which holds both
the knee's flexion and the side to which its hinge bends; the upper arm in the chest's axes; the forearm and the
collar bone given the upper arm; the chest's two axes in the pelvis' (bend and twist of the trunk); neck and head in
the chest's axes. Pose-dependent limits in the manner of Akhter & Black, "Pose-conditioned joint angle limits",
CVPR 2015, with a plain occupancy histogram on two spheres and a margin instead of their fitted planes.
Left and right share a histogram.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Int

from poseterior.data.pose_library.body_frames import BONE, MIRROR, chest_frame, pelvis_frame, unit, unswung

CHECKS = ("thigh", "shin", "upper arm", "forearm", "collar bone", "trunk", "twist", "neck", "head")
_SIDED = 5
"""The first checks are made on both sides."""
CHECK_OF_FEATURE = [*range(_SIDED), *range(_SIDED), *range(_SIDED, len(CHECKS))]
"""Left side, right side, middle."""

THIGH_REST = np.array([0.0, -0.8, 0.6])
UPPER_ARM_REST = np.array([0.6, -0.48, 0.64])
"""Of the left arm. Both are opposite to directions that no one reaches, where the shortest turn is not unique."""
_UP = np.array([0.0, 1.0, 0.0])

_PARENT_CELLS, _CHILD_CELLS = 100, 700
_PARENT_MARGIN_DEG, _CHILD_MARGIN_DEG = 20.0, 11.0
"""A cell counts a captured pose if its centre is as near as that: half of a cell's width and a margin."""
_MIN_POSES = 3
"""Fewer captured poses in a cell are taken for errors of the capture."""
_STEPS = 1024.0
_BLOCK = 4096


@dataclass(frozen=True)
class JointLimits:
    """What captured people did."""

    feasible: Bool[np.ndarray, "checks parents children"]
    """Per check, cell of the parent's direction and cell of the bone's."""

    @staticmethod
    def estimate(directions: Float[np.ndarray, "poses 16 3"]) -> JointLimits:
        """Limits of these poses and their mirror images."""
        counts = np.zeros((len(CHECKS), _PARENT_CELLS, _CHILD_CELLS))
        for start in range(0, len(directions), _BLOCK):
            parents, children = joint_features(directions[start : start + _BLOCK].astype(np.float64))
            near_parent = _near(parents, parent_cells(), _PARENT_MARGIN_DEG)
            near_child = _near(children, child_cells(), _CHILD_MARGIN_DEG)
            for feature, check in enumerate(CHECK_OF_FEATURE):
                counts[check] += near_parent[:, feature].T @ near_child[:, feature]
        return JointLimits(counts >= _MIN_POSES)

    def allow(self, directions: Float[np.ndarray, "poses 16 3"]) -> Bool[np.ndarray, " poses"]:
        """Whether every joint is within its limits."""
        return np.asarray(self.checked(directions).all(axis=-1))

    def checked(self, directions: Float[np.ndarray, "poses 16 3"]) -> Bool[np.ndarray, "poses features"]:
        """Whether each direction is within its limits, in the order of `CHECK_OF_FEATURE`."""
        parents, children = joint_features(directions)
        return self.feasible[
            CHECK_OF_FEATURE, cell_index(parents, parent_cells()), cell_index(children, child_cells())
        ]


def joint_features(
    directions: Float[np.ndarray, "poses 16 3"],
) -> tuple[Float[np.ndarray, "poses 14 3"], Float[np.ndarray, "poses 14 3"]]:
    """(parent direction, bone direction) of every check; the right side's mirrored to the left.

    Where a bone has no parent to depend on, the parent direction is up.
    """
    pelvis, chest = pelvis_frame(directions), chest_frame(directions)
    in_pelvis = directions @ pelvis
    in_chest = directions @ chest
    chest_in_pelvis = np.swapaxes(pelvis, -1, -2) @ chest
    parents = np.empty((len(directions), len(CHECK_OF_FEATURE), 3))
    children = np.empty_like(parents)
    parents[...] = _UP
    for first, side, mirroring in ((0, "left", np.ones(3)), (_SIDED, "right", MIRROR)):
        thigh, shin = (in_pelvis[:, BONE[f"{side}_{joint}"]] * mirroring for joint in ("knee", "ankle"))
        collar, upper, fore = (
            in_chest[:, BONE[f"{side}_{joint}"]] * mirroring for joint in ("shoulder", "elbow", "wrist")
        )
        parents[:, first + 1] = thigh
        parents[:, first + 3] = parents[:, first + 4] = upper
        children[:, first], children[:, first + 1] = thigh, unswung(shin, thigh, THIGH_REST)
        children[:, first + 2], children[:, first + 3] = upper, unswung(fore, upper, UPPER_ARM_REST)
        children[:, first + 4] = collar
    bend, sideways = chest_in_pelvis[:, :, 1], chest_in_pelvis[:, :, 0]
    middle = 2 * _SIDED
    children[:, middle], children[:, middle + 1] = bend, unswung(sideways, bend, _UP)
    children[:, middle + 2], children[:, middle + 3] = in_chest[:, BONE["neck"]], in_chest[:, BONE["head"]]
    parents[:, middle + 1], parents[:, middle + 3] = bend, in_chest[:, BONE["neck"]]
    return parents, children


@cache
def parent_cells() -> Float[np.ndarray, "cells 3"]:
    """Centres of the cells of parents' directions."""
    return _fibonacci_sphere(_PARENT_CELLS)


@cache
def child_cells() -> Float[np.ndarray, "cells 3"]:
    """Centres of the cells of bones' directions."""
    return _fibonacci_sphere(_CHILD_CELLS)


def cell_index(
    directions: Float[np.ndarray, "*directions 3"], cells: Float[np.ndarray, "cells 3"]
) -> Int[np.ndarray, "*directions"]:
    """Index of the nearest cell."""
    return np.asarray((directions @ cells.T).argmax(axis=-1))


def _near(
    directions: Float[np.ndarray, "poses features 3"], cells: Float[np.ndarray, "cells 3"], margin_deg: float
) -> Float[np.ndarray, "poses features cells"]:
    # whole numbers whose products are exact in float32, so that every machine counts the same
    products = _whole(directions) @ _whole(cells).T
    return (products >= np.cos(np.radians(margin_deg)) * _STEPS**2).astype(np.float32)


def _whole(directions: Float[np.ndarray, "*directions 3"]) -> Float[np.ndarray, "*directions 3"]:
    return np.round(directions * _STEPS).astype(np.float32)


def _fibonacci_sphere(count: int) -> Float[np.ndarray, "cells 3"]:
    """Nearly even points on the unit sphere (Swinbank & Purser, QJRMS 132, 2006)."""
    index = np.arange(count) + 0.5
    polar = np.arccos(1.0 - 2.0 * index / count)
    around = np.pi * (1.0 + np.sqrt(5.0)) * index
    return unit(
        np.stack([np.cos(around) * np.sin(polar), np.cos(polar), np.sin(around) * np.sin(polar)], axis=-1)
    )
