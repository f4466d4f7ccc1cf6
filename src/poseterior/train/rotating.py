"""The turned picture: the camera rolled about its viewing axis, with all that a batch holds (torch).

Rolling a camera turns the camera frame and the picture alike, so that a turned pair is a true pair. Only the
detector is not asked again: it may see a person who leans a little differently from an upright one.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from poseterior.skeleton import CONDITION_13
from poseterior.train.batch import Batch


def rotated_batch(batch: Batch, angle: Float[Tensor, " pictures"]) -> Batch:
    """Every pair turned by its angle in radians, from x (right) towards y (up).

    `uncertain` stays as it is: it belongs to the heatmap's own axes.
    """
    turn = _turns(angle.to(batch.x))
    x = batch.x.reshape(len(batch.x), 3, -1)
    in_plane = turn @ x[:, :2]
    y = turn @ batch.y.reshape(len(batch.y), 2, -1)
    return batch._replace(
        x=torch.cat([in_plane, x[:, 2:]], dim=1).flatten(1),
        y=y.flatten(1),
        condition=_turned_condition(batch.condition, turn),
        heatmap_covariance_m2=_turned_covariances(batch.heatmap_covariance_m2, turn),
    )


def randomly_rotated(batch: Batch, generator: torch.Generator, sigma_degrees: float) -> Batch:
    """Each pair turned by an angle from N(0, sigma_degrees^2)."""
    normal = torch.randn(len(batch.x), generator=generator, device=batch.x.device, dtype=batch.x.dtype)
    return rotated_batch(batch, normal * math.radians(sigma_degrees))


def _turns(angle: Float[Tensor, " pictures"]) -> Float[Tensor, "pictures 2 2"]:
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cos, -sin], dim=-1), torch.stack([sin, cos], dim=-1)], dim=-2)


def _turned_condition(
    condition: Float[Tensor, "pictures 78"], turn: Float[Tensor, "pictures 2 2"]
) -> Float[Tensor, "pictures 78"]:
    """Of amplitude, mean x, mean y, var x, cov, var y (`heatmaps.condition`)."""
    per_joint = condition.reshape(len(condition), len(CONDITION_13), -1)
    means = per_joint[..., 1:3] @ turn.mT
    covariances = per_joint[..., [3, 4, 4, 5]].unflatten(-1, (2, 2))
    turned = _turned_covariances(covariances, turn).flatten(-2)[..., [0, 1, 3]]
    return torch.cat([per_joint[..., :1], means, turned], dim=-1).flatten(1)


def _turned_covariances(
    covariances: Float[Tensor, "pictures joints 2 2"], turn: Float[Tensor, "pictures 2 2"]
) -> Float[Tensor, "pictures joints 2 2"]:
    return turn[:, None] @ covariances @ turn[:, None].mT
