"""What is behind people: photographs, and walls, floors, clutter and noise made up on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from poseterior.data.synthesis.photos import photo, photo_names


class BackgroundKind(IntEnum):
    """How a background was made."""

    GRADIENT = 0
    NOISE = 1
    ROOM = 2
    """Wall and floor, with a horizon; bricks, tiles or boards on them."""
    CLUTTER = 3
    """Boxes in front of each other."""
    BOKEH = 4
    PHOTO = 5
    STRIPES = 6
    """Only in the test split."""
    SHARDS = 7
    """Random polygons; only in the test split."""


@dataclass(frozen=True)
class Background:
    """A picture without people."""

    pixels: Float32[np.ndarray, "height width 3"]
    """Linear RGB in [0, 1]."""
    kind: BackgroundKind


_USUAL = (
    BackgroundKind.GRADIENT,
    BackgroundKind.NOISE,
    BackgroundKind.ROOM,
    BackgroundKind.ROOM,
    BackgroundKind.CLUTTER,
    BackgroundKind.BOKEH,
)
_UNSEEN = (BackgroundKind.STRIPES, BackgroundKind.SHARDS)
_PHOTO_SHARE = 0.3


def sample_background(
    rng: np.random.Generator, height: int, width: int, *, split: str, photos: bool
) -> Background:
    """A background.

    Args:
        rng: draws it.
        height: pixels.
        width: pixels.
        split: decides which photographs may be taken; the test split has kinds of its own too.
        photos: whether photographs may be taken at all.
    """
    if photos and rng.random() < _PHOTO_SHARE:
        kind = BackgroundKind.PHOTO
        pixels = _from_photo(rng, height, width, photo_names(split))
    else:
        kinds = (*_USUAL, *_UNSEEN) if split == "test" else _USUAL
        kind = kinds[rng.integers(len(kinds))]
        pixels = _MAKERS[kind](rng, height, width)
    if rng.random() < 0.4:
        # the person is in focus, the background need not be
        sigma = abs(rng.normal(0.0, 2.5))
        pixels = ndimage.gaussian_filter(pixels, (sigma, sigma, 0.0), truncate=2.5, mode="nearest")
    return Background(np.clip(pixels, 0.0, 1.0).astype(np.float32), kind)


def value_noise(
    rng: np.random.Generator, height: int, width: int, cells: float
) -> Float32[np.ndarray, "h w"]:
    """Smooth noise in [0, 1] with about `cells` bumps across the picture's width."""
    rows, columns = (max(2, int(np.ceil(cells * side / width)) + 3) for side in (height, width))
    grid = rng.random((rows, columns), dtype=np.float32)
    row = np.linspace(0.5, rows - 2.5, height, dtype=np.float32)
    column = np.linspace(0.5, columns - 2.5, width, dtype=np.float32)
    top, left = row.astype(np.int64), column.astype(np.int64)
    down, right = (_eased(row - top), _eased(column - left))
    across = grid[:, left] * (1 - right) + grid[:, left + 1] * right
    return across[top] * (1 - down)[:, None] + across[top + 1] * down[:, None]


def _eased(share: np.ndarray) -> Float32[np.ndarray, " positions"]:
    """From 0 to 1 without a kink at either end."""
    share = share.astype(np.float32)
    return share * share * (np.float32(3.0) - np.float32(2.0) * share)


def octaves(rng: np.random.Generator, height: int, width: int, cells: float) -> Float32[np.ndarray, "h w"]:
    """Noise of several sizes at once, in [0, 1]."""
    layers = [np.float32(0.5**k) * value_noise(rng, height, width, cells * 2.1**k) for k in range(5)]
    return np.sum(layers, axis=0) / np.float32(sum(0.5**k for k in range(5)))


def random_colour(rng: np.random.Generator) -> Float32[np.ndarray, "3"]:
    """Linear RGB: mostly pale or greyish, now and then strong."""
    grey = rng.beta(1.2, 1.6)
    if rng.random() < 0.7:
        return (grey * rng.uniform(0.8, 1.2, 3)).astype(np.float32)
    return (rng.random(3) ** 1.5).astype(np.float32)


def _from_photo(rng: np.random.Generator, height: int, width: int, names: tuple[str, ...]) -> np.ndarray:
    """A random part of a photograph, mirrored or not, in somewhat other colours."""
    source = photo(names[rng.integers(len(names))])
    side = rng.uniform(0.35, 1.0) * min(source.shape[:2])
    top, left = (rng.uniform(0, limit - side) for limit in source.shape[:2])
    row = np.linspace(top, top + side - 1, height).astype(np.int64)
    column = np.linspace(left, left + side - 1, width).astype(np.int64)
    part = source[row][:, column]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    tint = np.exp(rng.normal(0.0, 0.15, 3)) * np.exp(rng.normal(0.0, 0.3))
    if rng.random() < 0.3:
        tint = tint * 2.0 * random_colour(rng)
    return part * tint.astype(np.float32)


def _gradient(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    angle = rng.uniform(0.0, 2 * np.pi)
    row, column = np.ogrid[-1.0 : 1.0 : height * 1j, -1.0 : 1.0 : width * 1j]
    share = np.clip(0.5 + 0.5 * (np.cos(angle) * column + np.sin(angle) * row), 0.0, 1.0)[..., None]
    return (share * random_colour(rng) + (1.0 - share) * random_colour(rng)).astype(np.float32)


def _noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    share = octaves(rng, height, width, rng.uniform(1.5, 9.0))[..., None]
    share = np.clip((share - 0.5) * rng.uniform(1.0, 4.0) + 0.5, 0.0, 1.0)
    return (share * random_colour(rng) + (1.0 - share) * random_colour(rng)).astype(np.float32)


def _room(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    horizon = int(height * rng.uniform(0.3, 1.05))
    room = np.empty((height, width, 3), dtype=np.float32)
    room[:] = random_colour(rng)
    if rng.random() < 0.6:
        room *= _tiles(rng, height, width)[..., None]
    if horizon < height:
        # a floor's boards or tiles grow towards the camera
        below = np.arange(1, height - horizon + 1, dtype=np.float32)
        depth = np.float32(height) / below
        columns = (np.arange(width, dtype=np.float32) - width * rng.uniform(0.2, 0.8)) * np.float32(
            rng.uniform(0.01, 0.06)
        )
        across = np.floor(columns[None] * depth[:, None]).astype(np.int64)
        along = np.floor(depth * np.float32(rng.uniform(1.0, 6.0))).astype(np.int64)[:, None]
        odd = ((across + along) % 2 if rng.random() < 0.5 else across % 2)[..., None]
        first = random_colour(rng)
        second = first * np.float32(rng.uniform(0.6, 1.4))
        room[horizon:] = np.where(odd == 1, first, second)
    for _ in range(rng.integers(0, 5)):
        _box(rng, room, bottom=min(height, horizon + int(rng.integers(0, height // 4))))
    return room * (0.75 + 0.5 * value_noise(rng, height, width, 2.0))[..., None]


def _tiles(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Bricks or panels: 1 with darker joints, each a little different."""
    tall, wide = rng.integers(6, 60), rng.integers(10, 90)
    row = np.arange(height) // tall
    column = (np.arange(width)[None] + (row[:, None] % 2) * (wide // 2 if rng.random() < 0.6 else 0)) // wide
    shade = rng.uniform(0.8, 1.2, (64, 64)).astype(np.float32)[row[:, None] % 64, column % 64]
    joints = np.ones((height, width), dtype=np.float32)
    joints[np.arange(height) % tall == 0] = 0.6
    joints[:, 1:][column[:, 1:] != column[:, :-1]] = 0.6
    return shade * joints


def _clutter(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    scene = _gradient(rng, height, width)
    for _ in range(rng.integers(6, 22)):
        _box(rng, scene, bottom=int(rng.integers(height // 4, height + 1)))
    return scene


def _box(rng: np.random.Generator, scene: np.ndarray, *, bottom: int) -> None:
    height, width = scene.shape[:2]
    tall, wide = (max(3, int(side * rng.beta(1.3, 4.0))) for side in (height, width))
    left, top = int(rng.integers(-wide // 2, width - wide // 2)), max(0, bottom - tall)
    part = scene[top:bottom, max(0, left) : max(0, left + wide)]
    if not part.size:
        return
    shade = np.linspace(1.0, rng.uniform(0.5, 1.0), part.shape[1], dtype=np.float32)[None, :, None]
    part[:] = random_colour(rng) * shade
    if rng.random() < 0.4:
        step = int(rng.integers(3, 25))
        part[::step] *= np.float32(0.6)
    if rng.random() < 0.3:
        step = int(rng.integers(3, 25))
        part[:, ::step] *= np.float32(0.6)


def _bokeh(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    scene = _gradient(rng, height, width) * np.float32(0.6)
    for _ in range(rng.integers(5, 30)):
        radius, row, column = rng.uniform(0.02, 0.12) * width, rng.uniform(0, height), rng.uniform(0, width)
        top, left = max(0, int(row - radius) - 1), max(0, int(column - radius) - 1)
        part = scene[top : int(row + radius) + 2, left : int(column + radius) + 2]
        down, right = np.ogrid[: part.shape[0], : part.shape[1]]
        away = np.hypot(down + (top - row), right + (left - column))
        disc = np.clip(radius - away, 0.0, 1.0)[..., None] * rng.uniform(0.3, 1.0)
        part[:] = part * (1.0 - disc) + disc * random_colour(rng)
    return scene


def _stripes(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    angle, period = rng.uniform(0.0, np.pi), rng.uniform(0.03, 0.3) * width
    row, column = np.ogrid[:height, :width]
    along = (np.cos(angle) * column + np.sin(angle) * row) / period
    share = (np.mod(along, 1.0) < rng.uniform(0.2, 0.8)).astype(np.float32)[..., None]
    return share * random_colour(rng) + (1.0 - share) * random_colour(rng)


def _shards(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """The cells of random points: to which of them is each pixel nearest."""
    count = int(rng.integers(8, 40))
    places = rng.random((count, 2)) * [height, width]
    row, column = np.mgrid[:height, :width]
    away = (row[..., None] - places[:, 0]) ** 2 + (column[..., None] - places[:, 1]) ** 2
    colours = np.stack([random_colour(rng) for _ in range(count)])
    return colours[away.argmin(axis=-1)]


_MAKERS = {
    BackgroundKind.GRADIENT: _gradient,
    BackgroundKind.NOISE: _noise,
    BackgroundKind.ROOM: _room,
    BackgroundKind.CLUTTER: _clutter,
    BackgroundKind.BOKEH: _bokeh,
    BackgroundKind.STRIPES: _stripes,
    BackgroundKind.SHARDS: _shards,
}
