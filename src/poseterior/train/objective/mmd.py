"""L_MMD: [y_hat, z_hat] is distributed like [y, z] with z ~ N(0, I) independent of y (torch)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from poseterior.train.objective.config import MmdEstimator

Vectors = Float[Tensor, "pictures size"]


def latent_loss(
    vector_hat: Float[Tensor, "pictures 48"],
    y: Float[Tensor, "pictures 32"],
    z: Float[Tensor, "pictures 16"],
    widths: Sequence[float],
    estimator: MmdEstimator,
) -> Float[Tensor, ""]:
    """Eq. 6 between [z_hat, y_hat] as the flow gives it and [z, y]; no gradient goes back through y_hat."""
    z_hat, y_hat = vector_hat[:, :16], vector_hat[:, 16:].detach()
    return squared_mmd(torch.cat([z_hat, y_hat], dim=1), torch.cat([z, y], dim=1), widths, estimator)


def squared_mmd(
    first: Vectors, second: Vectors, widths: Sequence[float], estimator: MmdEstimator
) -> Float[Tensor, ""]:
    """Squared maximum mean discrepancy of two samples of equal size n (Wehrbein et al. 2021, eq. 6).

    E k(v, v') + E k(w, w') - 2 E k(v, w); "unbiased" leaves each vector's kernel with itself out of the first
    two means (and may be negative), "biased" keeps it in.

    Raises:
        ValueError: fewer than two vectors for the unbiased estimator.
    """
    n, kernel_with_itself = len(first), float(len(widths))
    if estimator == "biased":
        own_pairs, left_out = n * n, 0.0
    elif n < 2:
        raise ValueError("the unbiased estimator needs at least two pictures")
    else:
        own_pairs, left_out = n * (n - 1), n * kernel_with_itself
    within = _kernel(first, first, widths).sum() + _kernel(second, second, widths).sum() - 2 * left_out
    return within / own_pairs - 2 * _kernel(first, second, widths).mean()


def _kernel(first: Vectors, second: Vectors, widths: Sequence[float]) -> Float[Tensor, "pictures pictures"]:
    """Inverse multiquadratics, sum over b = width^2 of b / (b + ||v - w||^2) (eq. 10)."""
    squared_distance = (first[:, None] - second[None]).square().sum(dim=-1)
    parts = [width**2 / (width**2 + squared_distance) for width in widths]
    return torch.stack(parts).sum(dim=0)
