"""Flat obstacles in front of people: furniture, poles, fences, leaves, hands; with soft edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image, ImageDraw

from poseterior.data.synthesis.backgrounds import octaves, random_colour
from poseterior.skeleton import H36M_17

_NONE_SHARE = 0.65
_FINER = 2
"""Masks are drawn so much larger and shrunk: their edges are soft."""
_ARMS = tuple(
    tuple(H36M_17.index(f"{side}_{joint}") for joint in ("elbow", "wrist")) for side in ("left", "right")
)
_LEGS = tuple(
    tuple(H36M_17.index(f"{side}_{joint}") for joint in ("knee", "ankle")) for side in ("left", "right")
)


@dataclass(frozen=True)
class Occluders:
    """What is in front of the scene."""

    colour: Float32[np.ndarray, "height width 3"]
    """Linear RGB, premultiplied by coverage."""
    coverage: Float32[np.ndarray, "height width"]
    """In [0, 1]."""


def sample_occluders(
    rng: np.random.Generator,
    height: int,
    width: int,
    person_box_px: Float[np.ndarray, "4"],
    joints_px: Float[np.ndarray, "17 2"],
) -> Occluders:
    """None in 65 % of pictures, else one to three.

    Args:
        rng: draws them.
        height: pixels.
        width: pixels.
        person_box_px: left, top, right, bottom of the person.
        joints_px: Human3.6M-17; some obstacles are aimed at a limb.
    """
    coverage = np.zeros((height, width), dtype=np.float32)
    colour = np.zeros((height, width, 3), dtype=np.float32)
    if rng.random() < _NONE_SHARE:
        return Occluders(colour, coverage)
    for _ in range(rng.choice([1, 2, 3], p=[0.7, 0.22, 0.08])):
        outline = Image.new("L", (width * _FINER, height * _FINER), 0)
        kind = _KINDS[rng.choice(len(_KINDS), p=_SHARES)]
        kind(rng, ImageDraw.Draw(outline), person_box_px, joints_px)
        mask = np.asarray(outline.resize((width, height), Image.Resampling.BOX), dtype=np.float32)
        mask = mask / np.float32(255.0)
        colour = colour * (1.0 - mask[..., None]) + mask[..., None] * _surface(rng, height, width)
        coverage = coverage * (1.0 - mask) + mask
    return Occluders(colour.astype(np.float32), coverage.astype(np.float32))


def _surface(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Plain, shaded or mottled."""
    base = np.broadcast_to(random_colour(rng), (height, width, 3))
    if rng.random() < 0.5:
        share = octaves(rng, height, width, rng.uniform(2.0, 14.0))[..., None]
        base = base * (1.0 - share) + share * random_colour(rng)
    if rng.random() < 0.5:
        base = base * np.linspace(1.0, rng.uniform(0.5, 1.0), width, dtype=np.float32)[None, :, None]
    return np.clip(base, 0.0, 1.0)


def _limb(
    rng: np.random.Generator, pen: ImageDraw.ImageDraw, person_box: np.ndarray, joints: np.ndarray
) -> None:
    """Over one arm or leg, or one joint of it."""
    limbs = _ARMS if rng.random() < 0.6 else _LEGS
    ends = joints[list(limbs[rng.integers(2)])]
    middle = ends.mean(axis=0) if rng.random() < 0.5 else ends[rng.integers(2)]
    reach = _size(person_box) * rng.uniform(0.06, 0.17)
    _blob(rng, pen, middle, reach)


def _lower_part(
    rng: np.random.Generator, pen: ImageDraw.ImageDraw, person_box: np.ndarray, joints: np.ndarray
) -> None:
    """A table, a counter, a sofa, a wall in front of the legs."""
    left, top, right, bottom = person_box
    edge = bottom - rng.uniform(0.15, 0.6) * (bottom - top)
    start = left - rng.uniform(-0.2, 1.0) * (right - left)
    end = right + rng.uniform(-0.2, 1.0) * (right - left)
    tilt = rng.normal(0.0, 0.02) * (right - left)
    far = bottom + _size(person_box)
    below = far if rng.random() < 0.7 else edge + rng.uniform(0.05, 0.3) * (bottom - top)
    _polygon(pen, [(start, edge - tilt), (end, edge + tilt), (end, below), (start, below)])


def _side_part(
    rng: np.random.Generator, pen: ImageDraw.ImageDraw, person_box: np.ndarray, joints: np.ndarray
) -> None:
    """A door frame, a pillar, a curtain over one side."""
    left, top, right, bottom = person_box
    share = rng.uniform(0.15, 0.5) * (right - left)
    far = _size(person_box)
    start, end = (left - far, left + share) if rng.random() < 0.5 else (right - share, right + far)
    if rng.random() < 0.4:
        start, end = (
            (max(start, end - 0.3 * far), end) if start < left else (start, min(end, start + 0.3 * far))
        )
    tilt = rng.normal(0.0, 0.03) * far
    _polygon(
        pen,
        [
            (start + tilt, top - far),
            (end + tilt, top - far),
            (end - tilt, bottom + far),
            (start - tilt, bottom + far),
        ],
    )


def _box(
    rng: np.random.Generator, pen: ImageDraw.ImageDraw, person_box: np.ndarray, joints: np.ndarray
) -> None:
    """A crate, a monitor, a sign somewhere on the person."""
    size = _size(person_box)
    middle = _somewhere(rng, person_box)
    half = size * rng.uniform(0.05, 0.25, 2)
    angle = rng.normal(0.0, 0.25)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    _polygon(pen, [tuple(corner) for corner in middle + corners @ turn.T])


def _polygon_blob(
    rng: np.random.Generator, pen: ImageDraw.ImageDraw, person_box: np.ndarray, joints: np.ndarray
) -> None:
    """Something irregular."""
    _blob(rng, pen, _somewhere(rng, person_box), _size(person_box) * rng.uniform(0.06, 0.28))


def _leaves(
    rng: np.random.Generator, pen: ImageDraw.ImageDraw, person_box: np.ndarray, joints: np.ndarray
) -> None:
    """A plant: many small blades around a point."""
    size = _size(person_box)
    middle, spread = _somewhere(rng, person_box), size * rng.uniform(0.08, 0.2)
    for _ in range(rng.integers(15, 60)):
        place = middle + rng.normal(0.0, spread, 2)
        angle, length = rng.uniform(0.0, np.pi), size * rng.uniform(0.03, 0.1)
        along = length * np.array([np.cos(angle), np.sin(angle)])
        across = 0.3 * np.array([-along[1], along[0]])
        _polygon(pen, [tuple(place + step) for step in (along, across, -along, -across)])


def _fence(
    rng: np.random.Generator, pen: ImageDraw.ImageDraw, person_box: np.ndarray, joints: np.ndarray
) -> None:
    """Bars or a grid."""
    left, top, right, bottom = person_box
    size = _size(person_box)
    step, thick = size * rng.uniform(0.08, 0.3), size * rng.uniform(0.008, 0.035)
    upper = top + rng.uniform(-0.2, 0.6) * (bottom - top)
    for x in np.arange(left - size, right + size, step):
        _polygon(pen, [(x, upper), (x + thick, upper), (x + thick, bottom + size), (x, bottom + size)])
    for y in np.arange(upper, bottom + size, step * rng.choice([1.0, 3.0])):
        _polygon(
            pen, [(left - size, y), (right + size, y), (right + size, y + thick), (left - size, y + thick)]
        )


_KINDS = (_limb, _lower_part, _side_part, _box, _polygon_blob, _leaves, _fence)
_SHARES = (0.3, 0.2, 0.12, 0.15, 0.1, 0.07, 0.06)


def _blob(rng: np.random.Generator, pen: ImageDraw.ImageDraw, middle: np.ndarray, reach: float) -> None:
    """A star-shaped outline with a wavy edge."""
    corners = int(rng.integers(5, 24))
    angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, corners))
    radius = reach * rng.uniform(0.7, 1.3, corners)
    stretch = np.exp(rng.normal(0.0, 0.3))
    outline = middle + np.stack([radius * np.cos(angle) * stretch, radius * np.sin(angle) / stretch], axis=1)
    _polygon(pen, [tuple(point) for point in outline])


def _somewhere(rng: np.random.Generator, person_box: np.ndarray) -> np.ndarray:
    low, high = person_box[:2], person_box[2:]
    return low + rng.uniform(0.05, 0.95, 2) * (high - low)


def _size(person_box: np.ndarray) -> float:
    return float(np.max(person_box[2:] - person_box[:2]))


def _polygon(pen: ImageDraw.ImageDraw, points: list[tuple[float, float]]) -> None:
    # pixel centres at integers -> corners of the finer grid's pixels
    pen.polygon([(_FINER * (float(x) + 0.5), _FINER * (float(y) + 0.5)) for x, y in points], fill=255)
