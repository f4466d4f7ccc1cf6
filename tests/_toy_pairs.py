"""Pairs of "people" whose posterior is known in closed form: a Gaussian prior, seen with Gaussian noise."""

import torch

from poseterior.flow.centred import centred_basis
from poseterior.flow.config import FlowConfig, posterior_config
from poseterior.train.batch import Batch
from poseterior.train.config import (
    CriticConfig,
    DataConfig,
    NoiseConfig,
    OptimiserConfig,
    ScheduleConfig,
    TrainConfig,
    ValidationConfig,
    WatchConfig,
)
from poseterior.train.data import TrainingData
from poseterior.train.objective.config import ObjectiveConfig
from poseterior.train.pair_files import Pairs, write_pairs

BASIS = torch.from_numpy(centred_basis())
"""(48, 45), orthonormal columns."""
NOISE_STD = 0.3


def _prior_root():
    generator = torch.Generator().manual_seed(0)
    # a few strong directions in the 45-dimensional space, weak noise in the others
    mixing = torch.randn(45, 4, generator=generator, dtype=torch.float64) * 0.2
    seen = torch.randn(32, 45, generator=generator, dtype=torch.float64) / 3
    prior = mixing @ mixing.T + 0.05**2 * torch.eye(45, dtype=torch.float64)
    return prior, seen


def toy_posterior():
    """Gain (mean = gain @ y) and covariance, in the coordinates of `BASIS`, metres."""
    prior, seen = _prior_root()
    observed = seen @ prior @ seen.T + NOISE_STD**2 * torch.eye(32)
    gain = torch.linalg.solve(observed, seen @ prior).T
    return gain, prior - gain @ seen @ prior


def toy_batch(pairs, seed):
    """Pairs as a batch, float32; the condition and the heatmaps are noise that says nothing."""
    prior, seen = _prior_root()
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    state = normal(pairs, 45) @ torch.linalg.cholesky(prior).T
    y = state @ seen.T + NOISE_STD * normal(pairs, 32)
    root = 0.03 * normal(pairs, 16, 2, 2)
    covariance = root @ root.mT + 1e-4 * torch.eye(2)
    uncertain = torch.rand(pairs, 16, generator=generator) < 0.3
    x, condition = state @ BASIS.T, 0.3 * normal(pairs, 78)
    return Batch(x.float(), y.float(), condition.float(), covariance.float(), uncertain)


def write_toy_pairs(folder, train=96, validation=12):
    """A folder as `train.data` reads it."""
    folder.mkdir()
    for seed, (split, count) in enumerate((("train", train), ("validation", validation))):
        pairs = Pairs(toy_batch(count, seed), "toy", 1.5, "paper", "paper", 1.05)
        write_pairs(folder / f"{split}.npz", pairs)
    return folder


def toy_data(train=96, validation=12):
    """The same in memory."""
    return TrainingData(toy_batch(train, 0), toy_batch(validation, 1), "toy", 1.5)


def toy_config(out, kind="likelihood", folder=None, **changes):
    """A run of seconds with all that a run can have."""
    sizes = {"blocks": 2, "hidden": 16, "encoder_hidden": 16, "encoder_size": 8}
    flow = posterior_config(**sizes) if kind == "likelihood" else FlowConfig(**sizes)
    settings = {
        "kind": kind,
        "out": out,
        "averaging": 0.9,
        "data": DataConfig(folder=folder, batch_size=16, mirrored=True),
        "flow": flow,
        "objective": ObjectiveConfig(num_hypotheses=6, num_best=2, num_subset=3),
        "noise": NoiseConfig(joint_m=0.01, detection_share=0.2),
        "optimiser": OptimiserConfig(learning_rate=2e-3, weight_decay=1e-2),
        "critic": CriticConfig(steps=2),
        "schedule": ScheduleConfig(steps=12, warmup_steps=3, halved_from=0.8),
        "validation": ValidationConfig(every=6, pictures=8, hypotheses=5, figure=False),
        "watch": WatchConfig(report_every=4, checkpoint_every=5),
    }
    return TrainConfig(**{**settings, **changes})
