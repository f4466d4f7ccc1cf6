"""Centred poses as 45 numbers of mean 0 and spread 1, for the methods that learn a density (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseterior.flow.centred import centred_basis
from poseterior.flow.config import CENTRED_SIZE

SMALLEST_SPREAD_M = 1e-4
"""Keeps dimensions in which the training poses do not differ from blowing up."""


class StandardCoordinates(nn.Module):
    """x (metres, flow frame) <-> (basis^T x - mean) / spread, with the isometry of `flow.centred`.

    A density p of the coordinates is the density p / prod(spread) of centred poses in metres, with respect to
    45-dimensional volume. A constant offset of x is ignored.
    """

    basis: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        # float64, so that `.double()` gives an isometry to 1e-16; not persistent, since it never changes
        self.register_buffer("basis", torch.from_numpy(centred_basis()), persistent=False)
        self.register_buffer("mean", torch.zeros(CENTRED_SIZE))
        self.register_buffer("spread", torch.ones(CENTRED_SIZE))

    @torch.no_grad()
    def set_from(self, poses_m: Float[Tensor, "poses 48"]) -> None:
        """Mean and standard deviation become those of these poses."""
        coordinates = poses_m @ self.basis.to(poses_m)
        self.mean.copy_(coordinates.mean(dim=0))
        self.spread.copy_(coordinates.std(dim=0).clamp_min(SMALLEST_SPREAD_M))

    def of_poses(self, x: Float[Tensor, "*batch 48"]) -> Float[Tensor, "*batch 45"]:
        """From metres."""
        return (x @ self.basis.to(x.dtype) - self.mean) / self.spread

    def to_poses(self, coordinates: Float[Tensor, "*batch 45"]) -> Float[Tensor, "*batch 48"]:
        """Back to metres, mean-centred."""
        return (coordinates * self.spread + self.mean) @ self.basis.to(coordinates.dtype).T

    def log_det(self) -> Float[Tensor, ""]:
        """log |det d coordinates / d x| on the centred subspace."""
        return -self.spread.log().sum()
