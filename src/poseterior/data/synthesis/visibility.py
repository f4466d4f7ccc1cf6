"""Which joints can be seen, from the depth buffer."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from jaxtyping import Float, Float32, UInt8

from poseterior.data.synthesis.mesh import PERSON_ID
from poseterior.skeleton import H36M_17


class Visibility(IntEnum):
    """Why a joint is or is not seen."""

    VISIBLE = 0
    SELF_OCCLUDED = 1
    """Another part of the same body is in front."""
    COVERED = 2
    """Something else is in front: a bag, another person, an obstacle."""
    OUTSIDE = 3
    """Not inside the picture."""


_DEPTH_UNDER_SKIN_M = {
    "pelvis": 0.17,
    "hip": 0.17,
    "knee": 0.10,
    "ankle": 0.09,
    "spine": 0.20,
    "thorax": 0.14,
    "neck": 0.05,
    "head": 0.13,
    "shoulder": 0.12,
    "elbow": 0.08,
    "wrist": 0.07,
}
_TOLERANCE_M = np.array(
    [_DEPTH_UNDER_SKIN_M[name.removeprefix("right_").removeprefix("left_")] for name in H36M_17]
)
"""How far behind a surface a joint may lie and still be that surface's own."""


def joint_visibility(
    joints_m: Float[np.ndarray, "17 3"],
    joints_px: Float[np.ndarray, "17 2"],
    depth_m: Float32[np.ndarray, "height width"],
    object_id: UInt8[np.ndarray, "height width"],
    obstacle: Float32[np.ndarray, "height width"],
) -> UInt8[np.ndarray, "17"]:
    """`Visibility` of each joint.

    A joint is visible where the nearest surface at its pixel is not nearer than the joint by more than the
    body is thick there, whatever that surface belongs to (cloth over a knee does not hide the knee).

    Args:
        joints_m: camera frame, metres.
        joints_px: in the picture.
        depth_m: of the nearest surface, infinite where there is none.
        object_id: what that surface belongs to, 0 where there is none.
        obstacle: coverage in [0, 1] of flat obstacles in front of everything.
    """
    height, width = depth_m.shape
    column, row = np.rint(joints_px).astype(int).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    hidden = joints_m[:, 2] - depth_m[row, column] > _TOLERANCE_M
    by_itself = object_id[row, column] == PERSON_ID
    seen = np.where(
        hidden, np.where(by_itself, Visibility.SELF_OCCLUDED, Visibility.COVERED), Visibility.VISIBLE
    )
    seen = np.where(obstacle[row, column] > 0.5, Visibility.COVERED, seen)
    return np.where(inside, seen, Visibility.OUTSIDE).astype(np.uint8)
