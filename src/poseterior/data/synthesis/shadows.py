"""Which points the sun reaches: a shadow map, the z-buffer of the scene as the sun sees it.

Williams, "Casting curved shadows on curved surfaces", SIGGRAPH 1978; compared before it is filtered, as in Reeves,
Salesin and Cook, "Rendering antialiased shadows with depth maps", SIGGRAPH 1987.
"""

from __future__ import annotations

from math import floor, sqrt
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64, Int32

from poseterior.data.synthesis.compiled import compiled
from poseterior.data.synthesis.rasterise import rasterise

_SIZE_TEXELS = 256
_MARGIN_TEXELS = 3


def sunlit(
    points_m: Float32[np.ndarray, "samples 3"],
    normals: Float32[np.ndarray, "samples 3"],
    direction: tuple[float, float, float],
    vertices_m: Float32[np.ndarray, "vertices 3"],
    faces: Int32[np.ndarray, "faces 3"],
) -> Float32[np.ndarray, " samples"]:
    """Share in [0, 1] of the sun that the mesh lets through to each point; all in one frame.

    The map just holds the points, 256 texels across; a shadow's edge is about a texel wide. Shadows start
    about two texels from what casts them. Points on the side away from the sun are not meaningful.

    Args:
        points_m: points on surfaces.
        normals: unit normals there, to the side that is seen.
        direction: unit vector towards the sun.
        vertices_m: what casts shadows.
        faces: of `vertices_m`.
    """
    axes = _sun_axes(direction)
    seen = _along(points_m, axes)
    if not len(seen):
        return np.empty(0, dtype=np.float32)
    low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    texel_m = max(float((high - low).max()), 1e-3) / (_SIZE_TEXELS - 1 - 2 * _MARGIN_TEXELS)
    origin = low - _MARGIN_TEXELS * texel_m
    casters = _along(vertices_m, axes)
    casters[:, :2] = (casters[:, :2] - origin) / texel_m
    nearest = rasterise(casters, faces, _SIZE_TEXELS, _SIZE_TEXELS, staggered=False).nearness
    lit = np.empty(len(points_m), dtype=np.float32)
    _compare(points_m, normals, axes, origin, texel_m, nearest, lit)
    return lit


def _sun_axes(direction: tuple[float, float, float]) -> Float64[np.ndarray, "3 3"]:
    """Rows: two axes across the sun's direction, and the direction."""
    towards = np.array(direction, dtype=np.float64)
    across = np.zeros(3)
    across[int(np.abs(towards).argmin())] = 1.0
    first = np.cross(towards, across)
    first /= np.sqrt((first * first).sum())
    return np.stack([first, np.cross(towards, first), towards])


def _along(
    points_m: Float32[np.ndarray, "points 3"], axes: Float64[np.ndarray, "3 3"]
) -> Float64[np.ndarray, "points 3"]:
    coordinates = np.empty(points_m.shape)
    _project(points_m, axes, coordinates)
    return coordinates


@compiled
@no_type_check
def _project(points, axes, coordinates):
    for point in range(points.shape[0]):
        for axis in range(3):
            coordinates[point, axis] = (
                points[point, 0] * axes[axis, 0]
                + points[point, 1] * axes[axis, 1]
                + points[point, 2] * axes[axis, 2]
            )


@compiled
@no_type_check
def _compare(points, normals, axes, origin, texel_m, nearest, lit):
    rows, columns = nearest.shape
    for sample in range(points.shape[0]):
        nx, ny, nz = normals[sample, 0], normals[sample, 1], normals[sample, 2]
        cosine = nx * axes[2, 0] + ny * axes[2, 1] + nz * axes[2, 2]
        # a slanted surface is stepped in the map; off the surface by this much, a point is above its own steps
        offset = texel_m * (0.5 + 1.5 * sqrt(max(0.0, 1.0 - cosine * cosine)))
        x, y, z = (
            points[sample, 0] + offset * nx,
            points[sample, 1] + offset * ny,
            points[sample, 2] + offset * nz,
        )
        u = (x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2] - origin[0]) / texel_m
        v = (x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2] - origin[1]) / texel_m
        near = x * axes[2, 0] + y * axes[2, 1] + z * axes[2, 2]
        column = min(max(int(floor(u)), 0), columns - 2)
        row = min(max(int(floor(v)), 0), rows - 2)
        right, down = min(max(u - column, 0.0), 1.0), min(max(v - row, 0.0), 1.0)
        upper = (1.0 - right) * (nearest[row, column] <= near) + right * (nearest[row, column + 1] <= near)
        lower = (1.0 - right) * (nearest[row + 1, column] <= near) + right * (
            nearest[row + 1, column + 1] <= near
        )
        lit[sample] = (1.0 - down) * upper + down * lower
