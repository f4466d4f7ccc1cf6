"""L_MB: the mean of the best few of many hypotheses is the pose (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from poseterior.skeleton import FLOW_16, indices_of
from poseterior.train.objective.config import RankedPose

Hypotheses = Float[Tensor, "pictures hypotheses 48"]
Poses = Float[Tensor, "pictures 48"]

_HIPS = indices_of(("right_hip", "left_hip"), FLOW_16)


def best_indices(
    x: Poses, hypotheses: Hypotheses, num_best: int, ranked_pose: RankedPose
) -> Int64[Tensor, "pictures best"]:
    """The `num_best` hypotheses with the lowest MPJPE, best first; no gradient."""
    with torch.no_grad():
        difference = _as_ranked(hypotheses - x[:, None], ranked_pose)
        mpjpe_m = difference.square().sum(dim=-2).sqrt().mean(dim=-1)
        return mpjpe_m.topk(num_best, dim=1, largest=False, sorted=True).indices


def best_of_many_loss(
    x: Poses, best_hypotheses: Float[Tensor, "pictures best 48"], ranked_pose: RankedPose
) -> Float[Tensor, ""]:
    """|x - mean of the best|, mean over pictures and coordinates, metres (Wehrbein et al. 2021, eq. 8)."""
    return _as_ranked(best_hypotheses.mean(dim=1) - x, ranked_pose).abs().mean()


def _as_ranked(difference: Float[Tensor, "*batch 48"], ranked_pose: RankedPose) -> Tensor:
    """A difference of poses as (..., 3, joints); putting the pelvis in and at the origin is linear."""
    joints = difference.unflatten(-1, (3, len(FLOW_16)))
    if ranked_pose == "flow_16":
        return joints
    pelvis = joints[..., _HIPS].mean(dim=-1, keepdim=True)
    return torch.cat([torch.zeros_like(pelvis), joints - pelvis], dim=-1)
