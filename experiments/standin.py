"""What the stand-in weights are made of: settings, data split, and their measure on held-out people."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from poseterior.data.motion import Motion, read_motion, without_flips
from poseterior.data.simulated.pairs import PairsConfig, PairStream
from poseterior.data.simulated.poses import NO_VARIATION, PosePool, pose_pool
from poseterior.detect.blazepose import BLAZEPOSE_FULL
from poseterior.flow.config import FlowConfig, posterior_config
from poseterior.geometry.normalise import pose_from_vector
from poseterior.metrics.calibration import calibration_error, region_coverage, truth_levels
from poseterior.metrics.pose import mpjpe, pmpjpe
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.skeleton import CONDITION_13, H36M_17
from poseterior.train.likelihood import Batch, LikelihoodConfig

CAPTURES = {"cmu_30hz": 0.8, "uiprmd_20hz": 0.2}
"""File -> share of all draws; UI-PRMD is only ten exercises."""
VALIDATION = {"cmu_30hz": (10,), "uiprmd_20hz": (7,)}
TEST = {"cmu_30hz": (2, 12), "uiprmd_20hz": (8, 9)}
"""Held-out subjects: CMU's 2 walks, runs, jumps, boxes, bends and swings, its 12 walks and does tai chi."""

NUM_HYPOTHESES = 200
_MM = 1000.0


def _flow_config() -> FlowConfig:
    # half the paper's hidden units, for the CPU; twice its encoder, since y goes through it too
    return posterior_config(hidden=512, encoder_hidden=512, encoder_size=112)


@dataclass(frozen=True)
class StandinConfig:
    """Everything that the weights depend on."""

    seed: int = 0
    batch_size: int = 512
    flow: FlowConfig = field(default_factory=_flow_config)
    training: LikelihoodConfig = field(default_factory=lambda: LikelihoodConfig(steps=36_000))
    pairs: PairsConfig = field(
        default_factory=lambda: PairsConfig(sigma_confident_cells=BLAZEPOSE_FULL.sigma_confident_cells)
    )


@dataclass(frozen=True)
class Pools:
    """Poses by split, by subject."""

    train: PosePool
    validation: PosePool
    test: PosePool


def load_pools(folder: Path) -> Pools:
    """The captures in `folder`, split by subject.

    Raises:
        InputError: a capture is missing or damaged.
    """
    motions = {name: without_flips(read_motion(folder / f"{name}.npz")) for name in CAPTURES}
    held_out = {name: VALIDATION[name] + TEST[name] for name in CAPTURES}
    kept = {
        name: tuple(int(subject) for subject in np.unique(motion.subject) if subject not in held_out[name])
        for name, motion in motions.items()
    }
    return Pools(_pool(motions, kept), _pool(motions, VALIDATION), _pool(motions, TEST))


def _pool(motions: dict[str, Motion], subjects: dict[str, tuple[int, ...]]) -> PosePool:
    return pose_pool([(motions[name].of_subjects(subjects[name]), share) for name, share in CAPTURES.items()])


def training_batches(pools: Pools, config: StandinConfig) -> PairStream:
    """The batches of the training run, by step."""
    return PairStream(pools.train, config.pairs, config.batch_size, config.seed)


def held_out_batch(pool: PosePool, config: StandinConfig, count: int, seed: int) -> Batch:
    """Pairs of held-out people, as captured: no recombination, no tilting, no noise on directions."""
    pairs = PairsConfig(**{**vars(config.pairs), "variation": NO_VARIATION})
    return batch_at(PairStream(pool, pairs, count, seed), 0)


def batch_at(stream: PairStream, number: int) -> Batch:
    """A numbered batch as tensors."""
    pairs = stream.batch(number)
    return Batch(torch.from_numpy(pairs.x), torch.from_numpy(pairs.y), torch.from_numpy(pairs.condition))


@torch.no_grad()
def measure(flow: PosteriorFlow, batch: Batch, seed: int = 0) -> dict[str, Any]:
    """Metrics over the pairs, with `NUM_HYPOTHESES` samples of each; millimetres and nats (metres)."""
    generator = torch.Generator().manual_seed(seed)
    parts = [
        _measure_part(flow, Batch(*(values[start : start + 64] for values in batch)), generator)
        for start in range(0, len(batch.x), 64)
    ]
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    level = values.pop("level")
    spread_mm, certain = values.pop("spread_mm"), values.pop("wrist_certain")
    wrist_mm = spread_mm[:, H36M_17.index("right_wrist")].mean(axis=-1)
    half, most = region_coverage(level, np.array([0.5, 0.9]))
    return {
        **{name: round(float(value.mean()), 3) for name, value in values.items()},
        "std_x_y_depth_mm": [round(float(std), 1) for std in spread_mm[:, 1:].mean(axis=(0, 1))],
        "right_wrist_std_mm_where_certain_uncertain": [
            round(float(wrist_mm[chosen].mean()), 1) if chosen.any() else None
            for chosen in (certain, ~certain)
        ],
        "coverage_of_50_percent_region": round(float(half), 3),
        "coverage_of_90_percent_region": round(float(most), 3),
        "calibration_error": round(calibration_error(level), 4),
        "pairs": len(batch.x),
        "hypotheses": NUM_HYPOTHESES,
    }


def _measure_part(flow: PosteriorFlow, batch: Batch, generator: torch.Generator) -> dict[str, np.ndarray]:
    truth_log_prob = flow.log_prob(batch.x[:, None], batch.y, batch.condition)[:, 0].numpy()
    samples, log_prob = flow.sample_and_log_prob(batch.y, batch.condition, NUM_HYPOTHESES, generator)
    centre = flow.inverse(torch.zeros(len(batch.x), 1, flow.latent_size), batch.y, batch.condition)[0]
    truth = _pose_mm(batch.x)
    poses, mode = _pose_mm(samples), _pose_mm(centre)[:, 0]
    mean = poses.mean(axis=1)
    error, aligned_error = mpjpe(poses, truth[:, None]), pmpjpe(poses, truth[:, None])
    right_wrist = batch.condition[:, 6 * CONDITION_13.index("right_wrist") :][:, [3, 5]].numpy()
    return {
        "nll_nats": -truth_log_prob,
        "mpjpe_oracle_best_mm": error.min(axis=1),
        "mpjpe_sample_mm": error.mean(axis=1),
        "mpjpe_mean_mm": mpjpe(mean, truth),
        "mpjpe_u0_mm": mpjpe(mode, truth),
        "pmpjpe_oracle_best_mm": aligned_error.min(axis=1),
        "pmpjpe_mean_mm": pmpjpe(mean, truth),
        "pmpjpe_u0_mm": pmpjpe(mode, truth),
        "spread_mm": poses.std(axis=1),
        "level": truth_levels(truth_log_prob, log_prob.numpy()),
        # below 1.5 times the confident sigma on both axes
        "wrist_certain": np.asarray((right_wrist < 0.15**2).all(axis=1)),
    }


def _pose_mm(vectors: torch.Tensor) -> Float[np.ndarray, "*batch 17 3"]:
    return _MM * pose_from_vector(vectors.double().numpy())
