"""The kernels of a mixture, chosen by their weights (torch)."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor


def drawn_kernels(
    noise: Float[Tensor, "pictures hypotheses 1"], log_weights: Float[Tensor, "pictures kernels"]
) -> Int[Tensor, "pictures hypotheses"]:
    """The kernel that each standard normal number chooses: by the weights, through the normal's distribution."""
    uniform = 0.5 * (1 + torch.erf(noise / math.sqrt(2)))
    up_to = log_weights.exp().cumsum(dim=-1)[:, None, :-1]
    return (uniform > up_to).sum(dim=-1)


def of_kernels(
    values: Float[Tensor, "pictures kernels size"], kernels: Int[Tensor, "pictures chosen"]
) -> Float[Tensor, "pictures chosen size"]:
    """The rows of the chosen kernels."""
    return values.gather(1, kernels[..., None].expand(-1, -1, values.shape[-1]))
