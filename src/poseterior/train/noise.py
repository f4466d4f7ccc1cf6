"""Noise on training pairs against spikes and against trust in each last digit of a detection (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from poseterior.heatmaps.condition import MAX_AMPLITUDE
from poseterior.skeleton import CONDITION_13, FLOW_16, MPII_16, indices_of
from poseterior.train.batch import Batch
from poseterior.train.config import NoiseConfig

_HIPS = indices_of(("right_hip", "left_hip"), FLOW_16)
_CONDITION_JOINTS = indices_of(CONDITION_13, MPII_16)
_SEEN = [name for name in MPII_16 if name != "pelvis"]


def noisy_batch(batch: Batch, generator: torch.Generator, config: NoiseConfig) -> Batch:
    """The batch with the noise of `config`; what has a strength of 0 is left as it is."""
    if config.detection_share > 0:
        batch = _redetected(batch, generator, config.detection_share)
    if config.gaussian_share > 0:
        batch = batch._replace(condition=_rescaled(batch.condition, generator, config.gaussian_share))
    if config.joint_m > 0:
        # dequantisation: bones of equal length and joints in line have no density
        batch = batch._replace(x=_centred(batch.x + config.joint_m * _normal(batch.x, generator), axes=3))
    return batch


def _redetected(batch: Batch, generator: torch.Generator, share: float) -> Batch:
    """2D joints moved by a draw from share^2 times their heatmaps' covariances, in y and condition alike.

    Metres become units of y by the true joints' extent in the picture plane, as if seen from far away.
    """
    normal = _normal(batch.y, generator).reshape(-1, len(MPII_16), 2)
    moved_m = share * _correlated(normal, batch.heatmap_covariance_m2)
    offset = moved_m.mT.flatten(1) / _metres_per_unit(batch.x)[:, None]
    moved = _centred(batch.y + offset, axes=2)
    y = moved / moved.std(dim=1, correction=0, keepdim=True)
    step = (y - batch.y).reshape(len(y), 2, -1)[:, :, _CONDITION_JOINTS]
    condition = batch.condition.reshape(len(y), len(CONDITION_13), -1).clone()
    condition[:, :, 1:3] += step.mT
    return batch._replace(y=y, condition=condition.flatten(1))


def _rescaled(
    condition: Float[Tensor, "pictures 78"], generator: torch.Generator, share: float
) -> Float[Tensor, "pictures 78"]:
    """Amplitudes and standard deviations times exp(share n), half of the variance of n common to a picture.

    Another lens, codec or light moves them together; no joint's heatmap is known to the last digit.
    """
    per_joint = condition.reshape(len(condition), len(CONDITION_13), -1).clone()
    shape = per_joint.shape[:2]
    normal = torch.randn((2, shape[0], shape[1] + 1), generator=generator, device=condition.device)
    mixed = (normal[..., :1] + normal[..., 1:]).to(condition) / 2**0.5
    per_joint[..., 0] = (per_joint[..., 0] * torch.exp(share * mixed[0])).clamp_max(MAX_AMPLITUDE)
    per_joint[..., 3:] *= torch.exp(2 * share * mixed[1])[..., None]
    return per_joint.flatten(1)


def _correlated(
    normal: Float[Tensor, "pictures joints 2"], covariance: Float[Tensor, "pictures joints 2 2"]
) -> Float[Tensor, "pictures joints 2"]:
    """Standard normal numbers with the given covariance, by its Cholesky factor; flat Gaussians are fine."""
    first = covariance[..., 0, 0].clamp_min(1e-12).sqrt()
    across = covariance[..., 0, 1] / first
    second = (covariance[..., 1, 1] - across.square()).clamp_min(0).sqrt()
    u, v = normal.unbind(-1)
    return torch.stack([first * u, across * u + second * v], dim=-1)


def _metres_per_unit(x: Float[Tensor, "pictures 48"]) -> Float[Tensor, " pictures"]:
    """Standard deviation of the true joints' x and y over the joints of `MPII_16`: y has 1 there."""
    in_plane = x.reshape(len(x), 3, -1)[:, :2]
    pelvis = in_plane[:, :, _HIPS].mean(dim=2, keepdim=True)
    seen = torch.cat([in_plane[:, :, indices_of(tuple(_SEEN), FLOW_16)], pelvis], dim=2)
    centred = seen - seen.mean(dim=2, keepdim=True)
    return centred.flatten(1).std(dim=1, correction=0).clamp_min(1e-3)


def _centred(vectors: Float[Tensor, "pictures values"], axes: int) -> Float[Tensor, "pictures values"]:
    points = vectors.reshape(len(vectors), axes, -1)
    return (points - points.mean(dim=2, keepdim=True)).flatten(1)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)
