"""Bone directions of poses, regardless of where the body faces."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.data.simulated.body_shape import HIP_BONES, bone_directions


def facing_directions(joints_m: Float[np.ndarray, "poses 17 3"]) -> Float[np.ndarray, "poses 16 3"]:
    """Bone directions, turned about y so that right hip to left hip has no z part and points along +x."""
    directions = bone_directions(joints_m)
    hip_axis = directions[:, HIP_BONES[1]]
    length = np.maximum(np.hypot(hip_axis[:, 0], hip_axis[:, 2]), 1e-6)
    cos, sin = hip_axis[:, 0] / length, hip_axis[:, 2] / length
    turn = np.zeros((len(directions), 3, 3), dtype=directions.dtype)
    turn[:, 0, 0], turn[:, 0, 2], turn[:, 1, 1], turn[:, 2, 0], turn[:, 2, 2] = cos, sin, 1.0, -sin, cos
    return directions @ np.swapaxes(turn, -1, -2)
