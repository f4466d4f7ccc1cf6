"""Meshes whose pictures are known in closed form."""

from __future__ import annotations

import numpy as np

from poseterior.data.synthesis.mesh import Light, Material, Mesh

GREY = Material((0.5, 0.5, 0.5))
NO_SUN = Light((0.0, -1.0, 0.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), shadows=False)
"""White from everywhere: a surface shows its own colour."""


def triangles(corners_m, material=GREY, object_id=1):
    """A mesh of triangles (n, 3, 3) that share nothing; its material coordinates are the camera frame."""
    vertices_m = np.asarray(corners_m, dtype=np.float32).reshape(-1, 3)
    faces = np.arange(len(vertices_m), dtype=np.int32).reshape(-1, 3)
    paint = np.zeros(len(faces), dtype=np.uint8)
    return Mesh(vertices_m, faces, vertices_m.copy(), paint, (material,), object_id)


def quad(corners_m, **paint):
    """Two triangles through four corners in turn."""
    a, b, c, d = corners_m
    return triangles([[a, b, c], [a, c, d]], **paint)


def sphere(centre_m, radius_m, material=GREY, object_id=1, rings=64):
    """A sphere of 4 rings^2 triangles, counter-clockwise seen from outside; the poles lie on y."""
    polar = np.linspace(0.0, np.pi, rings + 1)[:, None]
    around = np.linspace(0.0, 2.0 * np.pi, 2 * rings, endpoint=False)
    unit = np.stack(
        [np.sin(polar) * np.cos(around), -np.cos(polar) + 0.0 * around, np.sin(polar) * np.sin(around)],
        axis=-1,
    ).reshape(-1, 3)
    row, column = np.divmod(np.arange(2 * rings * rings), 2 * rings)
    here, right = row * 2 * rings + column, row * 2 * rings + (column + 1) % (2 * rings)
    below, below_right = here + 2 * rings, right + 2 * rings
    faces = np.concatenate(
        [np.stack([here, right, below_right], axis=1), np.stack([here, below_right, below], axis=1)]
    ).astype(np.int32)
    vertices_m = (radius_m * unit + np.asarray(centre_m)).astype(np.float32)
    material_m = (radius_m * unit).astype(np.float32)
    return Mesh(vertices_m, faces, material_m, np.zeros(len(faces), np.uint8), (material,), object_id)


def rays(camera):
    """Directions with z = 1 through the centres of all pixels, (height, width, 3)."""
    x, y = np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px))
    across = (np.stack([x, y], axis=-1) - np.asarray(camera.principal_px)) / camera.focal_px
    return np.concatenate([across, np.ones_like(across[..., :1])], axis=-1)


def sphere_depth_m(camera, centre_m, radius_m):
    """z where each pixel's ray first meets a sphere; infinity where it misses."""
    directions, centre = rays(camera), np.asarray(centre_m)
    squared, along = (directions**2).sum(-1), directions @ centre
    inside = along**2 - squared * (centre @ centre - radius_m**2)
    return np.where(inside > 0, (along - np.sqrt(np.maximum(inside, 0.0))) / squared, np.inf)
