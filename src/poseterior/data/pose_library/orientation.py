"""Poses turned as a whole: heading, leaning, diving, lying."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from jaxtyping import Float

from poseterior.data.pose_library.body_frames import BONE, chest_frame
from poseterior.data.simulated.body_shape import BodyRange, assemble, sample_lengths_m
from poseterior.skeleton import H36M_17


class Turn(IntEnum):
    """What a pose is turned to do."""

    LIE = 0
    LEAN = 1
    DIVE = 2
    """Head first."""


_TURN_SHARES = {Turn.LIE: 0.55, Turn.LEAN: 0.3, Turn.DIVE: 0.15}
_LYING_SHARES = {"back": 0.4, "front": 0.3, "left side": 0.15, "right side": 0.15}
_LYING_SPREAD_DEG = 12.0
_LEANING_DEG = (12.0, 40.0)
_DIVING_DEG = (70.0, 160.0)
MAX_BELOW_TRUNK = 0.06
"""Over body height: how far below the trunk's lowest joint the other joints of someone lying may be; the trunk
is that thick."""
_MEAN_BODY = BodyRange((1.0, 0.0, 1.0, 1.0), 0.0, 0.0, 0.0)
_MEAN_LENGTHS = sample_lengths_m(np.random.default_rng(0), 1, _MEAN_BODY)[0]
_TRUNK = [H36M_17.index(name) for name in ("pelvis", "spine", "thorax", "left_hip", "right_hip")]


def turned_about_up(directions: Float[np.ndarray, "16 3"], angle: float) -> Float[np.ndarray, "16 3"]:
    """The pose with another heading."""
    return directions @ rotation(np.array([0.0, 1.0, 0.0]), angle).T


def draw_turn(rng: np.random.Generator) -> Turn:
    """A turn by its share."""
    return Turn(int(rng.choice(list(_TURN_SHARES), p=list(_TURN_SHARES.values()))))


def reoriented(
    rng: np.random.Generator, facing: Float[np.ndarray, "16 3"], turn: Turn
) -> Float[np.ndarray, "16 3"] | None:
    """A pose that faces +z, turned; None where it cannot lie like that."""
    if turn == Turn.LIE:
        lying = _lying(rng, facing)
        return lying if _could_lie(lying) else None
    if turn == Turn.LEAN:
        heading = rng.uniform(-np.pi, np.pi)
        axis = np.array([np.cos(heading), 0.0, np.sin(heading)])
        return facing @ rotation(axis, np.radians(rng.uniform(*_LEANING_DEG))).T
    # forwards over the head, turned a little to either side
    heading = rng.normal(0.0, 0.3)
    axis = np.array([np.cos(heading), 0.0, np.sin(heading)])
    return facing @ rotation(axis, np.radians(rng.uniform(*_DIVING_DEG))).T


def rotation(axis: Float[np.ndarray, " 3"], angle: float) -> Float[np.ndarray, "3 3"]:
    """Right-handed rotation about a unit vector (Rodrigues' formula)."""
    x, y, z = axis
    across = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * across + (1.0 - np.cos(angle)) * across @ across


def _lying(rng: np.random.Generator, facing: Float[np.ndarray, "16 3"]) -> Float[np.ndarray, "16 3"]:
    """The chest's axes brought to those of someone on the back, front or side, nearly level."""
    side = rng.choice(list(_LYING_SHARES), p=list(_LYING_SHARES.values()))
    head = np.array([0.0, 0.0, 1.0])
    up = np.array([0.0, 1.0, 0.0])
    # the chest's x (left), y (to the head) and z (front) in the world
    axes = {
        "back": (np.cross(head, up), head, up),
        "front": (np.cross(head, -up), head, -up),
        "left side": (-up, head, np.cross(-up, head)),
        "right side": (up, head, np.cross(up, head)),
    }[side]
    level = np.stack(axes, axis=-1) @ chest_frame(facing).T
    pitch, roll = np.radians(rng.normal(0.0, _LYING_SPREAD_DEG, 2))
    tilt = rotation(np.array([1.0, 0.0, 0.0]), pitch) @ rotation(np.array([0.0, 0.0, 1.0]), roll)
    return facing @ (tilt @ level).T


def _could_lie(directions: Float[np.ndarray, "16 3"]) -> bool:
    """Whether nothing would be under the floor, and the trunk is about level from hips to neck."""
    height = assemble(directions, _MEAN_LENGTHS)[:, 1]
    sloping = abs(directions[BONE["spine"], 1]) > 0.5
    return bool(not sloping and height.min() > height[_TRUNK].min() - MAX_BELOW_TRUNK)
