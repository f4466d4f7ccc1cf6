"""Training pairs made on the fly: a pose and what a simulated detector says of it, new with every draw."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32

from poseterior.data.simulated.body_shape import (
    BodyRange,
    assemble,
    sample_lengths_m,
    with_pelvis_between_hips,
)
from poseterior.data.simulated.cameras import HUMAN36M_LIKE, WIDE, project, sample_cameras
from poseterior.data.simulated.detector import SimulatedDetector, detect, landmarks_of
from poseterior.data.simulated.poses import PosePool, PoseVariation
from poseterior.geometry.normalise import vector_from_joints_2d, vector_from_pose
from poseterior.heatmaps.condition import condition_vector


@dataclass(frozen=True)
class PairsConfig:
    """How pairs are made."""

    sigma_confident_cells: float
    """Of the detector profile that the flow is meant for."""
    condition_variant: str = "paper"
    detector: SimulatedDetector = field(default_factory=SimulatedDetector)
    body: BodyRange = field(default_factory=BodyRange)
    variation: PoseVariation = field(default_factory=PoseVariation)
    wide_camera_share: float = 0.6
    """The rest is like Human3.6M's cameras."""
    joint_noise_m: float = 0.006
    """Noise per joint and axis: without it, poses obey exact constraints (bones of equal length, collinear
    joints), on which a density has no upper bound."""


@dataclass(frozen=True)
class Pairs:
    """Poses and what was seen of them, in the flow's frame (`geometry.normalise`)."""

    x: Float32[np.ndarray, "pairs 48"]
    """Metres."""
    y: Float32[np.ndarray, "pairs 32"]
    condition: Float32[np.ndarray, "pairs 78"]


def draw_pairs(rng: np.random.Generator, count: int, pool: PosePool, config: PairsConfig) -> Pairs:
    """`count` new pairs: pose, body, camera, noise and detector are all drawn anew."""
    directions = pool.sample(rng, count, config.variation)
    joints_m = assemble(directions, sample_lengths_m(rng, count, config.body))
    joints_m -= joints_m.mean(axis=1, keepdims=True)
    num_wide = rng.binomial(count, config.wide_camera_share)
    seen_m = np.concatenate(
        [
            sample_cameras(rng, num_wide, WIDE).from_world(joints_m[:num_wide]),
            sample_cameras(rng, count - num_wide, HUMAN36M_LIKE).from_world(joints_m[num_wide:]),
        ]
    )
    seen_m += rng.normal(0.0, config.joint_noise_m, seen_m.shape)
    seen_m = with_pelvis_between_hips(seen_m)
    gaussians = detect(rng, project(landmarks_of(rng, seen_m)), config.detector)
    condition = condition_vector(
        gaussians.amplitude,
        gaussians.mean_cell,
        gaussians.covariance_cell2,
        sigma_confident_cells=config.sigma_confident_cells,
        heatmap_width=config.detector.heatmap_cells,
        heatmap_height=config.detector.heatmap_cells,
        variant=config.condition_variant,
    )
    return Pairs(
        vector_from_pose(seen_m).astype(np.float32),
        vector_from_joints_2d(gaussians.mean_cell).astype(np.float32),
        condition.astype(np.float32),
    )


@dataclass(frozen=True)
class PairStream:
    """Numbered batches: the same seed and number give the same pairs, in any order and after a restart."""

    pool: PosePool
    config: PairsConfig
    batch_size: int
    seed: int

    def batch(self, number: int) -> Pairs:
        """The pairs of batch `number`."""
        rng = np.random.default_rng([self.seed, number])
        return draw_pairs(rng, self.batch_size, self.pool, self.config)
