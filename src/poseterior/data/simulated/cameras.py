"""Random cameras around a person, and the perspective projection.

A detector sees a crop around the person, scaled to a fixed size, so the focal length cancels: what shapes the
crop is the direction and the distance from which the person is seen. Images are therefore in units of the
focal length (x / z, y / z), and no focal length is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class CameraRange:
    """How cameras are drawn; normal distributions are cut off at the limits."""

    distance_m: tuple[float, float]
    """Camera to person's centre, log-uniform."""
    pitch_deg: tuple[float, float, float, float]
    """Mean, standard deviation, lowest, highest; positive looks down."""
    roll_deg: tuple[float, float]
    """Standard deviation and limit."""
    off_axis_deg: tuple[float, float]
    """Standard deviations of the person's direction against the optical axis, horizontal and vertical."""


HUMAN36M_LIKE = CameraRange(
    distance_m=(3.0, 6.5), pitch_deg=(8.0, 4.0, -2.0, 20.0), roll_deg=(0.5, 2.0), off_axis_deg=(7.0, 3.0)
)
"""A studio with four cameras at about 1.5 m height (Ionescu et al., "Human3.6M", TPAMI 2014)."""

WIDE = CameraRange(
    distance_m=(2.0, 10.0), pitch_deg=(6.0, 14.0, -35.0, 60.0), roll_deg=(6.0, 20.0), off_axis_deg=(9.0, 6.0)
)
"""Anybody's camera: near or far, low or high, tilted."""

_MAX_OFF_AXIS_DEG = 30.0


@dataclass(frozen=True)
class Cameras:
    """camera = rotation @ world + translation, world with y up; camera x right, y down, z away."""

    rotation: Float[np.ndarray, "cameras 3 3"]
    """float64, proper rotations."""
    translation_m: Float[np.ndarray, "cameras 3"]
    """float64: where the world's origin, the person's centre, lies in the camera frame."""

    def from_world(
        self, points_m: Float[np.ndarray, "cameras points 3"]
    ) -> Float[np.ndarray, "cameras points 3"]:
        """Points in the camera frame, metres."""
        return points_m @ np.swapaxes(self.rotation, -1, -2) + self.translation_m[:, None]


def sample_cameras(rng: np.random.Generator, count: int, ranges: CameraRange) -> Cameras:
    """Cameras at a uniformly random yaw around a person whose centre is the world's origin."""
    yaw = rng.uniform(-np.pi, np.pi, count)
    mean, std, low, high = ranges.pitch_deg
    pitch = np.radians(np.clip(rng.normal(mean, std, count), low, high))
    roll = np.radians(np.clip(rng.normal(0.0, ranges.roll_deg[0], count), *_symmetric(ranges.roll_deg[1])))
    off_axis = np.radians(
        np.clip(rng.normal(0.0, ranges.off_axis_deg, (count, 2)), *_symmetric(_MAX_OFF_AXIS_DEG))
    )
    nearest, farthest = np.log(ranges.distance_m)
    distance_m = np.exp(rng.uniform(nearest, farthest, count))
    ray = np.concatenate([np.tan(off_axis), np.ones((count, 1))], axis=1)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    y_down_z_away = np.diag([1.0, -1.0, -1.0])
    rotation = _about("z", roll) @ _about("x", pitch) @ y_down_z_away @ _about("y", yaw)
    return Cameras(rotation, ray * distance_m[:, None])


def project(points_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
    """Camera frame (metres) to image, in units of the focal length, y down."""
    return points_m[..., :2] / points_m[..., 2:]


def _symmetric(limit: float) -> tuple[float, float]:
    return -limit, limit


def _about(axis: str, angle: Float[np.ndarray, " angles"]) -> Float[np.ndarray, "angles 3 3"]:
    """Right-handed rotations about a coordinate axis."""
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    rotation = np.tile(np.eye(3), (len(angle), 1, 1))
    cos, sin = np.cos(angle), np.sin(angle)
    rotation[:, first, first], rotation[:, second, second] = cos, cos
    rotation[:, first, second], rotation[:, second, first] = -sin, sin
    return rotation
