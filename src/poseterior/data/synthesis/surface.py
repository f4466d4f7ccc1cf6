"""What lies under the samples of a picture: points, normals and material coordinates, perspective-correct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64, Int32

from poseterior.data.synthesis.compiled import compiled


@dataclass(frozen=True)
class Surface:
    """Points of the scene that a picture's samples see; camera frame."""

    points_m: Float32[np.ndarray, "samples 3"]
    normals: Float32[np.ndarray, "samples 3"]
    """Unit vectors; those of faces seen from behind are turned round."""
    material_m: Float32[np.ndarray, "samples 3"]
    face: Int32[np.ndarray, " samples"]
    """Which triangle is seen."""


def surface(
    seen: Int32[np.ndarray, "rows columns"],
    corners: Float64[np.ndarray, "vertices 3"],
    faces: Int32[np.ndarray, "faces 3"],
    vertices_m: Float32[np.ndarray, "vertices 3"],
    normals: Float32[np.ndarray, "vertices 3"],
    material_m: Float32[np.ndarray, "vertices 3"],
) -> Surface:
    """The surface under the samples where `seen`, the face at each sample of a staggered lattice, is not -1.

    Args:
        seen: samples in the order of rows are those of the result.
        corners: column and row of each vertex in the lattice and 1 / z, as they were rasterised.
        faces: counter-clockwise seen from outside.
        vertices_m: the mesh in the camera frame.
        normals: unit normals of the vertices, pointing outside.
        material_m: material coordinates of the vertices.
    """
    count = int(np.count_nonzero(seen >= 0))
    values = np.empty((3, count, 3), dtype=np.float32)
    face = np.empty(count, dtype=np.int32)
    _interpolate(seen, corners, faces, vertices_m, normals, material_m, values, face)
    return Surface(values[0], values[1], values[2], face)


@compiled
@no_type_check
def _interpolate(seen, corners, faces, vertices_m, normals, material_m, values, face):
    sample = 0
    for row in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            index = seen[row, column]
            if index < 0:
                continue
            a, b, c = faces[index, 0], faces[index, 1], faces[index, 2]
            ax, ay = corners[a, 0], corners[a, 1]
            bx, by = corners[b, 0] - ax, corners[b, 1] - ay
            cx, cy = corners[c, 0] - ax, corners[c, 1] - ay
            x, y = column + 0.5 * (row & 1) - ax, row - ay
            area = bx * cy - by * cx
            at_b = (cy * x - cx * y) / area
            at_c = (bx * y - by * x) / area
            # weights in space are those in the picture times 1 / z, normalised
            at_a = (1.0 - at_b - at_c) * corners[a, 2]
            at_b *= corners[b, 2]
            at_c *= corners[c, 2]
            total = at_a + at_b + at_c
            at_a, at_b, at_c = at_a / total, at_b / total, at_c / total
            for axis in range(3):
                values[0, sample, axis] = (
                    at_a * vertices_m[a, axis] + at_b * vertices_m[b, axis] + at_c * vertices_m[c, axis]
                )
                values[2, sample, axis] = (
                    at_a * material_m[a, axis] + at_b * material_m[b, axis] + at_c * material_m[c, axis]
                )
            nx = at_a * normals[a, 0] + at_b * normals[b, 0] + at_c * normals[c, 0]
            ny = at_a * normals[a, 1] + at_b * normals[b, 1] + at_c * normals[c, 1]
            nz = at_a * normals[a, 2] + at_b * normals[b, 2] + at_c * normals[c, 2]
            length = np.sqrt(nx * nx + ny * ny + nz * nz)
            if length < 1e-6:
                # neighbours that cancel out: look at the camera
                nx, ny, nz = 0.0, 0.0, 1.0 if area > 0 else -1.0
                length = 1.0
            # y is down, so a counter-clockwise triangle has a negative area
            if area > 0:
                length = -length
            values[1, sample, 0] = nx / length
            values[1, sample, 1] = ny / length
            values[1, sample, 2] = nz / length
            face[sample] = index
            sample += 1
