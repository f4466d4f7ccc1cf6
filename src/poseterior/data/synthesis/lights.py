"""Light of all kinds: sun and overcast sky, rooms, warm and cold, weak and strong, from behind."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.data.synthesis.mesh import Light
from poseterior.data.synthesis.rotations import frame, unit


def sample_light(rng: np.random.Generator, up: Float[np.ndarray, "3"]) -> Light:
    """A light.

    Args:
        rng: draws it.
        up: the world's up in the camera frame, unit length.
    """
    strength = np.exp(rng.normal(0.0, 0.25))
    directed = rng.beta(1.3, 1.3)
    warmth = rng.normal(0.0, 0.12)
    tint = np.array([1.0 + warmth, 1.0, 1.0 - warmth])
    counter_tint = np.array([1.0 - 0.6 * warmth, 1.0, 1.0 + 0.6 * warmth])
    sun = 1.15 * strength * directed * tint
    sky = strength * (1.0 - 0.75 * directed) * counter_tint
    ground = sky * rng.uniform(0.3, 0.85) * (1.0 + rng.normal(0.0, 0.08, 3))
    elevation = np.arcsin(rng.uniform(0.05, 1.0))
    azimuth = rng.uniform(-np.pi, np.pi)
    upright = frame(unit(up), np.array([0.0, 0.0, 1.0]))
    direction = upright @ np.array(
        [np.sin(elevation), np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth)]
    )
    return Light(_triple(direction), _triple(sun), _triple(sky), _triple(ground), bool(directed > 0.15))


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
