"""L_HM: the hypotheses spread at least as the heatmaps' Gaussians (torch)."""

from __future__ import annotations

import functools

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from poseterior.skeleton import CONDITION_13, FLOW_16, MPII_16, indices_of
from poseterior.train.objective.config import HeatmapCentre, HeatmapJoints

Hypotheses = Float[Tensor, "pictures hypotheses 48"]

_TINY = 1e-30
"""Keeps the root's derivative finite where the spread is met exactly."""


def heatmap_loss(
    hypotheses: Hypotheses,
    heatmap_covariance_m2: Float[Tensor, "pictures 16 2 2"],
    uncertain: Bool[Tensor, "pictures 16"],
    centre: HeatmapCentre,
    joints: HeatmapJoints,
) -> Float[Tensor, ""]:
    """m sqrt(max(0, S11 - s11)^2 + max(0, S22 - s22)^2 + (S12 - s12)^2), in square metres.

    S is the heatmap's covariance, s that of the hypotheses, m whether the joint is `uncertain`; mean over
    pictures and joints, m = 0 included (Wehrbein et al. 2021, eqs. 3 and 4).
    """
    kept = heatmap_joint_indices(joints)
    spread = hypotheses_covariance(hypotheses, centre)[:, kept]
    lack = heatmap_covariance_m2[:, kept] - spread
    squared = (
        lack[..., 0, 0].clamp_min(0).square()
        + lack[..., 1, 1].clamp_min(0).square()
        + lack[..., 0, 1].square()
    )
    return ((squared + _TINY).sqrt() * uncertain[:, kept]).mean()


def heatmap_joint_indices(joints: HeatmapJoints) -> list[int]:
    """Indices into `MPII_16` of the joints that count."""
    return indices_of(MPII_16 if joints == "all" else CONDITION_13, MPII_16)


def hypotheses_covariance(hypotheses: Hypotheses, centre: HeatmapCentre) -> Float[Tensor, "pictures 16 2 2"]:
    """Unbiased covariance over the hypotheses of x and y of each joint of `MPII_16`, square metres, y up."""
    in_plane = hypotheses.unflatten(-1, (3, len(FLOW_16)))[..., :2, :]
    seen = in_plane @ _seen_from_flow(centre).to(hypotheses).T
    offset = seen - seen.mean(dim=1, keepdim=True)
    # (pictures, hypotheses, axes, joints) -> per picture and joint an axes x axes matrix
    return torch.einsum("phaj,phbj->pjab", offset, offset) / (hypotheses.shape[1] - 1)


@functools.cache
def _seen_from_flow(centre: HeatmapCentre) -> Float[Tensor, "seen flow"]:
    """Positions of the joints of `MPII_16` relative to `centre`, as weights of the flow's joints."""
    weights = torch.zeros(len(MPII_16), len(FLOW_16), dtype=torch.float64)
    for row, name in enumerate(MPII_16):
        weights[row] = _pelvis_weights() if name == "pelvis" else _weights_of((name,))
    return weights - (_pelvis_weights() if centre == "root" else _weights_of(FLOW_16))


def _pelvis_weights() -> Float[Tensor, " flow"]:
    return _weights_of(("right_hip", "left_hip"))


def _weights_of(names: tuple[str, ...]) -> Float[Tensor, " flow"]:
    """The mean of the named joints."""
    weights = torch.zeros(len(FLOW_16), dtype=torch.float64)
    weights[indices_of(names, FLOW_16)] = 1 / len(names)
    return weights
