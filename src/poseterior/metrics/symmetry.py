"""Are the bones those of one body? Left against right, and from frame to frame.

MPSSE and MPSCE: Rommel et al., "ManiPose", NeurIPS 2024.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError
from poseterior.metrics.joint_choices import joint_indices
from poseterior.skeleton import H36M_17, H36M_BONES, mirrored

LEFT_BONES = tuple(bone for bone in H36M_BONES if "left" in bone[1])
"""(parent, child) of the six bones that have a twin on the right: hip, thigh, shin, shoulder, upper and lower arm."""


def bone_lengths(
    poses: Float[np.ndarray, "*batch joints 3"],
    bones: tuple[tuple[str, str], ...] = H36M_BONES,
    joint_names: tuple[str, ...] = H36M_17,
) -> Float[np.ndarray, "*batch bones"]:
    """Length of each bone, in the poses' unit.

    Raises:
        InputError: a joint is missing, or there is not one name per joint.
    """
    if poses.shape[-2] != len(joint_names):
        raise InputError(
            f"poses have {poses.shape[-2]} joints; expected {len(joint_names)}, one per joint name"
        )
    parents = joint_indices(tuple(parent for parent, _ in bones), joint_names, "a bone")
    children = joint_indices(tuple(child for _, child in bones), joint_names, "a bone")
    return np.linalg.norm(poses[..., children, :] - poses[..., parents, :], axis=-1)


def symmetry_errors(
    poses: Float[np.ndarray, "*batch joints 3"], joint_names: tuple[str, ...] = H36M_17
) -> Float[np.ndarray, "*batch bones"]:
    """|left - right| of the length of each of LEFT_BONES and its twin, in the poses' unit."""
    right = tuple((mirrored(parent), mirrored(child)) for parent, child in LEFT_BONES)
    lengths = bone_lengths(poses, LEFT_BONES + right, joint_names)
    return np.abs(lengths[..., : len(LEFT_BONES)] - lengths[..., len(LEFT_BONES) :])


def mpsse(
    poses: Float[np.ndarray, "*batch frames joints 3"], joint_names: tuple[str, ...] = H36M_17
) -> Float[np.ndarray, "*batch"]:
    """Mean per segment symmetry error: mean of `symmetry_errors` over frames and bones of a sequence."""
    return np.asarray(symmetry_errors(poses, joint_names).mean(axis=(-2, -1)))


def mpsce(
    poses: Float[np.ndarray, "*batch frames joints 3"],
    joint_names: tuple[str, ...] = H36M_17,
    bones: tuple[tuple[str, str], ...] = H36M_BONES,
) -> Float[np.ndarray, "*batch"]:
    """Mean per segment consistency error: standard deviation (ddof = 0) of each bone's length over the frames of
    a sequence, mean over bones."""
    return np.asarray(bone_lengths(poses, bones, joint_names).std(axis=-2).mean(axis=-1))
