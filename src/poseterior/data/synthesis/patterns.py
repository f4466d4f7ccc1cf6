"""Colours of materials at points of their surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from poseterior.data.synthesis.compiled import compiled
from poseterior.data.synthesis.mesh import Material, Pattern

_STRIPES, _CHECKS, _DOTS, _NOISE = (
    int(pattern) for pattern in (Pattern.STRIPES, Pattern.CHECKS, Pattern.DOTS, Pattern.NOISE)
)
_DOT_RADIUS_PERIODS = 0.3


@dataclass(frozen=True)
class Palette:
    """Materials as columns."""

    pattern: Int64[np.ndarray, " materials"]
    colours: Float64[np.ndarray, "materials 2 3"]
    """First and second colour, linear RGB."""
    period_m: Float64[np.ndarray, " materials"]
    direction: Float64[np.ndarray, "materials 3"]
    shininess: Float32[np.ndarray, " materials"]


def palette(materials: Sequence[Material]) -> Palette:
    """The materials as columns, in their order."""
    return Palette(
        pattern=np.array([material.pattern for material in materials], dtype=np.int64),
        colours=np.array(
            [(material.colour, material.second_colour) for material in materials], dtype=np.float64
        ).reshape(-1, 2, 3),
        period_m=np.array([material.period_m for material in materials], dtype=np.float64),
        direction=np.array([material.direction for material in materials], dtype=np.float64).reshape(-1, 3),
        shininess=np.array([material.shininess for material in materials], dtype=np.float32),
    )


def paint(
    material_m: Float32[np.ndarray, "samples 3"],
    material: Int32[np.ndarray, " samples"],
    materials: Palette,
) -> Float32[np.ndarray, "samples 3"]:
    """Linear RGB of surface points, given in material coordinates (metres).

    With t the coordinates in periods, the second colour is mixed in with weight

    - STRIPES: 1 where frac(t . direction) >= 1/2, else 0: both bands together are one period wide;
    - CHECKS: 1 where the sum of floor(t) is odd, else 0;
    - DOTS: 1 within 0.3 of the middle of t's unit cube, else 0;
    - NOISE: hashed values in [0, 1] at integer t, interpolated with smoothstep weights.
    """
    colour = np.empty(material_m.shape, dtype=np.float32)
    _paint(
        material_m,
        material,
        materials.pattern,
        materials.colours,
        materials.period_m,
        materials.direction,
        colour,
    )
    return colour


@compiled
@no_type_check
def _paint(material_m, material, pattern, colours, period_m, direction, colour):
    for sample in range(material_m.shape[0]):
        paint = material[sample]
        kind = pattern[paint]
        second = 0.0
        if kind != 0:
            x = material_m[sample, 0] / period_m[paint]
            y = material_m[sample, 1] / period_m[paint]
            z = material_m[sample, 2] / period_m[paint]
            if kind == _STRIPES:
                along = x * direction[paint, 0] + y * direction[paint, 1] + z * direction[paint, 2]
                second = 1.0 if along - floor(along) >= 0.5 else 0.0
            elif kind == _CHECKS:
                second = float((int(floor(x)) + int(floor(y)) + int(floor(z))) & 1)
            elif kind == _DOTS:
                x, y, z = x - floor(x) - 0.5, y - floor(y) - 0.5, z - floor(z) - 0.5
                second = 1.0 if x * x + y * y + z * z < _DOT_RADIUS_PERIODS**2 else 0.0
            elif kind == _NOISE:
                second = _noise(x, y, z)
        for channel in range(3):
            first = colours[paint, 0, channel]
            colour[sample, channel] = first + second * (colours[paint, 1, channel] - first)


@compiled
@no_type_check
def _noise(x, y, z):
    column, row, layer = int(floor(x)), int(floor(y)), int(floor(z))
    x, y, z = x - column, y - row, z - layer
    x, y, z = x * x * (3.0 - 2.0 * x), y * y * (3.0 - 2.0 * y), z * z * (3.0 - 2.0 * z)
    total = 0.0
    for corner in range(8):
        right, down, deep = corner & 1, (corner >> 1) & 1, corner >> 2
        weight = (x if right else 1.0 - x) * (y if down else 1.0 - y) * (z if deep else 1.0 - z)
        total += weight * _hashed(column + right, row + down, layer + deep)
    return total


@compiled
@no_type_check
def _hashed(x, y, z):
    # multiply and xorshift rounds on 32 bits, with the constants of Chris Wellons' "lowbias32"
    # points mirrored through an axis often share a value: the products are combined by exclusive or
    bits = ((x * 73856093) ^ (y * 19349663) ^ (z * 83492791)) & 0xFFFFFFFF
    bits = ((bits ^ (bits >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    bits = ((bits ^ (bits >> 15)) * 0x846CA68B) & 0xFFFFFFFF
    return (bits ^ (bits >> 16)) / 4294967295.0
