"""L_det: the pose comes back from its own 2D pose and latent (torch)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from poseterior.models.wehrbein import join_latent


def deterministic_input(
    z_hat: Float[Tensor, "pictures 16"], y: Float[Tensor, "pictures 32"]
) -> Float[Tensor, "pictures 1 48"]:
    """[z_hat, y], from which f^-1 must find x; no gradient goes back through z_hat (eq. 7)."""
    return join_latent(z_hat.detach()[:, None], y)


def deterministic_loss(
    x: Float[Tensor, "pictures 48"], x_det: Float[Tensor, "pictures 48"]
) -> Float[Tensor, ""]:
    """|x - f^-1(y, z_hat)|, mean over pictures and coordinates, metres (Wehrbein et al. 2021, eq. 7)."""
    return (x - x_det).abs().mean()
