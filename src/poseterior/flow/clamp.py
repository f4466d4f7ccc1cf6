"""The soft clamp of a coupling block's log-scale, and its derivative (torch)."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from poseterior.flow.config import ClampVariant

CLAMP_FACTOR: dict[ClampVariant, float] = {"paper": 2 / math.pi, "official": 0.636}
"""Wehrbein et al. 2021, eq. 2, and the rounding of 2/pi in the FrEIA release that the authors used."""


def soft_clamp(raw: Float[Tensor, "*shape"], alpha: float, variant: ClampVariant) -> Float[Tensor, "*shape"]:
    """factor * alpha * atan(raw / alpha): a log-scale that stays within (-alpha, alpha)."""
    return (CLAMP_FACTOR[variant] * alpha) * torch.atan(raw / alpha)


def soft_clamp_slope(
    raw: Float[Tensor, "*shape"], alpha: float, variant: ClampVariant
) -> Float[Tensor, "*shape"]:
    """Derivative of `soft_clamp` with respect to `raw`."""
    return CLAMP_FACTOR[variant] / (1 + (raw / alpha) ** 2)
