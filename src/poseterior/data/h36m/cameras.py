"""Where Human3.6M's cameras stand, from the user's own files: the official `metadata.xml`, or a `cameras.json`.

`metadata.xml` comes with the official code (Release-v1.2). Its element `w0` lists, for each of 4 cameras, 6 numbers
for each of 11 subjects: three angles a, b, c, so that camera-from-world R = Rx(a) Ry(b) Rz(c), and the camera's
place in millimetres. (36 numbers on lenses follow, which are not needed.)

`cameras.json`: {"S9": {"54138969": {"rotation": [[...], [...], [...]], "centre_m": [x, y, z]}, ...}, ...}, where a
world point X (metres) is rotation (X - centre_m) in the camera's frame (x right, y down, z away).
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from poseterior.data.h36m.names import CAMERAS
from poseterior.errors import InputError

METADATA, JSON = "metadata.xml", "cameras.json"
_NUM_SUBJECTS, _NUM_EXTRINSICS, _NUM_NUMBERS = 11, 6, 300


@dataclass(frozen=True)
class Extrinsics:
    """Where one camera stood for one subject."""

    rotation: Float[np.ndarray, "3 3"]
    """float64, camera from world."""
    centre_m: Float[np.ndarray, " 3"]
    """float64, the camera's place in the world, metres."""

    def to_camera(self, points_m: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 3"]:
        """World points (metres) in the camera's frame (x right, y down, z away)."""
        return (points_m - self.centre_m) @ self.rotation.T


def read_cameras(folder: Path) -> dict[tuple[str, str], Extrinsics]:
    """(subject, camera) -> extrinsics, from `METADATA` in the folder, else from `JSON`.

    Raises:
        InputError: there is neither, or the file cannot be read or lacks a number, or a matrix is no rotation.
    """
    for name, reader in ((METADATA, _from_metadata), (JSON, _from_json)):
        path = folder / name
        if path.is_file():
            try:
                return reader(path)
            except (OSError, UnicodeDecodeError, ET.ParseError, json.JSONDecodeError) as error:
                raise InputError(f"{path} cannot be read: {error}") from error
    raise InputError(
        f"{folder} has neither {METADATA} nor {JSON}; world coordinates need the cameras' places"
    )


def _from_metadata(path: Path) -> dict[tuple[str, str], Extrinsics]:
    text = ET.parse(path).getroot().findtext(".//w0") or ""
    try:
        numbers = np.array([float(word) for word in text.strip().strip("[]").replace(",", " ").split()])
    except ValueError:
        numbers = np.empty(0)
    if len(numbers) != _NUM_NUMBERS or not np.isfinite(numbers).all():
        raise InputError(f"{path}: element w0 must hold {_NUM_NUMBERS} finite numbers")
    extrinsics = numbers[: len(CAMERAS) * _NUM_SUBJECTS * _NUM_EXTRINSICS].reshape(
        len(CAMERAS), _NUM_SUBJECTS, 6
    )
    return {
        (f"S{subject + 1}", camera): Extrinsics(_rotation(values[:3]), values[3:] / 1000.0)
        for camera, of_camera in zip(CAMERAS, extrinsics, strict=True)
        for subject, values in enumerate(of_camera)
    }


def _rotation(angles: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    cos, sin = np.cos(angles), np.sin(angles)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cos[0], -sin[0]], [0.0, sin[0], cos[0]]])
    about_y = np.array([[cos[1], 0.0, sin[1]], [0.0, 1.0, 0.0], [-sin[1], 0.0, cos[1]]])
    about_z = np.array([[cos[2], -sin[2], 0.0], [sin[2], cos[2], 0.0], [0.0, 0.0, 1.0]])
    return about_x @ about_y @ about_z


def _from_json(path: Path) -> dict[tuple[str, str], Extrinsics]:
    subjects = json.loads(path.read_text(encoding="utf-8"))
    cameras = {}
    for subject, of_subject in _items(path, "the file", subjects):
        for camera, values in _items(path, subject, of_subject):
            where = f"{subject}/{camera}"
            fields = dict(_items(path, where, values))
            rotation = _numbers(path, f"{where}/rotation", fields.get("rotation"), (3, 3))
            if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4) or np.linalg.det(rotation) < 0:
                raise InputError(f"{path}: {where}/rotation is not a rotation matrix")
            cameras[subject, camera] = Extrinsics(
                rotation, _numbers(path, f"{where}/centre_m", fields.get("centre_m"), (3,))
            )
    return cameras


def _items(path: Path, where: str, values: Any) -> list[tuple[str, Any]]:
    if not isinstance(values, dict):
        raise InputError(f"{path}: {where} is not an object; expected subject/camera/rotation and centre_m")
    return list(values.items())


def _numbers(path: Path, where: str, values: Any, shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape != shape or not np.isfinite(array).all():
        raise InputError(f"{path}: {where} must hold {' x '.join(map(str, shape))} finite numbers")
    return array
