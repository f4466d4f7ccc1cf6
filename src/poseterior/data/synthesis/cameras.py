"""Cameras that look at a person, and the window around the person that becomes the picture.

Two families: `HUMAN36M` stands four cameras around a room (Ionescu et al., "Human3.6M", TPAMI 2014: f about
1145 px at 1000 px, some 1.5 m high, 3 to 6 m away); `WIDE` is anybody's camera, near or far, low or high,
rolled. Each split has its own bank of cameras, so that those of the test split are unseen in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float64

from poseterior.data.synthesis.mesh import PictureCamera
from poseterior.data.synthesis.rotations import turn, unit


class CameraFamily(IntEnum):
    """Which kind of camera took the picture."""

    HUMAN36M = 0
    WIDE = 1


@dataclass(frozen=True)
class View:
    """Where a camera stands, and its image before a window is cut out of it."""

    family: CameraFamily
    camera_from_world: Float64[np.ndarray, "3 4"]
    """camera = [R | t] @ (world, 1): world with y up and the person's root at the origin; camera x right, y
    down, z away; metres."""
    focal_px: float
    image_px: float
    """Side of the square image, whose centre is the principal point."""

    def from_world(self, points_m: Float64[np.ndarray, "points 3"]) -> Float64[np.ndarray, "points 3"]:
        """Points in the camera frame, metres."""
        return points_m @ self.camera_from_world[:, :3].T + self.camera_from_world[:, 3]

    def project(self, points_m: Float64[np.ndarray, "points 3"]) -> Float64[np.ndarray, "points 2"]:
        """Camera frame to pixels of the whole image, principal point at the origin."""
        return self.focal_px * points_m[:, :2] / points_m[:, 2:]


@dataclass(frozen=True)
class CameraBank:
    """A split's cameras: a finite number, each with its own lens and stand."""

    focal_px: Float64[np.ndarray, "families cameras"]
    height_m: Float64[np.ndarray, "families cameras"]
    azimuth_rad: Float64[np.ndarray, "families cameras"]
    roll_rad: Float64[np.ndarray, "families cameras"]

    def view(self, rng: np.random.Generator, camera: int, family: CameraFamily, root_height_m: float) -> View:
        """The view of camera number `camera` at a person who stands somewhere in front of it.

        Args:
            rng: draws where the person stands, and for a wide camera how it is held.
            camera: index into the bank.
            family: which of its cameras.
            root_height_m: height of the person's root over the ground.
        """
        height_m, azimuth = self.height_m[family, camera], self.azimuth_rad[family, camera]
        if family is CameraFamily.HUMAN36M:
            stand = 4.6 * np.array([np.sin(azimuth), 0.0, np.cos(azimuth)])
            person = np.array([rng.uniform(-1.6, 1.6), 0.0, rng.uniform(-1.3, 1.3)])
            look_at = np.array([0.0, 1.0, 0.0])
            stand[1] = height_m
        else:
            person, stand, look_at = _held(rng, azimuth, height_m, root_height_m)
        rotation = _looking_at(look_at - stand, self.roll_rad[family, camera])
        root = person + np.array([0.0, root_height_m, 0.0])
        translation = rotation @ (root - stand)
        return View(
            family,
            np.concatenate([rotation, translation[:, None]], axis=1),
            float(self.focal_px[family, camera]),
            1000.0,
        )

    @property
    def size(self) -> int:
        """Cameras of each family."""
        return self.focal_px.shape[1]


def make_bank(rng: np.random.Generator, size: int) -> CameraBank:
    """A bank of `size` cameras of each family."""
    quarter = np.pi / 2 * rng.integers(0, 4, size) + np.pi / 4
    focal = [
        rng.normal(1145.0, 4.0, size),
        1000.0 / (2.0 * np.tan(np.radians(rng.uniform(38, 84, size)) / 2)),
    ]
    height = [rng.normal(1.5, 0.12, size), _wide_heights(rng, size)]
    azimuth = [quarter + rng.normal(0.0, 0.2, size), rng.uniform(-np.pi, np.pi, size)]
    roll = [
        np.radians(rng.normal(0.0, 0.5, size)),
        np.radians(np.clip(rng.normal(0.0, 7.0, size), -25.0, 25.0)),
    ]
    return CameraBank(np.stack(focal), np.stack(height), np.stack(azimuth), np.stack(roll))


@dataclass(frozen=True)
class Framing:
    """How a window is cut around a person."""

    truncated_share: float = 0.2
    """Of the pictures; the others show the whole person."""
    margin: tuple[float, float] = (1.05, 1.6)
    """Side of the window relative to the longer side of the person's box."""


def cut_window(
    rng: np.random.Generator,
    view: View,
    points_px: Float64[np.ndarray, "points 2"],
    side: int,
    framing: Framing,
) -> PictureCamera:
    """The picture's camera: a square window around the person, scaled to `side` pixels.

    Truncated windows show a part: most often the lower body is cut off, sometimes a side, the top, or nothing
    but the upper body is left.

    Args:
        rng: draws the window.
        view: the camera.
        points_px: the person's surface in pixels of the whole image, principal point at the origin.
        side: pixels.
        framing: how tight, and how often truncated.
    """
    low, high = points_px.min(axis=0), points_px.max(axis=0)
    extent = high - low
    window = float(extent.max() * rng.uniform(*framing.margin))
    slack = window - extent
    corner = low - slack * rng.uniform(0.1, 0.9, 2)
    if rng.random() < framing.truncated_share:
        corner, window = _truncated(rng, low, high, window)
    scale = side / window
    first_pixel = -corner * scale - 0.5
    return PictureCamera(
        float(view.focal_px * scale), (float(first_pixel[0]), float(first_pixel[1])), side, side
    )


def _truncated(
    rng: np.random.Generator, low: np.ndarray, high: np.ndarray, window: float
) -> tuple[np.ndarray, float]:
    extent = high - low
    centre = (low + high) / 2 + extent * rng.uniform(-0.08, 0.08, 2)
    cut = rng.uniform(0.12, 0.5)
    kind = rng.random()
    if kind < 0.55:
        # the picture ends above the feet
        window = max(float(extent[1] * (1.0 - cut) * rng.uniform(1.02, 1.25)), 0.45 * window)
        return np.array([centre[0] - window / 2, high[1] - extent[1] * cut - window]), window
    if kind < 0.85:
        side = 1.0 if rng.random() < 0.5 else -1.0
        return centre - window / 2 + np.array([side * (window / 2 - extent[0] * (0.5 - cut)), 0.0]), window
    return np.array([centre[0] - window / 2, low[1] + extent[1] * 0.6 * cut]), window


def _wide_heights(rng: np.random.Generator, size: int) -> Float64[np.ndarray, " cameras"]:
    """Most at chest height, some on the ground, some under the ceiling or on a pole."""
    usual = rng.normal(1.4, 0.3, size)
    unusual = rng.uniform(0.15, 3.8, size)
    return np.where(rng.random(size) < 0.6, usual, unusual)


def _held(
    rng: np.random.Generator, azimuth: float, height_m: float, root_height_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Person, camera and the point that the camera looks at: near the person, off by some degrees."""
    distance_m = float(np.exp(rng.uniform(np.log(2.0), np.log(10.0))))
    drop = float(np.clip(height_m - root_height_m, -0.8 * distance_m, 0.8 * distance_m))
    level = np.sqrt(distance_m**2 - drop**2)
    stand = np.array([level * np.sin(azimuth), root_height_m + drop, level * np.cos(azimuth)])
    aim = np.array([0.0, root_height_m, 0.0]) + distance_m * rng.normal(0.0, [0.13, 0.08, 0.13])
    return np.zeros(3), stand, aim


def _looking_at(towards: np.ndarray, roll_rad: float) -> Float64[np.ndarray, "3 3"]:
    forward = unit(towards)
    right = unit(np.cross(forward, np.array([0.0, 1.0, 0.0])))
    down = np.cross(forward, right)
    level = np.stack([right, down, forward])
    return turn(np.array([0.0, 0.0, 1.0]), roll_rad) @ level
