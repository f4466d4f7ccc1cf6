"""A pose, given as bone directions, put on a body in closed form.

Pelvis, thorax and head take full frames; thighs, shins, upper arms and forearms swing onto their directions
and turn about themselves so that knee and elbow bend about their hinges. What positions do not tell (the turn
of the head and the forearms, fingers, feet) is drawn. The transfer need not be exact: the truth that is stored
are the posed body's own joints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from poseterior.data.synthesis.bodies import Body
from poseterior.data.synthesis.rotations import between, frame, signed_angle_rad, swing, turn, unit
from poseterior.data.synthesis.template import BodyTemplate
from poseterior.skeleton import H36M_BONES

_BONE_TO = {child: index for index, (_, child) in enumerate(H36M_BONES)}
_SIDES = (("left", "L"), ("right", "R"))
_STRAIGHT, _BENT = 0.1, 0.4
"""Sines of the hinge's angle below which the hinge's plane says nothing, above which it says all."""
_SPINE_SHARES = {"spine05": 0.0, "spine04": 0.25, "spine03": 0.55, "spine02": 0.8, "spine01": 1.0}
"""How far from the pelvis' frame to the thorax' each vertebra of the rig is turned."""
_NECK_SHARES = {"neck01": 0.3, "neck02": 0.5, "neck03": 0.75, "head": 1.0}
_CLAVICLE_GAIN, _CLAVICLE_LIMIT_RAD = 0.7, np.radians(30.0)


@dataclass(frozen=True)
class Habits:
    """What joint positions leave open; angles in radians."""

    head_turn: float
    head_nod: float
    pronation: tuple[float, float]
    """Of the left and the right forearm."""
    wrist_bend: tuple[float, float]
    finger_curl: tuple[float, float]
    """Of each finger joint."""
    ankle_bend: tuple[float, float]


def sample_habits(rng: np.random.Generator) -> Habits:
    """Habits of a relaxed person, with some spread."""
    return Habits(
        head_turn=float(np.clip(rng.normal(0.0, 0.35), -1.1, 1.1)),
        head_nod=float(rng.normal(0.0, 0.12)),
        pronation=_pair(rng.normal(0.0, 0.5, 2)),
        wrist_bend=_pair(rng.normal(0.0, 0.25, 2)),
        finger_curl=_pair(rng.uniform(0.0, 1.1, 2) ** 1.5),
        ankle_bend=_pair(rng.normal(0.0, 0.12, 2)),
    )


def bone_rotations(
    directions: Float64[np.ndarray, "16 3"], body: Body, template: BodyTemplate, habits: Habits
) -> Float64[np.ndarray, "bones 3 3"]:
    """Rotation of each bone of the rig from rest, in the world (y up).

    Args:
        directions: unit vectors of `skeleton.H36M_BONES`, parent to child, y up.
        body: who is posed.
        template: its rig.
        habits: what the directions leave open.
    """
    rig = _Rig(template, body.heads_m)
    pelvis, thorax = _trunk(directions, rig)
    rig.turn_all(pelvis)
    for name, share in _SPINE_SHARES.items():
        rig.turn_below(name, between(pelvis, thorax, share))
    _head(directions, rig, thorax, habits)
    for index, (side, letter) in enumerate(_SIDES):
        _arm(directions, rig, thorax, side, letter, habits, index)
        _leg(directions, rig, pelvis, side, letter, habits, index)
    return rig.rotations


class _Rig:
    """Rest joints by name, and the rotations that are being found."""

    def __init__(self, template: BodyTemplate, heads_m: Float64[np.ndarray, "bones 3"]):
        self.template = template
        self.heads_m = heads_m
        self.rotations = np.tile(np.eye(3), (len(heads_m), 1, 1))

    def at(self, name: str) -> Float64[np.ndarray, "3"]:
        return self.heads_m[self.template.bone_index[name]]

    def turn_all(self, rotation: Float64[np.ndarray, "3 3"]) -> None:
        self.rotations[:] = rotation

    def turn_below(self, name: str, rotation: Float64[np.ndarray, "3 3"]) -> None:
        """Turn a bone and all that hangs on it."""
        self.rotations[self.template.bones_below[name]] = rotation


def _trunk(
    directions: Float64[np.ndarray, "16 3"], rig: _Rig
) -> tuple[Float64[np.ndarray, "3 3"], Float64[np.ndarray, "3 3"]]:
    hips = (rig.at("upperleg01.L") + rig.at("upperleg01.R")) / 2
    pelvis = (
        frame(
            directions[_BONE_TO["left_hip"]] - directions[_BONE_TO["right_hip"]],
            directions[_BONE_TO["spine"]],
        )
        @ frame(rig.at("upperleg01.L") - rig.at("upperleg01.R"), rig.at("spine03") - hips).T
    )
    thorax = (
        frame(
            directions[_BONE_TO["thorax"]],
            directions[_BONE_TO["left_shoulder"]] - directions[_BONE_TO["right_shoulder"]],
        )
        @ frame(rig.at("neck01") - rig.at("spine03"), rig.at("upperarm01.L") - rig.at("upperarm01.R")).T
    )
    return pelvis, thorax


def _head(
    directions: Float64[np.ndarray, "16 3"], rig: _Rig, thorax: Float64[np.ndarray, "3 3"], habits: Habits
) -> None:
    eyes = (rig.at("eye.L") + rig.at("eye.R")) / 2
    at_rest = eyes + 0.12 * np.array([0.0, 1.0, -0.5]) - rig.at("neck01")
    wanted = unit(directions[_BONE_TO["neck"]] + directions[_BONE_TO["head"]])
    upright = swing(thorax @ at_rest, wanted) @ thorax
    turned = turn(wanted, habits.head_turn) @ upright
    head = turn(turned[:, 0], habits.head_nod) @ turned
    for name, share in _NECK_SHARES.items():
        rig.turn_below(name, between(thorax, head, share))


def _arm(
    directions: Float64[np.ndarray, "16 3"],
    rig: _Rig,
    thorax: Float64[np.ndarray, "3 3"],
    side: str,
    letter: str,
    habits: Habits,
    index: int,
) -> None:
    upper, fore = directions[_BONE_TO[f"{side}_elbow"]], directions[_BONE_TO[f"{side}_wrist"]]
    shoulder, elbow, wrist = (rig.at(f"{bone}.{letter}") for bone in ("upperarm01", "lowerarm01", "wrist"))
    lifted = _limited(swing(thorax @ (shoulder - rig.at("neck01")), directions[_BONE_TO[f"{side}_shoulder"]]))
    rig.turn_below(f"clavicle.{letter}", lifted @ thorax)
    upper_at_rest, fore_at_rest = unit(elbow - shoulder), unit(wrist - elbow)
    hinge = unit(np.cross(upper_at_rest, fore_at_rest))
    rotation = _hinged(lifted @ thorax, upper_at_rest, hinge, upper, fore)
    rig.turn_below(f"upperarm01.{letter}", rotation)
    rotation = swing(rotation @ fore_at_rest, fore) @ rotation
    mirrored = 1.0 if letter == "L" else -1.0
    half = turn(fore, 0.5 * mirrored * habits.pronation[index]) @ rotation
    rig.turn_below(f"lowerarm01.{letter}", rotation)
    rig.turn_below(f"lowerarm02.{letter}", half)
    hand = turn(fore, 0.5 * mirrored * habits.pronation[index]) @ half
    knuckles = rig.at(f"finger5-1.{letter}") - rig.at(f"finger2-1.{letter}")
    hand = turn(hand @ knuckles, mirrored * habits.wrist_bend[index]) @ hand
    rig.turn_below(f"wrist.{letter}", hand)
    for finger in range(2, 6):
        for joint in range(1, 4):
            curl = turn(hand @ knuckles, mirrored * habits.finger_curl[index] * joint)
            rig.turn_below(f"finger{finger}-{joint}.{letter}", curl @ hand)


def _leg(
    directions: Float64[np.ndarray, "16 3"],
    rig: _Rig,
    pelvis: Float64[np.ndarray, "3 3"],
    side: str,
    letter: str,
    habits: Habits,
    index: int,
) -> None:
    thigh, shin = directions[_BONE_TO[f"{side}_knee"]], directions[_BONE_TO[f"{side}_ankle"]]
    hip, knee, ankle = (rig.at(f"{bone}.{letter}") for bone in ("upperleg01", "lowerleg01", "foot"))
    thigh_at_rest, shin_at_rest = unit(knee - hip), unit(ankle - knee)
    left = np.array([1.0, 0.0, 0.0])
    hinge = unit(left - (left @ thigh_at_rest) * thigh_at_rest)
    rotation = _hinged(pelvis, thigh_at_rest, hinge, thigh, shin)
    rig.turn_below(f"upperleg01.{letter}", rotation)
    rotation = swing(rotation @ shin_at_rest, shin) @ rotation
    rig.turn_below(f"lowerleg01.{letter}", rotation)
    rig.turn_below(f"foot.{letter}", _foot(rotation, shin, habits.ankle_bend[index]))


def _foot(
    shin_rotation: Float64[np.ndarray, "3 3"], shin: Float64[np.ndarray, "3"], bend: float
) -> Float64[np.ndarray, "3 3"]:
    """The foot leans towards the ground where the shin does not stand upright, as far as an ankle lets it."""
    forward = shin_rotation @ np.array([0.0, 0.0, 1.0])
    hinge = shin_rotation @ np.array([1.0, 0.0, 0.0])
    slope = float(np.arcsin(np.clip(forward[1], -1.0, 1.0)))
    # a standing leg's foot lies flat; a lifted or lying one's hangs
    flat = np.clip(slope, -0.5, 0.35) if shin[1] < -0.5 else 0.4
    return turn(hinge, float(flat) + bend) @ shin_rotation


def _hinged(
    parent: Float64[np.ndarray, "3 3"],
    upper_at_rest: Float64[np.ndarray, "3"],
    hinge_at_rest: Float64[np.ndarray, "3"],
    upper: Float64[np.ndarray, "3"],
    lower: Float64[np.ndarray, "3"],
) -> Float64[np.ndarray, "3 3"]:
    """Swing of a limb's upper part, turned about itself so that its hinge is at right angles to the limb."""
    rotation = swing(parent @ upper_at_rest, upper) @ parent
    hinge = np.cross(upper, lower)
    sine = float(np.sqrt(hinge @ hinge))
    share = np.clip((sine - _STRAIGHT) / (_BENT - _STRAIGHT), 0.0, 1.0)
    if share == 0.0:
        return rotation
    twist = signed_angle_rad(rotation @ hinge_at_rest, hinge, upper)
    return turn(upper, float(share) * twist) @ rotation


def _limited(rotation: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
    """A shoulder girdle moves less than the line from the neck to the shoulder's skin."""
    angle = float(np.arccos(np.clip((np.trace(rotation) - 1.0) / 2.0, -1.0, 1.0)))
    allowed = min(_CLAVICLE_GAIN * angle, _CLAVICLE_LIMIT_RAD)
    return between(np.eye(3), rotation, allowed / angle) if angle > 1e-6 else rotation


def _pair(values: np.ndarray) -> tuple[float, float]:
    return float(values[0]), float(values[1])
