"""The mirrored picture of a mirrored person: left and right exchanged in all that a batch holds (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from poseterior.skeleton import CONDITION_13, FLOW_16, MPII_16, mirror_indices
from poseterior.train.batch import Batch

_CONDITION_SIGNS = (1.0, -1.0, 1.0, 1.0, -1.0, 1.0)
"""Of amplitude, mean x, mean y, var x, cov, var y (`heatmaps.condition`)."""


def mirrored_batch(batch: Batch) -> Batch:
    """Every pair as a mirror shows it: x turned over, each joint under the name of its twin."""
    swap_2d = mirror_indices(MPII_16)
    return Batch(
        x=_mirrored_points(batch.x, mirror_indices(FLOW_16), axes=3),
        y=_mirrored_points(batch.y, swap_2d, axes=2),
        condition=_mirrored_condition(batch.condition),
        heatmap_covariance_m2=_mirrored_covariances(batch.heatmap_covariance_m2[:, swap_2d]),
        uncertain=batch.uncertain[:, swap_2d],
    )


def randomly_mirrored(batch: Batch, generator: torch.Generator) -> Batch:
    """Each pair mirrored or not, by a fair coin."""
    chosen = torch.rand(len(batch.x), generator=generator, device=batch.x.device) < 0.5
    return Batch(*(_where(chosen, new, old) for new, old in zip(mirrored_batch(batch), batch, strict=True)))


def _where(chosen: Bool[Tensor, " pictures"], new: Tensor, old: Tensor) -> Tensor:
    return torch.where(chosen.reshape(-1, *[1] * (old.ndim - 1)), new, old)


def _mirrored_points(
    vectors: Float[Tensor, "pictures values"], swap: list[int], axes: int
) -> Float[Tensor, "pictures values"]:
    """Axis-major vectors, x first."""
    points = vectors.reshape(len(vectors), axes, -1)[:, :, swap]
    signs = vectors.new_tensor([-1.0] + [1.0] * (axes - 1))
    return (points * signs[:, None]).reshape(len(vectors), -1)


def _mirrored_condition(condition: Float[Tensor, "pictures 78"]) -> Float[Tensor, "pictures 78"]:
    per_joint = condition.reshape(len(condition), len(CONDITION_13), len(_CONDITION_SIGNS))
    signs = condition.new_tensor(_CONDITION_SIGNS)
    return (per_joint[:, mirror_indices(CONDITION_13)] * signs).reshape(len(condition), -1)


def _mirrored_covariances(
    covariances: Float[Tensor, "pictures joints 2 2"],
) -> Float[Tensor, "pictures joints 2 2"]:
    return covariances * covariances.new_tensor([[1.0, -1.0], [-1.0, 1.0]])
