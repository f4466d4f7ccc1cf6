"""Smooth normals of a mesh."""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Int32

from poseterior.data.synthesis.compiled import compiled


def vertex_normals(
    vertices_m: Float32[np.ndarray, "vertices 3"], faces: Int32[np.ndarray, "faces 3"]
) -> Float32[np.ndarray, "vertices 3"]:
    """Unit normals: the mean over the adjacent faces, weighted by area; zero where that vanishes.

    They point to the side from which the faces' corners run counter-clockwise.
    """
    normals = np.zeros(vertices_m.shape, dtype=np.float32)
    _add_faces(vertices_m, faces, normals)
    return normals


@compiled
@no_type_check
def _add_faces(vertices, faces, normals):
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        bx, by, bz = (
            vertices[b, 0] - vertices[a, 0],
            vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )
        cx, cy, cz = (
            vertices[c, 0] - vertices[a, 0],
            vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )
        # the length of the cross product is twice the area
        x, y, z = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
        for vertex in (a, b, c):
            normals[vertex, 0] += x
            normals[vertex, 1] += y
            normals[vertex, 2] += z
    for vertex in range(normals.shape[0]):
        x, y, z = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0:
            normals[vertex, 0] = x / length
            normals[vertex, 1] = y / length
            normals[vertex, 2] = z / length
