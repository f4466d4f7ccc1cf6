"""Limbs that pass through the trunk, the head or each other, found with capsules sampled as rows of balls.

Radii are relative to body height, for a body of the mean proportions of `body_shape`. Flesh gives way and
captures are retargeted, so contact is no fault: a pose is refused where two balls overlap by more than a share
of the thinner one's diameter.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Int

from poseterior.data.simulated.body_shape import BONES, BodyRange, sample_lengths_m
from poseterior.skeleton import H36M_17

MAX_OVERLAP = 0.5
"""For poses that are made up."""
MAX_OVERLAP_CAPTURED = 0.75
"""For captured ones: a person did it, and what overlaps is the fault of the skeleton that they were put on."""
_MEAN_BODY = BodyRange(
    height_m=(1.0, 0.0, 1.0, 1.0), leg_to_trunk_spread=0.0, proportion_spread=0.0, asymmetry_spread=0.0
)
_BLOCK = 64
"""Poses at a time: their pairs of balls stay in the processor's cache."""

_CAPSULES = (
    # name, from, to, first and last share of the way, radius over height, balls
    ("belly", "pelvis", "spine", 0.2, 1.0, 0.060, 3),
    ("chest", "spine", "thorax", 0.1, 0.75, 0.062, 3),
    ("pelvis", "right_hip", "left_hip", 0.15, 0.85, 0.052, 3),
    ("head", "neck", "head", 0.5, 0.6, 0.052, 2),
    ("right thigh", "right_hip", "right_knee", 0.35, 0.95, 0.037, 5),
    ("left thigh", "left_hip", "left_knee", 0.35, 0.95, 0.037, 5),
    ("right shin", "right_knee", "right_ankle", 0.1, 1.0, 0.027, 6),
    ("left shin", "left_knee", "left_ankle", 0.1, 1.0, 0.027, 6),
    ("right upper arm", "right_shoulder", "right_elbow", 0.4, 1.0, 0.024, 4),
    ("left upper arm", "left_shoulder", "left_elbow", 0.4, 1.0, 0.024, 4),
    ("right forearm", "right_elbow", "right_wrist", 0.2, 1.1, 0.019, 5),
    ("left forearm", "left_elbow", "left_wrist", 0.2, 1.1, 0.019, 5),
)
_TRUNK = ("belly", "chest", "pelvis")
_NEIGHBOURS = {
    frozenset(pair)
    for side in ("right", "left")
    for pair in (
        (f"{side} thigh", f"{side} shin"),
        (f"{side} thigh", "pelvis"),
        (f"{side} thigh", "belly"),
        (f"{side} thigh", "chest"),
        (f"{side} shin", "pelvis"),
        (f"{side} upper arm", f"{side} forearm"),
    )
}
"""Pairs that touch in poses that people take: a shin under the seat, a thigh at the chest."""


def deep_penetration(
    directions: Float[np.ndarray, "poses 16 3"], max_overlap: float = MAX_OVERLAP
) -> Bool[np.ndarray, " poses"]:
    """Whether two parts of the body overlap by more than `max_overlap` of the thinner one's diameter."""
    first, second, least_squared = _pairs(max_overlap)
    deep = np.zeros(len(directions), dtype=bool)
    for start in range(0, len(directions), _BLOCK):
        centres = np.ascontiguousarray(
            np.moveaxis(_ball_weights() @ directions[start : start + _BLOCK], -1, 0)
        )
        x, y, z = centres[:, :, first] - centres[:, :, second]
        deep[start : start + _BLOCK] = (x * x + y * y + z * z < least_squared).any(axis=-1)
    return deep


@cache
def _ball_weights() -> Float[np.ndarray, "balls bones"]:
    """Centres of all balls, relative to the pelvis and over body height, as weights of bone directions."""
    joints = np.zeros((len(H36M_17), len(BONES)))
    lengths = sample_lengths_m(np.random.default_rng(0), 1, _MEAN_BODY)[0]
    for index, (parent, child) in enumerate(BONES):
        joints[child] = joints[parent]
        joints[child, index] += lengths[index]
    ends = [(joints[H36M_17.index(capsule[1])], joints[H36M_17.index(capsule[2])]) for capsule in _CAPSULES]
    return np.array(
        [
            (1 - share) * start + share * end
            for (start, end), capsule in zip(ends, _CAPSULES, strict=True)
            for share in np.linspace(capsule[3], capsule[4], capsule[6])
        ]
    )


@cache
def _pairs(
    max_overlap: float,
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    """(ball, other ball, least squared distance over height) of all pairs that are looked at."""
    owner = [capsule for capsule in _CAPSULES for _ in range(capsule[-1])]
    pairs = []
    for first, a in enumerate(owner):
        for second, b in enumerate(owner[:first]):
            names = {a[0], b[0]}
            if len(names) == 2 and not names <= {*_TRUNK, "head"} and frozenset(names) not in _NEIGHBOURS:
                least = a[5] + b[5] - max_overlap * 2 * min(a[5], b[5])
                pairs.append((first, second, least**2))
    first, second, least_squared = zip(*pairs, strict=True)
    return np.array(first), np.array(second), np.array(least_squared)
