"""Between the public frames and the flow's vectors (METHOD section 1; the authors' code stores axis-major).

The flow's frame has y up and z towards the camera: the camera frame with y and z flipped. Its vectors are
axis-major: all x, then all y (then all z).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError
from poseterior.skeleton import FLOW_16, H36M_17, indices_of

_FLOW_JOINTS = indices_of(FLOW_16, H36M_17)
_HIPS = indices_of(("right_hip", "left_hip"), FLOW_16)
_FLIP_YZ = np.array([1.0, -1.0, -1.0])


def axis_major(points: Float[np.ndarray, "*batch joints axes"]) -> Float[np.ndarray, "*batch values"]:
    """(..., joints, axes) to (..., axes * joints), all x first."""
    return np.swapaxes(points, -1, -2).reshape(*points.shape[:-2], -1)


def joint_major(
    vectors: Float[np.ndarray, "*batch values"], axes: int
) -> Float[np.ndarray, "*batch joints axes"]:
    """The inverse of `axis_major`."""
    return np.swapaxes(vectors.reshape(*vectors.shape[:-1], axes, -1), -1, -2)


def vector_from_joints_2d(joints_px: Float[np.ndarray, "*batch 16 2"]) -> Float[np.ndarray, "*batch 32"]:
    """2D pose y: MPII-16 joints (any unit, y down), centred, y up, divided by the std of all 32 coordinates.

    Raises:
        InputError: a coordinate is not finite, or all joints coincide, so that there is no scale.
    """
    if not np.isfinite(joints_px).all():
        raise InputError(
            "2D joints hold NaN or infinite values; expected finite coordinates for all 16 joints"
        )
    centred = joints_px - joints_px.mean(axis=-2, keepdims=True)
    vectors = axis_major(centred * np.array([1.0, -1.0]))
    scale = vectors.std(axis=-1, keepdims=True)
    if (scale < 1e-9).any():
        raise InputError("all 16 2D joints lie on one point; expected joints spread over a person")
    return vectors / scale


def vector_from_pose(poses_m: Float[np.ndarray, "*batch 17 3"]) -> Float[np.ndarray, "*batch 48"]:
    """3D pose x: Human3.6M-17 in the camera frame (metres), pelvis dropped, mean-centred, y and z flipped."""
    kept = poses_m[..., _FLOW_JOINTS, :]
    return axis_major((kept - kept.mean(axis=-2, keepdims=True)) * _FLIP_YZ)


def pose_from_vector(vectors: Float[np.ndarray, "*batch 48"]) -> Float[np.ndarray, "*batch 17 3"]:
    """The inverse up to position: Human3.6M-17 in the camera frame (metres), pelvis at the origin.

    The pelvis is the midpoint of the hips (METHOD section 1).
    """
    joints = joint_major(vectors, axes=3) * _FLIP_YZ
    pelvis = joints[..., _HIPS, :].mean(axis=-2, keepdims=True)
    return np.concatenate([np.zeros_like(pelvis), joints - pelvis], axis=-2)
