"""Cloth on the body: the surface moved outwards, and what paints it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from poseterior.data.synthesis.mesh import PERSON_ID, Material, Mesh
from poseterior.data.synthesis.normals import vertex_normals
from poseterior.data.synthesis.regions import Region


def dressed(
    vertices_m: Float32[np.ndarray, "vertices 3"],
    material_m: Float32[np.ndarray, "vertices 3"],
    faces: Int32[np.ndarray, "faces 3"],
    face_region: UInt8[np.ndarray, " faces"],
    *,
    materials: tuple[Material, ...],
    region_material: UInt8[np.ndarray, "17"],
    thickness_m: Float32[np.ndarray, "17"],
    object_id: int = PERSON_ID,
) -> Mesh:
    """A body's surface as a mesh in clothes.

    Args:
        vertices_m: the posed surface, camera frame.
        material_m: the same surface at rest, which patterns are fixed to.
        faces: vertex indices.
        face_region: `Region` of each face.
        materials: paints.
        region_material: which of them paints each region.
        thickness_m: how far each region's cloth stands off the skin.
        object_id: what the pixels are said to show.
    """
    if thickness_m.any():
        shares = _region_shares(faces.tobytes(), face_region.tobytes(), len(vertices_m))
        vertices_m = vertices_m + (shares @ thickness_m)[:, None] * vertex_normals(vertices_m, faces)
    return Mesh(vertices_m, faces, material_m, region_material[face_region], materials, object_id)


@lru_cache(maxsize=2)
def _region_shares(faces: bytes, face_region: bytes, vertices: int) -> Float32[np.ndarray, "vertices 17"]:
    """Of the faces around each vertex, the share of each region: cloth ends in a slope, not in a step."""
    corner = np.frombuffer(faces, dtype=np.int32)
    region = np.repeat(np.frombuffer(face_region, dtype=np.uint8), 3).astype(np.int64)
    count = np.bincount(corner * len(Region) + region, minlength=vertices * len(Region))
    count = count.reshape(vertices, len(Region)).astype(np.float32)
    return count / np.maximum(count.sum(axis=1, keepdims=True), 1.0)
