"""Which triangle is nearest at each sample: a z-buffer over a lattice of samples.

Row r holds samples at y = r; column k at x = k, shifted by half a column in odd rows of a staggered lattice.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64, Int32

from poseterior.data.synthesis.compiled import compiled


@dataclass(frozen=True)
class Nearest:
    """What each sample of the lattice sees."""

    nearness: Float32[np.ndarray, "rows columns"]
    """Of the nearest triangle; -infinity where there is none."""
    face: Int32[np.ndarray, "rows columns"]
    """Index of the nearest triangle; -1 where there is none."""


def rasterise(
    corners: Float64[np.ndarray, "vertices 3"],
    faces: Int32[np.ndarray, "faces 3"],
    rows: int,
    columns: int,
    *,
    staggered: bool,
) -> Nearest:
    """The nearest triangle at each sample; of equally near ones the first in `faces`.

    Args:
        corners: x and y in lattice units and nearness, which must be affine in x and y over a triangle (1 / z
            of a pinhole camera); larger is nearer. Triangles with a NaN corner are dropped.
        faces: indices into `corners`; either winding is drawn, triangles without area are not.
        rows: height of the lattice.
        columns: width of the lattice.
        staggered: whether odd rows are shifted by half a column.
    """
    nearness = np.full((rows, columns), -np.inf, dtype=np.float32)
    face = np.full((rows, columns), -1, dtype=np.int32)
    _draw(corners, faces, 0.5 if staggered else 0.0, nearness, face)
    return Nearest(nearness, face)


@compiled
@no_type_check
def _draw(corners, faces, stagger, nearness, face):
    rows, columns = nearness.shape
    for index in range(faces.shape[0]):
        a, b, c = faces[index, 0], faces[index, 1], faces[index, 2]
        ax, ay = corners[a, 0], corners[a, 1]
        bx, by = corners[b, 0] - ax, corners[b, 1] - ay
        cx, cy = corners[c, 0] - ax, corners[c, 1] - ay
        area = bx * cy - by * cx
        # negated, so that NaN is dropped too
        if not abs(area) > 1e-12:
            continue
        top, bottom = ay + min(0.0, by, cy), ay + max(0.0, by, cy)
        left, right = ax + min(0.0, bx, cx), ax + max(0.0, bx, cx)
        if top > rows - 1 or bottom < 0 or left > columns or right < 0:
            continue
        # the barycentric weights of b and c and the nearness are affine in x and y
        b_x, b_y = cy / area, -cx / area
        c_x, c_y = -by / area, bx / area
        a_near = corners[a, 2]
        b_near, c_near = corners[b, 2] - a_near, corners[c, 2] - a_near
        for row in range(int(ceil(max(top, 0.0))), int(floor(min(bottom, rows - 1.0))) + 1):
            shift = stagger * (row & 1)
            y = row - ay
            seen = False
            first = int(ceil(max(left - shift, 0.0)))
            for column in range(first, int(floor(min(right - shift, columns - 1.0))) + 1):
                x = column + shift - ax
                at_b = b_x * x + b_y * y
                at_c = c_x * x + c_y * y
                # the slack leaves no crack between neighbours that round differently
                if at_b < -1e-9 or at_c < -1e-9 or at_b + at_c > 1.0 + 1e-9:
                    if seen:
                        break
                    continue
                seen = True
                near = np.float32(a_near + at_b * b_near + at_c * c_near)
                if near > nearness[row, column]:
                    nearness[row, column] = near
                    face[row, column] = index
