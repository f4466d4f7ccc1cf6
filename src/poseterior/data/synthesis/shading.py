"""Light that leaves a surface towards the camera: a hemisphere of sky and ground, a sun, a highlight."""

from __future__ import annotations

from math import sqrt
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64

from poseterior.data.synthesis.compiled import compiled
from poseterior.data.synthesis.mesh import Light


def shade(
    points_m: Float32[np.ndarray, "samples 3"],
    normals: Float32[np.ndarray, "samples 3"],
    albedo: Float32[np.ndarray, "samples 3"],
    shininess: Float32[np.ndarray, " samples"],
    sunlit: Float32[np.ndarray, " samples"],
    light: Light,
) -> Float32[np.ndarray, "samples 3"]:
    """Linear RGB of surface points as the camera at the origin sees them; bright light gives values above 1.

    albedo (ground + (sky - ground) (1 - n_y) / 2 + sun s max(0, n . l)) + shininess sun s (n . h)^32, the last
    where n . l > 0; n the normal, l the direction to the sun, h half-way between l and the camera, s `sunlit`.
    Lambert's law, Blinn's highlight ("Models of light reflection", SIGGRAPH 1977).

    Args:
        points_m: camera frame.
        normals: unit vectors, camera frame.
        albedo: linear RGB.
        shininess: strength of the highlight.
        sunlit: share of the sun that arrives.
        light: where light comes from.
    """
    colour = np.empty(albedo.shape, dtype=np.float32)
    _shade(points_m, normals, albedo, shininess, sunlit, _rows(light), colour)
    return colour


def _rows(light: Light) -> Float64[np.ndarray, "4 3"]:
    return np.array([light.direction, light.sun, light.sky, light.ground], dtype=np.float64)


@compiled
@no_type_check
def _shade(points, normals, albedo, shininess, sunlit, light, colour):
    for sample in range(points.shape[0]):
        nx, ny, nz = normals[sample, 0], normals[sample, 1], normals[sample, 2]
        lx, ly, lz = light[0, 0], light[0, 1], light[0, 2]
        up = 0.5 - 0.5 * ny
        sun = max(0.0, nx * lx + ny * ly + nz * lz) * sunlit[sample]
        highlight = 0.0
        if sun > 0.0 and shininess[sample] > 0.0:
            x, y, z = points[sample, 0], points[sample, 1], points[sample, 2]
            distance = sqrt(x * x + y * y + z * z)
            hx, hy, hz = lx - x / distance, ly - y / distance, lz - z / distance
            length = sqrt(hx * hx + hy * hy + hz * hz)
            if length > 1e-9:
                highlight = max(0.0, (nx * hx + ny * hy + nz * hz) / length)
                # to the 32nd power by squaring: `pow` differs between mathematical libraries
                for _ in range(5):
                    highlight *= highlight
                highlight *= shininess[sample] * sunlit[sample]
        for channel in range(3):
            ambient = light[3, channel] + up * (light[2, channel] - light[3, channel])
            colour[sample, channel] = (
                albedo[sample, channel] * (ambient + sun * light[1, channel]) + highlight * light[1, channel]
            )
