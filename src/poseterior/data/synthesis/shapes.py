"""Simple solids as triangles: boxes, ellipsoids, tubes; material coordinates are the solid's own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Int32

from poseterior.data.synthesis.mesh import WORN_ID, Material, Mesh

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
_BOX_FACES = np.array(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ],
    dtype=np.int32,
)


def box(centre_m: Float[np.ndarray, "3"], axes_m: Float[np.ndarray, "3 3"], material: Material) -> Mesh:
    """A box; the columns of `axes_m` are its half edges.

    Its corners are not shared between sides, so that its edges are sharp.
    """
    faces = np.arange(3 * len(_BOX_FACES), dtype=np.int32).reshape(-1, 3)
    local = _CORNERS[_BOX_FACES.reshape(-1)]
    lengths = np.linalg.norm(axes_m, axis=0)
    return solid(local @ axes_m.T + centre_m, faces, local * lengths, material)


def ellipsoid(
    centre_m: Float[np.ndarray, "3"],
    axes_m: Float[np.ndarray, "3 3"],
    material: Material,
    *,
    half: bool = False,
) -> Mesh:
    """An ellipsoid; the columns of `axes_m` are its half axes. `half` keeps the part along the second one."""
    rows, columns = 10, 18
    polar = np.linspace(0.0, np.pi / 2 if half else np.pi, rows)
    around = np.linspace(0.0, 2.0 * np.pi, columns, endpoint=False)
    ring = np.stack([np.cos(around), np.zeros_like(around), np.sin(around)], axis=1)
    up = np.array([0.0, 1.0, 0.0])
    local = (np.sin(polar)[:, None, None] * ring + np.cos(polar)[:, None, None] * up).reshape(-1, 3)
    lengths = np.linalg.norm(axes_m, axis=0)
    return solid(local @ axes_m.T + centre_m, tube_faces(rows, columns), local * lengths, material)


def tube(
    rings_m: Float[np.ndarray, "rings around 3"],
    material_m: Float[np.ndarray, "rings around 3"],
    material: Material,
) -> Mesh:
    """The surface through closed rings of points, open at both ends."""
    rows, columns = rings_m.shape[:2]
    return solid(rings_m.reshape(-1, 3), tube_faces(rows, columns), material_m.reshape(-1, 3), material)


def solid(
    vertices_m: Float[np.ndarray, "vertices 3"],
    faces: Int32[np.ndarray, "faces 3"],
    material_m: Float[np.ndarray, "vertices 3"],
    material: Material,
) -> Mesh:
    """Something worn or carried, of one material."""
    return Mesh(
        _float32(vertices_m),
        faces,
        _float32(material_m),
        np.zeros(len(faces), np.uint8),
        (material,),
        WORN_ID,
    )


def tube_faces(rows: int, columns: int) -> Int32[np.ndarray, "faces 3"]:
    """Triangles between neighbouring rings of `columns` points each."""
    first = np.arange(rows - 1)[:, None] * columns + np.arange(columns)
    second = np.arange(rows - 1)[:, None] * columns + (np.arange(columns) + 1) % columns
    quads = np.stack([first, second, second + columns, first + columns], axis=-1).reshape(-1, 4)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def _float32(values: Float[np.ndarray, "rows 3"]) -> Float32[np.ndarray, "rows 3"]:
    return np.ascontiguousarray(values, dtype=np.float32)
