"""Where people are in a picture: BlazePose's person detector, searched from coarse to fine.

The network (`pose_detection.tflite`) looks at 224 x 224 pixels and gives, for each of 2254 anchors, a score
and four points, of which two are used: the middle of the hips, and a point on the circle around it that holds
the whole body. Anchors, decoding and the body circle are MediaPipe's (Bazarevsky et al., "BlazePose", 2020,
section 2; options of pose_detection_cpu.pbtxt). Two things differ: boxes stay axis-aligned, and where no
convincing person is found the picture is searched again in overlapping tiles, since people smaller than about
a third of the 224 pixels are missed (the sample video's, 50 of 224: score 0.5 or less; in tiles 0.96).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from poseterior.detect.crop import crop_square
from poseterior.errors import InputError
from poseterior.types import PersonBox

_INPUT_PX = 224
_ANCHORS_BY_STRIDE = ((8, 2), (16, 2), (32, 6))
"""(stride in input pixels, anchors per cell): layers of strides 8, 16, 32, 32, 32 with two anchors each."""

MIN_SCORE = 0.5
"""MediaPipe's threshold on the detector's score."""

CONVINCING_SCORE = 0.85
"""Finer tiles are searched until somebody is found with this score."""

_TILE_SIDES = (None, 1.0, 0.6)
"""Sides of the tiles by level, relative to the picture's shorter side; None is one tile over all of it."""

_TILE_OVERLAP = 0.5
_MAX_TILES_ALONG = 16
"""A long strip is not cut into more tiles than about twice this number along its length."""

_OUTSIDE_TILE = 0.15
"""A person may reach out of the tile by this part of its side; who does not fit in was seen in part only."""

_SAME_PERSON = 0.5
"""Two finds are one person where their hips are closer than this part of the larger body radius."""

_SCORE_SLACK = 0.25
"""Finds this far below the best score are dropped, before the largest is preferred."""


@dataclass(frozen=True)
class _Find:
    score: float
    hips_px: tuple[float, float]
    radius_px: float


class PersonFinder:
    """Finds the boxes of people with the network `pose_detection.tflite`."""

    def __init__(self, model: Callable[[np.ndarray], dict[str, np.ndarray]]):
        """Search with `model`: the network, usually a `TfliteModel` of it."""
        self._model = model
        self._anchors = _anchor_centres()

    def find(self, image: UInt8[np.ndarray, "height width 3"]) -> list[PersonBox]:
        """Square boxes around whole bodies (also the parts outside of the picture), most prominent first.

        Prominent means a large box with a high score. The list is empty where nobody was found. People much
        smaller than the largest may be left out.
        """
        height, width = image.shape[:2]
        finds: list[_Find] = []
        for level in _TILE_SIDES:
            for tile in _tiles(width, height, level):
                finds += self._find_in_tile(image, tile)
            if finds and max(find.score for find in finds) >= CONVINCING_SCORE:
                break
        return [_box(find) for find in _by_prominence(_distinct(finds))]

    def _find_in_tile(self, image: UInt8[np.ndarray, "height width 3"], tile: PersonBox) -> list[_Find]:
        crop = crop_square(image, tile, _INPUT_PX)
        outputs = self._model((crop.pixels.astype(np.float32) / 127.5 - 1.0)[None])
        scores = 0.5 * (1.0 + np.tanh(0.5 * outputs["Identity_1"][0, :, 0].astype(np.float64)))
        likely = np.flatnonzero(scores >= MIN_SCORE)
        hips, rims = self._body_circles(outputs["Identity"][0, likely], self._anchors[likely])
        scale, offset = crop.image_from_crop[0, 0], crop.image_from_crop[:, 2]
        finds = [
            _Find(float(score), (float(hip[0]), float(hip[1])), float(np.hypot(*(rim - hip))))
            for score, hip, rim in zip(
                scores[likely], hips * scale + offset, rims * scale + offset, strict=True
            )
        ]
        return [find for find in _distinct(finds) if _fits(find, tile, image.shape[1], image.shape[0])]

    @staticmethod
    def _body_circles(
        values: Float32[np.ndarray, "anchors 12"], anchors: Float[np.ndarray, "anchors 2"]
    ) -> tuple[Float[np.ndarray, "anchors 2"], Float[np.ndarray, "anchors 2"]]:
        """Middle of the hips, and the point on the rim of the body circle, in pixels of the crop."""
        # values: box centre and size, then the four points, all in input pixels from the anchor's centre;
        # 0.5 less, since MediaPipe counts from the corner of the first pixel and we from its centre
        points = values.reshape(-1, 6, 2)[:, 2:4].astype(np.float64) + anchors[:, None] - 0.5
        return points[:, 0], points[:, 1]


def whole_frame(image: UInt8[np.ndarray, "height width 3"]) -> PersonBox:
    """The box that holds the whole picture."""
    height, width = image.shape[:2]
    return PersonBox(-0.5, -0.5, float(width), float(height), "whole_frame")


def checked_box(box: PersonBox, image: UInt8[np.ndarray, "height width 3"]) -> PersonBox:
    """The box, if it can be used on this picture.

    Raises:
        InputError: a value is not finite, a side is shorter than one pixel, or the box lies outside of the
            picture or dwarfs it.
    """
    height, width = image.shape[:2]
    x, y, box_width, box_height = box.x_px, box.y_px, box.width_px, box.height_px
    said = f"the person box x={x:g}, y={y:g}, width={box_width:g}, height={box_height:g}"
    if not all(math.isfinite(value) for value in (x, y, box_width, box_height)):
        raise InputError(f"{said} must be four finite numbers of pixels")
    if box_width < 1 or box_height < 1:
        raise InputError(f"{said} must have a width and a height of at least 1 pixel")
    if x >= width or y >= height or x + box_width <= 0 or y + box_height <= 0:
        raise InputError(f"{said} lies outside of the picture, which is {width} x {height} px")
    if max(box_width, box_height) > 10 * max(width, height):
        raise InputError(f"{said} is more than ten times as large as the picture, {width} x {height} px")
    return box


def _anchor_centres() -> Float[np.ndarray, "2254 2"]:
    """Centres (x, y) of the anchors in input pixels, counted from the input's corner."""
    centres = []
    for stride, per_cell in _ANCHORS_BY_STRIDE:
        along = (np.arange(_INPUT_PX // stride) + 0.5) * stride
        y, x = np.meshgrid(along, along, indexing="ij")
        centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0))
    return np.concatenate(centres)


def _tiles(width: int, height: int, level: float | None) -> list[PersonBox]:
    """Overlapping squares that cover the picture; none where the coarser level is as fine already."""
    if level is None:
        side = float(max(width, height))
        return [PersonBox((width - side) / 2 - 0.5, (height - side) / 2 - 0.5, side, side)]
    side = max(level * min(width, height), max(width, height) / _MAX_TILES_ALONG)
    if side > 0.8 * max(width, height):
        return []
    return [
        PersonBox(x - 0.5, y - 0.5, side, side) for y in _starts(height, side) for x in _starts(width, side)
    ]


def _starts(length: int, side: float) -> list[float]:
    count = 1 + math.ceil((length - side) / (side * _TILE_OVERLAP))
    return np.linspace(0.0, length - side, count).tolist() if count > 1 else [(length - side) / 2]


def _fits(find: _Find, tile: PersonBox, width: int, height: int) -> bool:
    """Whether the body circle lies in the tile, or leaves it only where the picture ends too."""
    slack = _OUTSIDE_TILE * tile.width_px
    (x, y), radius = find.hips_px, find.radius_px
    left, top = tile.x_px, tile.y_px
    right, bottom = left + tile.width_px, top + tile.height_px
    return (
        (left <= 0 or x - radius >= left - slack)
        and (top <= 0 or y - radius >= top - slack)
        and (right >= width - 1 or x + radius <= right + slack)
        and (bottom >= height - 1 or y + radius <= bottom + slack)
    )


def _distinct(finds: list[_Find]) -> list[_Find]:
    """One find per person, the one with the best score."""
    kept: list[_Find] = []
    for find in sorted(finds, key=lambda find: -find.score):
        if all(
            math.dist(find.hips_px, other.hips_px) > _SAME_PERSON * max(find.radius_px, other.radius_px)
            for other in kept
        ):
            kept.append(find)
    return kept


def _by_prominence(finds: list[_Find]) -> list[_Find]:
    best = max((find.score for find in finds), default=0.0)
    kept = [find for find in finds if find.score >= best - _SCORE_SLACK]
    return sorted(kept, key=lambda find: -(find.score**2) * find.radius_px)


def _box(find: _Find) -> PersonBox:
    (x, y), radius = find.hips_px, find.radius_px
    return PersonBox(x - radius, y - radius, 2 * radius, 2 * radius, "detector", find.score)
