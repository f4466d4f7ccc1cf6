"""L_2D: the forward pass finds the 2D pose (torch)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def two_d_loss(y: Float[Tensor, "pictures 32"], y_hat: Float[Tensor, "pictures 32"]) -> Float[Tensor, ""]:
    """|y - y_hat|, mean over pictures and coordinates (Wehrbein et al. 2021, eq. 5); normalised 2D poses."""
    return (y - y_hat).abs().mean()
