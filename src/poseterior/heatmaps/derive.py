"""A detector's own Gaussians -> the 16 joints in MPII order, by joint name.

Joints that the detector has are taken over. The others are weighted means of joints that it has (METHOD
section 1, DESIGN): pelvis, thorax and spine as in `skeleton.MIDPOINT_JOINTS`, the head as `HEAD` says.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError
from poseterior.skeleton import MIDPOINT_JOINTS, MPII_16, DerivedJoint
from poseterior.types import FitStatus, JointGaussians

HEAD = DerivedJoint(
    "head",
    (
        ("left_ear", 1.0),
        ("right_ear", 1.0),
        ("nose", -0.5),
        ("left_shoulder", -0.25),
        ("right_shoulder", -0.25),
    ),
)
"""The top of the head (Human3.6M's "head"), from the midpoints of ears and shoulders and the nose.

ears + 0.5 (ears - shoulders) - 0.5 (nose - ears): from the ears away from the shoulders by half the way
between them; then back by half the way to the nose, which keeps the point on the head when it is bent forward
or seen from the side. Both factors were chosen by eye on 13 heads of the sample video and photos (frontal,
profile, bent): 0.6 puts frontal points above the head; without the nose, profile points lie at the forehead.
"""

_DERIVED = {joint.name: joint for joint in (*MIDPOINT_JOINTS, HEAD)}


def mpii_gaussians(native: JointGaussians) -> JointGaussians:
    """The Gaussians of the 16 joints in MPII order.

    A derived joint's mean is the weighted mean of its parts' means. Its covariance is sum of w_i^2 S_i, that
    of a weighted mean of independent Gaussians, divided by sum of w_i^2: a confident heatmap is as wide as
    the blob that the detector was trained on, and not an error that averaging makes smaller or extrapolation
    larger, so parts of one width must give a joint of that width. Its amplitude is the smallest of its parts,
    its RMSE the largest, its status DERIVED, or the worst part's NO_SIGNAL or INVALID.

    Raises:
        InputError: a joint, or a part that it is derived from, is not among the detector's joints.
    """
    weights = mpii_weights(native.joint_names)
    used = weights != 0
    return JointGaussians(
        joint_names=MPII_16,
        amplitude=np.where(used, native.amplitude, np.inf).min(axis=1),
        mean_cell=weights @ native.mean_cell,
        covariance_cell2=np.einsum("ij,jkl->ikl", covariance_shares(weights), native.covariance_cell2),
        rmse=np.where(used, native.rmse, -np.inf).max(axis=1),
        status=np.array([_status(native.status[parts]) for parts in used], dtype=np.uint8),
        pixel_from_cell=native.pixel_from_cell,
    )


def covariance_shares(weights: Float[np.ndarray, "16 joints"]) -> Float[np.ndarray, "16 joints"]:
    """The share of each part's covariance in that of the derived joint; see `mpii_gaussians`."""
    return weights**2 / (weights**2).sum(axis=1, keepdims=True)


def mpii_weights(joint_names: tuple[str, ...]) -> Float[np.ndarray, "16 joints"]:
    """Row i holds the weights of the detector's joints in joint i of MPII-16.

    Raises:
        InputError: as for `mpii_gaussians`.
    """
    weights = np.zeros((len(MPII_16), len(joint_names)))
    for row, name in enumerate(MPII_16):
        parts = ((name, 1.0),)
        if name not in joint_names and name in _DERIVED:
            parts = _DERIVED[name].parts
        for part, weight in parts:
            if part not in joint_names:
                needed = f"joint {part!r}" if part == name else f"joint {part!r} (for {name!r})"
                raise InputError(
                    f"the detector lacks the {needed}; expected it among its joints {', '.join(joint_names)}"
                )
            weights[row, joint_names.index(part)] = weight
    return weights


def _status(parts: np.ndarray) -> int:
    for worst in (FitStatus.INVALID, FitStatus.NO_SIGNAL):
        if (parts == worst).any():
            return int(worst)
    return int(parts[0]) if len(parts) == 1 else int(FitStatus.DERIVED)
