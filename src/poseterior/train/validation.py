"""How good a flow is on pairs that it was not trained on: errors, spread, coverage (torch)."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float

from poseterior.errors import ModelError
from poseterior.flow.flow import standard_normal_log_prob
from poseterior.metrics.calibration import region_coverage, truth_levels
from poseterior.metrics.marginal_calibration import central_levels, probability_integral_transform
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.models.wehrbein import WehrbeinFlow, join_latent
from poseterior.train.batch import Batch
from poseterior.train.pose_errors import pose_errors_mm, poses_mm
from poseterior.train.seeds import Stream, stream_generator

Flow = PosteriorFlow | WehrbeinFlow

_PICTURES_AT_ONCE = 64
NOMINAL = np.array([0.5, 0.9])
"""Levels of the intervals and regions of which the coverage is measured."""


def validate(flow: Flow, batch: Batch, num_hypotheses: int, seed: int) -> dict[str, float]:
    """Means over the pictures; the same hypotheses each time for the same weights, whatever the device draws.

    Returns:
        `mpjpe_*_mm` and `pmpjpe_*_mm` (protocols 1 and 2, METHOD section 5) of "oracle_best" and "oracle_worst"
        of the hypotheses (chosen by the truth), "sample" (their mean error), "mean" (of the mean pose) and "z0"
        (the pose of latent 0); `std_x_mm`, `std_y_mm`, `std_depth_mm` of the hypotheses, over the joints but the
        pelvis; `central_coverage_50` and `central_coverage_90` (share of the truth's single coordinates, relative
        to the pelvis, inside of the hypotheses' central intervals of 50 % and 90 %,
        `metrics.marginal_calibration`); and for the posterior family `nll_nats` (poses in metres), `coverage_50`
        and `coverage_90` (share of whole poses inside of the highest-density regions, `metrics.calibration`).

    Raises:
        ModelError: the flow gives numbers that are not finite.
    """
    generator = stream_generator("cpu", seed, Stream.VALIDATION)
    starts = range(0, len(batch.x), _PICTURES_AT_ONCE)
    blocks = [Batch(*(values[start : start + _PICTURES_AT_ONCE] for values in batch)) for start in starts]
    parts = [_measured(flow, block, num_hypotheses, generator) for block in blocks]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    level = joined.pop("level", None)
    means = {name: float(values.mean()) for name, values in joined.items()}
    if level is not None:
        means["coverage_50"], means["coverage_90"] = map(float, region_coverage(level, NOMINAL))
    return means


@torch.no_grad()
def draw_hypotheses(
    flow: Flow, batch: Batch, num_hypotheses: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Poses (pictures, hypotheses, 48) in metres, and, for the posterior family, their log-densities.

    Latents are drawn on the CPU, by the CPU's `generator`.
    """
    latent = torch.randn((len(batch.x), num_hypotheses, flow.latent_size), generator=generator).to(batch.x)
    if isinstance(flow, WehrbeinFlow):
        return flow.inverse(join_latent(latent, batch.y), batch.condition)[0], None
    poses, log_det = flow.inverse(latent, batch.y, batch.condition)
    return poses, standard_normal_log_prob(latent) - log_det


@torch.no_grad()
def _measured(
    flow: Flow, batch: Batch, num_hypotheses: int, generator: torch.Generator
) -> dict[str, Float[np.ndarray, " pictures"]]:
    samples, log_prob = draw_hypotheses(flow, batch, num_hypotheses, generator)
    if not samples.isfinite().all():
        raise ModelError("the flow gives hypotheses that are not finite")
    poses, truth = poses_mm(samples), poses_mm(batch.x[:, None])[:, 0]
    measured = pose_errors_mm(poses, poses_mm(_centre(flow, batch))[:, 0], truth, "z0")
    std = poses[:, :, 1:].std(axis=1, ddof=1).mean(axis=1)
    measured |= {f"std_{axis}_mm": std[:, column] for column, axis in enumerate(("x", "y", "depth"))}
    inside = _central_hits(poses, truth).mean(axis=1)
    measured["central_coverage_50"], measured["central_coverage_90"] = inside.T
    if isinstance(flow, PosteriorFlow) and log_prob is not None:
        truth_log_prob = _numpy(flow.log_prob(batch.x[:, None], batch.y, batch.condition)[:, 0])
        if not np.isfinite(truth_log_prob).all():
            raise ModelError(
                "nll_nats of the true poses is not finite: the training diverged, or a validation pose is far "
                "from all that the flow expects"
            )
        measured["nll_nats"] = -truth_log_prob
        measured["level"] = truth_levels(truth_log_prob, _numpy(log_prob))
    return measured


def _central_hits(
    poses: Float[np.ndarray, "pictures hypotheses 17 3"], truth: Float[np.ndarray, "pictures 17 3"]
) -> Bool[np.ndarray, "pictures 48 levels"]:
    """Is a coordinate of the truth, of the joints but the pelvis, in the central intervals of `NOMINAL`?"""
    # hypotheses last and contiguous, as they are counted
    coordinates = np.ascontiguousarray(np.moveaxis(poses[:, :, 1:].reshape(*poses.shape[:2], -1), 1, -1))
    pit = probability_integral_transform(coordinates, truth[:, 1:].reshape(len(truth), -1))
    return central_levels(pit)[..., None] <= NOMINAL


def _centre(flow: Flow, batch: Batch) -> torch.Tensor:
    latent = batch.x.new_zeros(len(batch.x), 1, flow.latent_size)
    if isinstance(flow, WehrbeinFlow):
        return flow.inverse(join_latent(latent, batch.y), batch.condition)[0]
    return flow.inverse(latent, batch.y, batch.condition)[0]


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.double().cpu().numpy()
