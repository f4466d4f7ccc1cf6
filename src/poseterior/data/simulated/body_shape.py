"""Bodies of any build: a pose's bone directions with bone lengths of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from poseterior.skeleton import H36M_17, H36M_BONES, bone_indices, mirrored

BONES = bone_indices(H36M_BONES, H36M_17)
_BONE_OF_CHILD = {child: index for index, (_, child) in enumerate(H36M_BONES)}
MIRRORED_BONES = [_BONE_OF_CHILD[mirrored(child)] for _, child in H36M_BONES]
"""Index of each bone's twin on the other side."""
HIP_BONES = (_BONE_OF_CHILD["right_hip"], _BONE_OF_CHILD["left_hip"])

_LENGTH_OVER_HEIGHT = {
    "hip": 0.060,
    "knee": 0.242,
    "ankle": 0.242,
    "spine": 0.137,
    "thorax": 0.143,
    "neck": 0.067,
    "head": 0.068,
    "shoulder": 0.084,
    "elbow": 0.165,
    "wrist": 0.144,
}
"""Bone that ends in the joint, relative to body height: between Drillis & Contini's segment lengths (1966)
and the joint centres of motion capture skeletons."""
_CHILD_KINDS = [child.removeprefix("right_").removeprefix("left_") for _, child in H36M_BONES]
_MEAN_LENGTH = np.array([_LENGTH_OVER_HEIGHT[kind] for kind in _CHILD_KINDS])
_KIND_OF_BONE = np.array([list(_LENGTH_OVER_HEIGHT).index(kind) for kind in _CHILD_KINDS])
_IS_LEG = np.isin(_CHILD_KINDS, ["knee", "ankle"])


@dataclass(frozen=True)
class BodyRange:
    """How bodies are drawn; spreads are standard deviations of the logarithm."""

    height_m: tuple[float, float, float, float] = (1.71, 0.11, 1.45, 2.0)
    """Mean, standard deviation, lowest, highest."""
    leg_to_trunk_spread: float = 0.03
    proportion_spread: float = 0.06
    """Of each kind of bone, both sides alike."""
    asymmetry_spread: float = 0.01
    """Of each bone."""


def sample_lengths_m(
    rng: np.random.Generator, count: int, ranges: BodyRange | None = None
) -> Float[np.ndarray, "bodies 16"]:
    """Lengths of `BONES`; both hips alike, so that the pelvis is their midpoint."""
    ranges = BodyRange() if ranges is None else ranges
    mean, std, low, high = ranges.height_m
    height_m = np.clip(rng.normal(mean, std, (count, 1)), low, high)
    kinds = rng.normal(0.0, ranges.proportion_spread, (count, len(_LENGTH_OVER_HEIGHT)))
    legs = rng.normal(0.0, ranges.leg_to_trunk_spread, (count, 1))
    asymmetry = rng.normal(0.0, ranges.asymmetry_spread, (count, len(BONES)))
    asymmetry[:, HIP_BONES] = 0.0
    log_factor = kinds[:, _KIND_OF_BONE] + np.where(_IS_LEG, legs, -legs) + asymmetry
    return height_m * _MEAN_LENGTH * np.exp(np.clip(log_factor, -0.2, 0.2))


def bone_directions(joints: Float[np.ndarray, "*batch 17 3"]) -> Float[np.ndarray, "*batch 16 3"]:
    """Unit vectors of `BONES`, parent to child; zero where a bone has no length."""
    parents, children = zip(*BONES, strict=True)
    bones = joints[..., children, :] - joints[..., parents, :]
    length = np.linalg.norm(bones, axis=-1, keepdims=True)
    return np.divide(bones, length, out=np.zeros_like(bones), where=length > 0)


def assemble(
    directions: Float[np.ndarray, "*batch 16 3"], lengths_m: Float[np.ndarray, "*batch 16"]
) -> Float[np.ndarray, "*batch 17 3"]:
    """Human3.6M-17 joints in metres, pelvis at the origin."""
    bones = directions * lengths_m[..., None]
    joints = np.zeros((*bones.shape[:-2], len(H36M_17), 3))
    for index, (parent, child) in enumerate(BONES):
        joints[..., child, :] = joints[..., parent, :] + bones[..., index, :]
    return joints


def with_pelvis_between_hips(joints: Float[np.ndarray, "*batch 17 3"]) -> Float[np.ndarray, "*batch 17 3"]:
    """The same joints with the pelvis moved to the hips' midpoint, where the flow reinserts it."""
    hips = [H36M_17.index("right_hip"), H36M_17.index("left_hip")]
    moved = joints.copy()
    moved[..., H36M_17.index("pelvis"), :] = joints[..., hips, :].mean(axis=-2)
    return moved
