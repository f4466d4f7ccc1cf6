"""Draws meshes into a picture: colours, coverage, depth and objects; one thread, the same bits every time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from poseterior.data.synthesis.lattice import lattice_corners, lattice_shape, resolve
from poseterior.data.synthesis.mesh import Light, Mesh, PictureCamera
from poseterior.data.synthesis.normals import vertex_normals
from poseterior.data.synthesis.patterns import Palette, paint, palette
from poseterior.data.synthesis.rasterise import Nearest, rasterise
from poseterior.data.synthesis.shading import shade
from poseterior.data.synthesis.shadows import sunlit
from poseterior.data.synthesis.surface import Surface, surface


@dataclass(frozen=True)
class Drawing:
    """A picture of meshes on nothing; over a background it is colour + (1 - coverage) background."""

    colour: Float32[np.ndarray, "height width 3"]
    """Linear RGB, premultiplied by coverage; bright light gives values above 1, nothing gives 0."""
    coverage: Float32[np.ndarray, "height width"]
    """Share of the pixel that is covered, in [0, 1], in eighths."""
    depth_m: Float32[np.ndarray, "height width"]
    """z of the nearest surface at the pixel's centre; infinity where there is none."""
    object_id: UInt8[np.ndarray, "height width"]
    """`Mesh.object_id` of that surface; 0 where there is none."""


@dataclass(frozen=True)
class _Scene:
    """All meshes as one."""

    vertices_m: Float32[np.ndarray, "vertices 3"]
    faces: Int32[np.ndarray, "faces 3"]
    material_m: Float32[np.ndarray, "vertices 3"]
    face_material: Int32[np.ndarray, " faces"]
    face_object: UInt8[np.ndarray, " faces"]
    materials: Palette


def draw(meshes: list[Mesh], camera: PictureCamera, light: Light) -> Drawing:
    """The meshes as the camera sees them; all cast shadows on all, also those out of the picture.

    Triangles that reach nearer than 0.1 m to the camera's plane are not drawn, though they cast shadows.

    Raises:
        ValueError: a face names a vertex or a material that its mesh does not have.
    """
    scene = _joined(meshes)
    corners = lattice_corners(scene.vertices_m, camera)
    nearest = rasterise(corners, scene.faces, *lattice_shape(camera), staggered=True)
    normals = vertex_normals(scene.vertices_m, scene.faces)
    seen = surface(nearest.face, corners, scene.faces, scene.vertices_m, normals, scene.material_m)
    pixels = resolve(_colours(seen, scene, light), nearest.face)
    depth_m, object_id = _at_centres(nearest, scene)
    return Drawing(np.ascontiguousarray(pixels[..., :3]), pixels[..., 3].copy(), depth_m, object_id)


def _colours(seen: Surface, scene: _Scene, light: Light) -> Float32[np.ndarray, "samples 3"]:
    material = scene.face_material[seen.face]
    if light.shadows:
        lit = sunlit(seen.points_m, seen.normals, light.direction, scene.vertices_m, scene.faces)
    else:
        lit = np.ones(len(material), dtype=np.float32)
    albedo = paint(seen.material_m, material, scene.materials)
    return shade(seen.points_m, seen.normals, albedo, scene.materials.shininess[material], lit, light)


def _at_centres(
    nearest: Nearest, scene: _Scene
) -> tuple[Float32[np.ndarray, "height width"], UInt8[np.ndarray, "height width"]]:
    face = nearest.face[1::2, :-1]
    drawn = face >= 0
    depth_m = np.full(face.shape, np.inf, dtype=np.float32)
    np.divide(np.float32(1.0), nearest.nearness[1::2, :-1], out=depth_m, where=drawn)
    object_id = np.zeros(face.shape, dtype=np.uint8)
    object_id[drawn] = scene.face_object[face[drawn]]
    return depth_m, object_id


def _joined(meshes: list[Mesh]) -> _Scene:
    for mesh in meshes:
        _check(mesh)
    vertex_offsets = np.cumsum([0, *(len(mesh.vertices_m) for mesh in meshes)])
    material_offsets = np.cumsum([0, *(len(mesh.materials) for mesh in meshes)])
    no_vertices, no_faces = np.empty((0, 3), dtype=np.float32), np.empty((0, 3), dtype=np.int32)
    return _Scene(
        vertices_m=np.concatenate([no_vertices, *(mesh.vertices_m for mesh in meshes)]),
        faces=np.concatenate(
            [
                no_faces,
                *(mesh.faces + np.int32(start) for mesh, start in zip(meshes, vertex_offsets, strict=False)),
            ]
        ),
        material_m=np.concatenate([no_vertices, *(mesh.material_m for mesh in meshes)]),
        face_material=np.concatenate(
            [
                no_faces[:, 0],
                *(
                    mesh.face_material.astype(np.int32) + np.int32(start)
                    for mesh, start in zip(meshes, material_offsets, strict=False)
                ),
            ]
        ),
        face_object=np.repeat(
            np.array([mesh.object_id for mesh in meshes], dtype=np.uint8),
            [len(mesh.faces) for mesh in meshes],
        ),
        materials=palette([material for mesh in meshes for material in mesh.materials]),
    )


def _check(mesh: Mesh) -> None:
    """The compiled loops do not check indices: a wrong one would read foreign memory."""
    if not len(mesh.faces):
        return
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices_m):
        raise ValueError(
            f"mesh {mesh.object_id}: a face names a vertex outside of 0..{len(mesh.vertices_m) - 1}"
        )
    if mesh.face_material.max() >= len(mesh.materials):
        raise ValueError(
            f"mesh {mesh.object_id}: a face names a material outside of 0..{len(mesh.materials) - 1}"
        )
