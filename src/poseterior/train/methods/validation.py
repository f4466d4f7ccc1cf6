"""How good a network is on pairs that it was not trained on (torch)."""

from __future__ import annotations

import numpy as np
import torch

from poseterior.errors import ModelError
from poseterior.models.interface import picture_noise
from poseterior.models.network_lifter import NetworkLifter
from poseterior.train.batch import Batch
from poseterior.train.pose_errors import pose_errors_mm, poses_mm

_PICTURES_AT_ONCE = 64


@torch.no_grad()
def validate_network(
    network: NetworkLifter, pairs: Batch, num_hypotheses: int, seed: int
) -> dict[str, float]:
    """Means over the pairs; the same hypotheses each time. The network is left in eval mode.

    Returns:
        `mpjpe_*_mm` and `pmpjpe_*_mm` (METHOD section 5) of "oracle_best" and "oracle_worst" (chosen by the truth),
        "sample" (mean error), "mean" (of the mean pose) and "single"; and `nll_nats` (poses in metres) where the
        method has a density.

    Raises:
        ModelError: the network gives numbers that are not finite.
    """
    network.eval()
    starts = range(0, len(pairs.x), _PICTURES_AT_ONCE)
    parts = [
        _measured(
            network, Batch(*(values[start : start + _PICTURES_AT_ONCE] for values in pairs)), start,
            num_hypotheses, seed,
        )
        for start in starts
    ]  # fmt: skip
    return {name: float(np.concatenate([part[name] for part in parts]).mean()) for name in parts[0]}


def _measured(
    network: NetworkLifter, block: Batch, start: int, num_hypotheses: int, seed: int
) -> dict[str, np.ndarray]:
    numbers = np.arange(start, start + len(block.x))
    noise = torch.from_numpy(picture_noise(numbers, num_hypotheses, network.noise_size, seed)).to(block.x)
    samples = network.draw(block.y, block.condition, noise)
    if not samples.isfinite().all():
        raise ModelError(f"the network of {network.method} gives hypotheses that are not finite")
    single = poses_mm(network.single(block.y, block.condition)[:, None])[:, 0]
    measured = pose_errors_mm(poses_mm(samples), single, poses_mm(block.x[:, None])[:, 0], "single")
    if network.gives_log_prob:
        log_prob = network.log_prob(block.x[:, None], block.y, block.condition)
        measured["nll_nats"] = -log_prob[:, 0].double().cpu().numpy()
    return measured
