"""What people wear: skin, hair, and clothes that cover regions of the body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from poseterior.data.synthesis.mesh import Material, Pattern
from poseterior.data.synthesis.regions import Region

_SKIN, _HAIR, _EYES, _TOP, _BOTTOM, _SHOES, _SKIRT, _GLOVES = range(8)

_SKIN_TONES = np.array(
    [
        [0.75, 0.52, 0.42],
        [0.65, 0.42, 0.31],
        [0.52, 0.32, 0.21],
        [0.36, 0.20, 0.12],
        [0.20, 0.10, 0.06],
        [0.09, 0.045, 0.03],
    ]
)
"""Linear RGB, from light to dark: about the six types of Fitzpatrick's scale."""
_HAIR_TONES = np.array(
    [
        [0.01, 0.01, 0.01],
        [0.04, 0.02, 0.012],
        [0.12, 0.06, 0.03],
        [0.4, 0.26, 0.12],
        [0.3, 0.3, 0.3],
        [0.25, 0.07, 0.03],
    ]
)

_SLEEVES = (
    (),
    (Region.UPPER_ARM,),
    (Region.UPPER_ARM, Region.LOWER_UPPER_ARM),
    (Region.UPPER_ARM, Region.LOWER_UPPER_ARM, Region.UPPER_FOREARM),
    (Region.UPPER_ARM, Region.LOWER_UPPER_ARM, Region.UPPER_FOREARM, Region.LOWER_FOREARM),
)
_TROUSERS = (
    (Region.HIPS,),
    (Region.HIPS, Region.UPPER_THIGH),
    (Region.HIPS, Region.UPPER_THIGH, Region.LOWER_THIGH),
    (Region.HIPS, Region.UPPER_THIGH, Region.LOWER_THIGH, Region.UPPER_SHIN),
    (Region.HIPS, Region.UPPER_THIGH, Region.LOWER_THIGH, Region.UPPER_SHIN, Region.LOWER_SHIN),
)


@dataclass(frozen=True)
class Skirt:
    """A skirt or the lower part of a dress or coat."""

    length: float
    """From the hips (0) to the ankles (1)."""
    flare: float
    """How much wider it is at the hem than at the hips, relative to its length."""
    material: int
    """Index into the outfit's materials."""


@dataclass(frozen=True)
class Outfit:
    """Paints of a dressed person."""

    materials: tuple[Material, ...]
    region_material: UInt8[np.ndarray, "17"]
    """Which of `materials` paints each `Region`."""
    thickness_m: Float32[np.ndarray, "17"]
    """How far each region's cloth stands off the skin."""
    skirt: Skirt | None


def sample_outfit(rng: np.random.Generator) -> Outfit:
    """Skin and hair of one tone, a top, trousers, shorts or a skirt, and shoes or bare feet."""
    skin = _SKIN_TONES[rng.integers(len(_SKIN_TONES))] * np.exp(rng.normal(0.0, 0.12, 3))
    hair = skin if rng.random() < 0.07 else _HAIR_TONES[rng.integers(len(_HAIR_TONES))]
    top, bottom = sample_cloth(rng), sample_cloth(rng)
    if rng.random() < 0.22:
        # one piece, or both of one colour
        bottom = top
    materials = (
        _plain(skin, 0.15),
        _plain(hair * np.exp(rng.normal(0.0, 0.3)), 0.2),
        _plain(np.array([0.35, 0.33, 0.32]), 0.3),
        top,
        bottom,
        sample_cloth(rng, plain=True),
        sample_cloth(rng) if rng.random() < 0.5 else bottom,
        sample_cloth(rng, plain=True),
    )
    paint = np.full(len(Region), _SKIN, dtype=np.uint8)
    thickness_m = np.zeros(len(Region), dtype=np.float32)
    paint[[Region.HAIR]], paint[[Region.EYES]] = _HAIR, _EYES
    thickness_m[Region.HAIR] = rng.choice([0.002, 0.01, 0.025], p=[0.3, 0.5, 0.2])
    loose_m = float(rng.choice([0.001, 0.006, 0.014, 0.026], p=[0.2, 0.35, 0.3, 0.15]))
    _wear(paint, thickness_m, _top(rng), _TOP, loose_m * rng.uniform(0.5, 1.0))
    _wear(paint, thickness_m, _TROUSERS[rng.choice(5, p=[0.05, 0.13, 0.14, 0.08, 0.6])], _BOTTOM, loose_m)
    if rng.random() < 0.93:
        _wear(paint, thickness_m, (Region.FOOT,), _SHOES, rng.uniform(0.004, 0.01))
    if rng.random() < 0.04:
        _wear(paint, thickness_m, (Region.HAND,), _GLOVES, 0.002)
    skirt = None
    if rng.random() < 0.16:
        skirt = Skirt(float(rng.uniform(0.2, 0.95)), float(rng.uniform(0.0, 0.4)), _SKIRT)
    return Outfit(materials, paint, thickness_m, skirt)


def sample_cloth(rng: np.random.Generator, *, plain: bool = False) -> Material:
    """Cloth: mostly dark, blue, white or grey; some of it in a strong colour, some with a pattern."""
    patterned = not plain and rng.random() < 0.4
    pattern = Pattern(int(rng.integers(1, len(Pattern)))) if patterned else Pattern.PLAIN
    direction = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.7, 0.7, 0.1]])[rng.integers(3)]
    return Material(
        _triple(_cloth_colour(rng)),
        _triple(_cloth_colour(rng)),
        pattern,
        float(np.exp(rng.uniform(np.log(0.015), np.log(0.15)))),
        _triple(direction / np.linalg.norm(direction)),
        float(max(0.0, rng.normal(0.0, 0.15))),
    )


def _cloth_colour(rng: np.random.Generator) -> np.ndarray:
    kind = rng.random()
    if kind < 0.25:
        return rng.uniform(0.01, 0.06) * rng.uniform(0.7, 1.3, 3)
    if kind < 0.45:
        return np.array([0.03, 0.07, 0.2]) * rng.uniform(0.4, 2.5) * rng.uniform(0.7, 1.3, 3)
    if kind < 0.65:
        return rng.uniform(0.3, 0.85) * rng.uniform(0.92, 1.08, 3)
    if kind < 0.8:
        return rng.uniform(0.08, 0.3) * rng.uniform(0.8, 1.2, 3)
    return rng.random(3) ** 2.2 * rng.uniform(0.4, 0.95)


def _top(rng: np.random.Generator) -> tuple[Region, ...]:
    trunk = (Region.CHEST,) if rng.random() < 0.05 else (Region.CHEST, Region.BELLY)
    if rng.random() < 0.03:
        return ()
    collar = (Region.NECK,) if rng.random() < 0.12 else ()
    return (*trunk, *collar, *_SLEEVES[rng.choice(5, p=[0.12, 0.15, 0.25, 0.08, 0.4])])


def _wear(
    paint: np.ndarray, thickness_m: np.ndarray, regions: tuple[Region, ...], material: int, thick_m: float
) -> None:
    for region in regions:
        paint[region], thickness_m[region] = material, thick_m


def _plain(colour: np.ndarray, shininess: float) -> Material:
    return Material(_triple(np.clip(colour, 0.0, 1.0)), shininess=shininess)


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    first, second, third = (float(min(1.0, value)) for value in values)
    return first, second, third
