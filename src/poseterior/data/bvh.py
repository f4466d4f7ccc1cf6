"""Biovision hierarchy files (BVH): a skeleton with offsets and channels, then one line of numbers per frame.

Format: Meredith & Maddock, "Motion Capture File Formats Explained", University of Sheffield, 2001, section 2.
Rotations are applied in the order of the channels, each in the axes that the ones before it left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from poseterior.data.bvh_joint_maps import KNOWN_SKELETONS, BvhPoint, JointMap, joints_of
from poseterior.data.motion import Motion
from poseterior.errors import InputError
from poseterior.skeleton import H36M_17

_CHANNELS = {
    f"{axis}{kind}": (kind, index) for kind in ("position", "rotation") for index, axis in enumerate("XYZ")
}
_USUAL_UNITS_M = (1.0, 0.01, 0.001, 0.0254, 0.0254 / 0.45)
"""Metres, centimetres, millimetres, inches, and CMU's inches scaled by 0.45."""
_USUAL_LEG_M = 0.82
"""Hip to ankle of an adult: 0.485 of 1.7 m (Drillis & Contini, 1966)."""


def read_bvh(
    path: Path,
    joint_map: JointMap | None = None,
    *,
    metres_per_unit: float | None = None,
    skip_frames: int = 0,
    subject: int = 0,
    clip: int = 0,
) -> Motion:
    """Human3.6M-17 positions of a BVH file, metres, y up, as many frames per second as the file says.

    Args:
        path: the file.
        joint_map: where the 17 joints are; without it the skeleton must be one of `KNOWN_SKELETONS`.
        metres_per_unit: length of the file's unit; without it that of the known skeleton, else the usual unit
            (m, cm, mm, inch, CMU's) that makes the legs of the rest pose most like an adult's 0.82 m.
        skip_frames: frames left out at the start (CMU's clips for Daz blend out of a T pose: 10).
        subject: whose motion this is.
        clip: number of the clip.

    Raises:
        InputError: the file is missing or malformed (the line is named), it ends after `skip_frames` frames, or
            the skeleton lacks joints (they are named).
    """
    skeleton, values, seconds_per_frame = _parse(_lines_of(path), path)
    if joint_map is None:
        joint_map, known_unit_m = _known_map(skeleton, path)
    else:
        known_unit_m = None
        _check_map(joint_map, skeleton, path)
    if len(values) <= skip_frames:
        raise InputError(f"{path} has {len(values)} frames; expected more than the {skip_frames} to skip")
    joints = _mapped(joint_map, skeleton, *_posed(skeleton, values[skip_frames:]))
    unit_m = metres_per_unit or known_unit_m or _usual_unit_m(joint_map, skeleton)
    frames = len(joints)
    return Motion(
        name=path.stem,
        joints_m=(joints * unit_m).astype(np.float32),
        subject=np.full(frames, subject),
        clip=np.full(frames, clip),
        frames_per_second=1.0 / seconds_per_frame,
    )


@dataclass
class _Skeleton:
    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[tuple[float, ...]] = field(default_factory=list)
    channels: list[list[tuple[str, int]]] = field(default_factory=list)
    """(position or rotation, axis) in the order of the numbers."""

    def add(self, name: str, parent: int) -> int:
        self.names.append(name)
        self.parents.append(parent)
        self.offsets.append((0.0, 0.0, 0.0))
        self.channels.append([])
        return len(self.names) - 1


class _Lines:
    """The file's lines that hold something, split into words, with their numbers."""

    def __init__(self, text: str, path: Path) -> None:
        self._lines: Iterator[tuple[int, list[str]]] = (
            (number, line.split()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()
        )
        self._path = path
        self.number = 0

    def next(self, expected: str) -> list[str]:
        """Words of the next line."""
        try:
            self.number, words = next(self._lines)
        except StopIteration:
            raise InputError(f"{self._path} ends after line {self.number}; expected {expected}") from None
        return words

    def rest(self) -> Iterator[list[str]]:
        """Words of every line that is left."""
        for number, words in self._lines:
            self.number = number
            yield words

    def wrong(self, expected: str) -> InputError:
        """The error that names the line just read."""
        return InputError(f"{self._path}, line {self.number}: expected {expected}")

    def numbers(self, words: list[str], count: int, expected: str) -> tuple[float, ...]:
        """The words as that many finite numbers."""
        try:
            values = tuple(float(word) for word in words)
        except ValueError:
            raise self.wrong(expected) from None
        if len(values) != count or not np.isfinite(values).all():
            raise self.wrong(expected)
        return values


def _lines_of(path: Path) -> _Lines:
    try:
        return _Lines(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError):
        raise InputError(f"cannot read the motion file {path}; expected a BVH file (text)") from None


def _parse(lines: _Lines, path: Path) -> tuple[_Skeleton, Float[np.ndarray, "frames channels"], float]:
    if lines.next("HIERARCHY") != ["HIERARCHY"]:
        raise lines.wrong("HIERARCHY, the first line of a BVH file")
    skeleton = _parse_hierarchy(lines)
    frames = int(_after(lines, ["Frames:"], "Frames: and a whole number"))
    seconds_per_frame = _after(lines, ["Frame", "Time:"], "Frame Time: and a positive number of seconds")
    width = sum(len(channels) for channels in skeleton.channels)
    values = [lines.numbers(words, width, f"{width} numbers, one per channel") for words in lines.rest()]
    if len(values) != frames:
        raise InputError(f"{path} holds {len(values)} frames; expected {frames}, as its line Frames: says")
    return skeleton, np.array(values), seconds_per_frame


def _parse_hierarchy(lines: _Lines) -> _Skeleton:
    """Everything up to and with the line MOTION."""
    skeleton = _Skeleton()
    open_joints: list[int] = []
    expected = "ROOT, JOINT, End Site, OFFSET, CHANNELS, braces or MOTION"
    while (words := lines.next(expected)) != ["MOTION"]:
        match words:
            case ["ROOT" | "JOINT", *name] if name and (words[0] == "ROOT") == (not open_joints):
                _open(lines, skeleton, open_joints, " ".join(name))
            case ["End", "Site"] if open_joints:
                _open(lines, skeleton, open_joints, f"{skeleton.names[open_joints[-1]]}_end")
            case ["OFFSET", *rest] if open_joints:
                skeleton.offsets[open_joints[-1]] = lines.numbers(rest, 3, "OFFSET and three numbers")
            case ["CHANNELS", count, *names] if open_joints:
                if count != str(len(names)) or not set(names) <= set(_CHANNELS):
                    raise lines.wrong("CHANNELS, their count and names such as Xposition or Zrotation")
                skeleton.channels[open_joints[-1]] = [_CHANNELS[name] for name in names]
            case ["}"] if open_joints:
                open_joints.pop()
            case _:
                raise lines.wrong(expected)
    if open_joints or not skeleton.names:
        raise lines.wrong("the end of the skeleton (}) before MOTION")
    return skeleton


def _open(lines: _Lines, skeleton: _Skeleton, open_joints: list[int], name: str) -> None:
    if name in skeleton.names:
        raise lines.wrong(f"a joint of another name than {name}, which the file already has")
    open_joints.append(skeleton.add(name, open_joints[-1] if open_joints else -1))
    if lines.next("{") != ["{"]:
        raise lines.wrong("{")


def _after(lines: _Lines, key: list[str], expected: str) -> float:
    words = lines.next(expected)
    if words[: len(key)] != key:
        raise lines.wrong(expected)
    value = lines.numbers(words[len(key) :], 1, expected)[0]
    if value < 0 or (key == ["Frames:"] and value != int(value)) or (key != ["Frames:"] and value == 0):
        raise lines.wrong(expected)
    return value


def _posed(
    skeleton: _Skeleton, values: Float[np.ndarray, "frames channels"]
) -> tuple[Float[np.ndarray, "joints frames 3"], Float[np.ndarray, "joints frames 3 3"]]:
    """Positions in the file's unit, and the rotations that take joint axes to world axes."""
    positions = np.zeros((len(skeleton.names), len(values), 3))
    rotations = np.zeros((*positions.shape, 3))
    column = 0
    for joint, parent in enumerate(skeleton.parents):
        shift = np.tile(np.array(skeleton.offsets[joint]), (len(values), 1))
        turn = np.tile(np.eye(3), (len(values), 1, 1))
        for kind, axis in skeleton.channels[joint]:
            if kind == "position":
                # a position channel stands in the place of the offset
                shift[:, axis] = values[:, column]
            else:
                turn = turn @ _turns(axis, np.radians(values[:, column]))
            column += 1
        if parent < 0:
            positions[joint], rotations[joint] = shift, turn
        else:
            positions[joint] = positions[parent] + (rotations[parent] @ shift[..., None])[..., 0]
            rotations[joint] = rotations[parent] @ turn
    return positions, rotations


def _turns(axis: int, angle: Float[np.ndarray, " frames"]) -> Float[np.ndarray, "frames 3 3"]:
    """Right-handed rotations about the x, y or z axis."""
    after, before = (axis + 1) % 3, (axis + 2) % 3
    turns = np.zeros((len(angle), 3, 3))
    turns[:, axis, axis] = 1.0
    turns[:, after, after] = turns[:, before, before] = np.cos(angle)
    turns[:, before, after] = np.sin(angle)
    turns[:, after, before] = -turns[:, before, after]
    return turns


def _mapped(
    joint_map: JointMap,
    skeleton: _Skeleton,
    positions: Float[np.ndarray, "joints frames 3"],
    rotations: Float[np.ndarray, "joints frames 3 3"],
) -> Float[np.ndarray, "frames 17 3"]:
    places = []
    for name in H36M_17:
        place = joint_map[name]
        if isinstance(place, BvhPoint):
            joint = skeleton.names.index(place.joint)
            places.append(positions[joint] + rotations[joint] @ np.array(place.offset))
        else:
            joints = [place] if isinstance(place, str) else place
            places.append(positions[[skeleton.names.index(joint) for joint in joints]].mean(axis=0))
    return np.stack(places, axis=1)


def _known_map(skeleton: _Skeleton, path: Path) -> tuple[JointMap, float]:
    missing = {known.name: joints_of(known.joint_map) - set(skeleton.names) for known in KNOWN_SKELETONS}
    for known in KNOWN_SKELETONS:
        if not missing[known.name]:
            return known.joint_map, known.metres_per_unit
    closest = min(missing, key=lambda name: len(missing[name]))
    raise InputError(
        f"{path} has a skeleton that is not known: next to that of {closest} it lacks "
        f"{', '.join(sorted(missing[closest]))}; expected a joint map"
    )


def _check_map(joint_map: JointMap, skeleton: _Skeleton, path: Path) -> None:
    unmapped = [name for name in H36M_17 if name not in joint_map]
    if unmapped:
        raise InputError(f"the joint map for {path} lacks {', '.join(unmapped)}")
    missing = joints_of(joint_map) - set(skeleton.names)
    if missing:
        raise InputError(f"{path} lacks the joints {', '.join(sorted(missing))}, which the joint map names")


def _usual_unit_m(joint_map: JointMap, skeleton: _Skeleton) -> float:
    rest = _Skeleton(skeleton.names, skeleton.parents, skeleton.offsets, [[] for _ in skeleton.names])
    joints = _mapped(joint_map, rest, *_posed(rest, np.zeros((1, 0))))[0]
    hip, knee, ankle = (joints[H36M_17.index(f"left_{name}")] for name in ("hip", "knee", "ankle"))
    leg = np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee)
    return min(_USUAL_UNITS_M, key=lambda unit_m: abs(np.log(max(leg * unit_m, 1e-12) / _USUAL_LEG_M)))
