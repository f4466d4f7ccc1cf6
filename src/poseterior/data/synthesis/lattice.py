"""The samples of a picture: one at each pixel's centre and one at each pixel's corner.

This "quincunx" smooths edges like two by two samples per pixel at half their cost, and it holds the centres, where
depth and objects are wanted. Rows of corners and of centres take turns: lattice row 2 y + 1 holds the centres of
the pixels (x, y), rows 2 y and 2 y + 2 the corners above and below them.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64, Int32

from poseterior.data.synthesis.compiled import compiled
from poseterior.data.synthesis.mesh import PictureCamera

NEAR_M = 0.1
"""Nothing nearer to the camera's plane is drawn."""


def lattice_shape(camera: PictureCamera) -> tuple[int, int]:
    """Rows and columns; the last column of rows of centres lies outside of the picture."""
    return 2 * camera.height_px + 1, camera.width_px + 1


def lattice_corners(
    vertices_m: Float32[np.ndarray, "vertices 3"], camera: PictureCamera
) -> Float64[np.ndarray, "vertices 3"]:
    """Column, row and 1 / z of each vertex as `rasterise` wants them; NaN where z < 0.1 m."""
    corners = np.empty(vertices_m.shape)
    _project(vertices_m, float(camera.focal_px), *map(float, camera.principal_px), corners)
    return corners


def resolve(
    colour: Float32[np.ndarray, "samples 3"], seen: Int32[np.ndarray, "rows columns"]
) -> Float32[np.ndarray, "height width 4"]:
    """Premultiplied colour and coverage of each pixel: half its centre, an eighth each of its corners.

    Args:
        colour: of the samples where `seen` is not -1, in the order of rows.
        seen: the lattice of a picture.
    """
    pixels = np.zeros((seen.shape[0] // 2, seen.shape[1] - 1, 4), dtype=np.float32)
    _spread(colour, seen, pixels)
    return pixels


@compiled
@no_type_check
def _project(vertices, focal, centre_x, centre_y, corners):
    for vertex in range(vertices.shape[0]):
        z = float(vertices[vertex, 2])
        nearness = 1.0 / z if z >= NEAR_M else np.nan
        corners[vertex, 0] = focal * vertices[vertex, 0] * nearness + centre_x + 0.5
        corners[vertex, 1] = 2.0 * (focal * vertices[vertex, 1] * nearness + centre_y + 0.5)
        corners[vertex, 2] = nearness


@compiled
@no_type_check
def _spread(colour, seen, pixels):
    height, width = pixels.shape[0], pixels.shape[1]
    sample = 0
    for row in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            if seen[row, column] < 0:
                continue
            red, green, blue = colour[sample, 0], colour[sample, 1], colour[sample, 2]
            sample += 1
            centre = row & 1
            weight = np.float32(0.5) if centre else np.float32(0.125)
            for y in range(max(row // 2 - 1 + centre, 0), min(row // 2, height - 1) + 1):
                for x in range(max(column - 1 + centre, 0), min(column, width - 1) + 1):
                    pixels[y, x, 0] += weight * red
                    pixels[y, x, 1] += weight * green
                    pixels[y, x, 2] += weight * blue
                    pixels[y, x, 3] += weight
