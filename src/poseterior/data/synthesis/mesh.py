"""What the renderer draws: triangles with materials, in the camera frame, and the camera that looks at them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8


class Pattern(IntEnum):
    """How a material mixes its two colours."""

    PLAIN = 0
    STRIPES = 1
    """Bands across `direction`."""
    CHECKS = 2
    """Cubes of side `period_m` in turn."""
    DOTS = 3
    """Balls on a cubic grid."""
    NOISE = 4
    """Smooth value noise."""


@dataclass(frozen=True)
class Material:
    """Paint of a surface: two colours, mixed by a pattern that is fixed to the surface."""

    colour: tuple[float, float, float]
    """Linear RGB in [0, 1]."""
    second_colour: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pattern: Pattern = Pattern.PLAIN
    period_m: float = 0.05
    direction: tuple[float, float, float] = (0.0, 0.0, 1.0)
    """Unit vector in material coordinates; used by STRIPES."""
    shininess: float = 0.0
    """Strength in [0, 1] of the highlight."""


@dataclass(frozen=True)
class Mesh:
    """One thing in the scene."""

    vertices_m: Float32[np.ndarray, "vertices 3"]
    """Camera frame: x right, y down, z away."""
    faces: Int32[np.ndarray, "faces 3"]
    """Vertex indices, counter-clockwise seen from outside (both sides are drawn)."""
    material_m: Float32[np.ndarray, "vertices 3"]
    """Material coordinates, metres: where patterns are evaluated; they move with the surface."""
    face_material: UInt8[np.ndarray, " faces"]
    """Which of `materials` paints each face."""
    materials: tuple[Material, ...]
    object_id: int
    """What the pixel is said to show: 1 the person, 2 what the person wears or carries, 3 and up others."""


PERSON_ID = 1
WORN_ID = 2
OTHER_ID = 3


@dataclass(frozen=True)
class PictureCamera:
    """A pinhole camera with square pixels: pixel = focal_px * (x, y) / z + principal_px."""

    focal_px: float
    principal_px: tuple[float, float]
    """May lie outside of the picture: pictures are windows cut out of a larger image."""
    width_px: int
    height_px: int

    def project(self, points_m: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 2"]:
        """Camera frame (metres) to pixels, x right, y down, the centre of the top-left pixel at (0, 0)."""
        return self.focal_px * points_m[..., :2] / points_m[..., 2:] + np.asarray(self.principal_px)


@dataclass(frozen=True)
class Light:
    """One sun and a sky."""

    direction: tuple[float, float, float]
    """Unit vector from the scene towards the sun, camera frame."""
    sun: tuple[float, float, float]
    """Linear RGB strength of the sun."""
    sky: tuple[float, float, float]
    """Linear RGB strength of light from above (camera's -y)."""
    ground: tuple[float, float, float]
    """Linear RGB strength of light from below."""
    shadows: bool = True
