"""Which part of the photo is shown: the person with a generous margin, in the shape of the panel.

Where the photo ends before the person does, the panel goes on, so that joints beyond its edge are seen too.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from poseterior.types import Detection
from poseterior.viz.gaussians import is_placed

_MARGIN = 0.25
"""Share of the person's longer side that is added on every side."""
_MARGIN_OUTSIDE = 0.08
"""The same beyond a joint that lies outside of the photo."""


def person_window(detection: Detection, aspect: float) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) in image pixels, right and bottom exclusive, never empty.

    It holds the placed joints (the box, if there are less than two), and its width / height is `aspect` as
    far as the image allows. It reaches beyond the image only where that is too short or too narrow for the
    aspect, and only towards joints that lie there.
    """
    box, points = detection.box, detection.gaussians.mean_px[is_placed(detection.gaussians)]
    if len(points) < 2:
        points = np.array([[box.x_px, box.y_px], [box.x_px + box.width_px, box.y_px + box.height_px]])
    low, high = points.min(axis=0), points.max(axis=0)
    longer = (high - low).max()
    size = high - low + 2 * _MARGIN * longer
    size = np.maximum(size, [size[1] * aspect, size[0] / aspect])
    left, right = _span((low[0] + high[0]) / 2, size[0], detection.image_width_px)
    top, bottom = _span((low[1] + high[1]) / 2, size[1], detection.image_height_px)
    margin, width, height = _MARGIN_OUTSIDE * longer, right - left, bottom - top
    left, right = _reaching(left, right, height * aspect, low[0], high[0], margin)
    top, bottom = _reaching(top, bottom, width / aspect, low[1], high[1], margin)
    return left, top, right, bottom


def _span(centre: float, length: float, limit: int) -> tuple[int, int]:
    """An interval of that length in [0, limit], moved inwards if it sticks out and cut if it is too long."""
    length = min(max(length, 1.0), float(limit))
    start = int(np.floor(np.clip(centre - length / 2, 0.0, limit - length)))
    return start, min(limit, start + int(np.ceil(length)))


def _reaching(
    start: int, stop: int, length: float, low: float, high: float, margin: float
) -> tuple[int, int]:
    """The interval, lengthened to `length` at most, towards joints from `low` to `high` that lie outside of it."""
    spare = max(int(length) - (stop - start), 0)
    after = min(spare, int(np.ceil(high + margin)) - stop) if high > stop else 0
    before = min(spare - after, start - int(np.floor(low - margin))) if low < start else 0
    return start - before, stop + after


def inside_image(
    window: tuple[int, int, int, int], width_px: int, height_px: int
) -> tuple[int, int, int, int]:
    """The window's part that the image fills."""
    left, top, right, bottom = window
    return max(left, 0), max(top, 0), min(right, width_px), min(bottom, height_px)


def fit_inside(width: float, height: float, aspect: float) -> tuple[float, float]:
    """The largest (width, height) of the given aspect inside of a rectangle."""
    return min(width, height * aspect), min(height, width / aspect)


def resized(
    image: UInt8[np.ndarray, "height width 3"], window: tuple[int, int, int, int], width: int, height: int
) -> UInt8[np.ndarray, "new_height new_width 3"]:
    """The window of the image, filtered to about the pixels that it will be drawn with."""
    left, top, right, bottom = window
    part = Image.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
    return np.asarray(part.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0))


def window_extent(window: tuple[int, int, int, int]) -> Float[np.ndarray, "4"]:
    """Left, right, bottom, top edge in image pixels, where the centre of pixel (0, 0) is at 0, 0."""
    left, top, right, bottom = window
    return np.array([left, right, bottom, top]) - 0.5
