"""A pool of poses as bone directions: weighted, mirrored and recombined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from poseterior.data.motion import Motion
from poseterior.data.simulated.body_shape import HIP_BONES, MIRRORED_BONES, bone_directions
from poseterior.skeleton import H36M_BONES

_LEG_JOINTS = ("hip", "knee", "ankle")
_LEGS = np.array([child.endswith(_LEG_JOINTS) for _, child in H36M_BONES])
_HEAD = np.array([child in ("neck", "head") for _, child in H36M_BONES])


@dataclass(frozen=True)
class PoseVariation:
    """How a pose of the pool is changed before it is used."""

    recombined_share: float = 0.2
    """Share of draws that take the upper body of one frame and the legs of another."""
    mirrored_share: float = 0.5
    tilted_share: float = 0.03
    """Share of draws that are turned as a whole by up to 110 degrees about a horizontal axis: lying, diving."""
    direction_noise: float = 0.03
    """Standard deviation per axis of noise on unit bone directions (0.03 is 1.7 degrees)."""
    head_noise: float = 0.1
    """The same for neck and head, which the sources only approximate."""


NO_VARIATION = PoseVariation(0.0, 0.5, 0.0, 0.0, 0.0)
"""As captured, or mirrored: for tests on held-out people."""


@dataclass(frozen=True)
class PosePool:
    """Poses to draw from."""

    directions: Float[np.ndarray, "poses 16 3"]
    """float32 unit vectors, y up, the hips along x (turned about y), so that all poses face the same way."""
    cumulative_weight: Float[np.ndarray, " poses"]
    """float64, rising to 1."""

    def sample(
        self, rng: np.random.Generator, count: int, variation: PoseVariation
    ) -> Float[np.ndarray, "count 16 3"]:
        """Bone directions of `count` poses drawn by weight, float64, facing the same way."""
        directions = self._draw(rng, count)
        recombined = rng.random(count) < variation.recombined_share
        directions[np.ix_(recombined, ~_LEGS)] = self._draw(rng, int(recombined.sum()))[:, ~_LEGS]
        flipped = rng.random(count) < variation.mirrored_share
        directions[flipped] = mirror(directions[flipped])
        directions = _jittered(rng, directions, variation)
        tilted = rng.random(count) < variation.tilted_share
        directions[tilted] = _tilted(rng, directions[tilted])
        return directions

    def _draw(self, rng: np.random.Generator, count: int) -> Float[np.ndarray, "count 16 3"]:
        drawn = np.searchsorted(self.cumulative_weight, rng.random(count), side="right")
        return self.directions[np.minimum(drawn, len(self.directions) - 1)].astype(np.float64)


def pose_pool(
    motions: list[tuple[Motion, float]], *, cells: int = 256, evenness: float = 0.5, seed: int = 0
) -> PosePool:
    """A pool of several captures, each with its share of all draws.

    Within a capture, poses are grouped into `cells` by k-means on their bone directions, and a pose's weight
    is (poses in its cell) ** -evenness: 0 draws frames as often as they were filmed, 1 draws cells evenly.

    Raises:
        ValueError: a capture has no frames, or a share is not positive.
    """
    directions, weights = [], []
    for motion, share in motions:
        if len(motion.joints_m) == 0 or share <= 0:
            raise ValueError(f"motion {motion.name} needs frames and a positive share; got {share}")
        facing = facing_directions(motion.joints_m)
        weight = _cell_size(facing.reshape(len(facing), -1), cells, seed) ** -evenness
        directions.append(facing)
        weights.append(weight * (share / weight.sum()))
    total = np.cumsum(np.concatenate(weights))
    return PosePool(np.concatenate(directions), total / total[-1])


def facing_directions(joints_m: Float[np.ndarray, "poses 17 3"]) -> Float[np.ndarray, "poses 16 3"]:
    """Bone directions, turned about y so that right hip to left hip has no z part and points along +x."""
    directions = bone_directions(joints_m)
    hip_axis = directions[:, HIP_BONES[1]]
    length = np.maximum(np.hypot(hip_axis[:, 0], hip_axis[:, 2]), 1e-6)
    cos, sin = hip_axis[:, 0] / length, hip_axis[:, 2] / length
    turn = np.zeros((len(directions), 3, 3), dtype=directions.dtype)
    turn[:, 0, 0], turn[:, 0, 2], turn[:, 1, 1], turn[:, 2, 0], turn[:, 2, 2] = cos, sin, 1.0, -sin, cos
    return directions @ np.swapaxes(turn, -1, -2)


def mirror(directions: Float[np.ndarray, "poses 16 3"]) -> Float[np.ndarray, "poses 16 3"]:
    """The mirrored pose: left and right exchanged, x reflected."""
    return directions[:, MIRRORED_BONES] * np.array([-1.0, 1.0, 1.0])


def _jittered(
    rng: np.random.Generator, directions: Float[np.ndarray, "poses 16 3"], variation: PoseVariation
) -> Float[np.ndarray, "poses 16 3"]:
    noise = np.where(_HEAD, variation.head_noise, variation.direction_noise)[:, None]
    jitter = rng.normal(0.0, 1.0, directions.shape) * noise
    # one axis through both hips, so that the pelvis stays between them
    jitter[:, HIP_BONES[0]] = -jitter[:, HIP_BONES[1]]
    noisy = directions + jitter
    return noisy / np.linalg.norm(noisy, axis=-1, keepdims=True)


def _tilted(
    rng: np.random.Generator, directions: Float[np.ndarray, "poses 16 3"]
) -> Float[np.ndarray, "poses 16 3"]:
    """Turned about random horizontal axes by up to 110 degrees (Rodrigues' formula)."""
    heading = rng.uniform(-np.pi, np.pi, len(directions))
    angle = np.radians(rng.uniform(30.0, 110.0, len(directions)))[:, None, None]
    axis = np.stack([np.cos(heading), np.zeros_like(heading), np.sin(heading)], axis=-1)[:, None]
    along = (directions * axis).sum(axis=-1, keepdims=True) * axis
    return along + np.cos(angle) * (directions - along) + np.sin(angle) * np.cross(axis, directions)


def _cell_size(
    features: Float[np.ndarray, "poses features"], cells: int, seed: int, rounds: int = 8
) -> Float[np.ndarray, " poses"]:
    """Number of poses in each pose's k-means cell (Lloyd's algorithm from randomly chosen poses)."""
    cells = min(cells, len(features))
    centres = features[np.random.default_rng(seed).choice(len(features), cells, replace=False)]
    for _ in range(rounds):
        nearest = _nearest(features, centres)
        count = np.maximum(np.bincount(nearest, minlength=cells), 1)
        order = np.argsort(nearest, kind="stable")
        starts = np.searchsorted(nearest[order], np.arange(cells))
        filled = np.bincount(nearest, minlength=cells) > 0
        sums = np.add.reduceat(features[order], starts[filled], axis=0)
        centres[filled] = sums / count[filled, None]
    nearest = _nearest(features, centres)
    return np.bincount(nearest, minlength=cells)[nearest].astype(np.float64)


def _nearest(
    features: Float[np.ndarray, "poses features"], centres: Float[np.ndarray, "cells features"]
) -> np.ndarray:
    return ((centres**2).sum(axis=1) - 2.0 * features @ centres.T).argmin(axis=1)
