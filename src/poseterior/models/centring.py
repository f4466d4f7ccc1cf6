"""Poses without their place: the mean over the joints taken off (torch)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from poseterior.skeleton import FLOW_16

JOINTS = len(FLOW_16)


def centred(poses: Float[Tensor, "*batch 48"]) -> Float[Tensor, "*batch 48"]:
    """The same poses with the mean over the 16 joints taken off on each axis."""
    per_axis = poses.unflatten(-1, (3, JOINTS))
    return (per_axis - per_axis.mean(dim=-1, keepdim=True)).flatten(start_dim=-2)
