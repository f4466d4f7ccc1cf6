"""The fixed permutation after each coupling block (torch)."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from poseterior.flow.config import PermutationKind


def permutation_indices(kind: PermutationKind, size: int, block: int) -> Int64[np.ndarray, " size"]:
    """Where each output value comes from: `permuted = values[..., indices]`.

    "freia" is FrEIA's PermuteRandom with seed = the block's index, as the authors use it: numpy's legacy
    generator, here without touching the global one.
    """
    if kind == "reverse":
        return np.arange(size, dtype=np.int64)[::-1].copy()
    return np.random.RandomState(block).permutation(size).astype(np.int64)


class FixedPermutation(nn.Module):
    """Reorders the last axis (log-determinant zero); the order follows from the config, not the weights."""

    indices: Tensor
    inverse_indices: Tensor

    def __init__(self, kind: PermutationKind, size: int, block: int) -> None:
        super().__init__()
        indices = permutation_indices(kind, size, block)
        self.register_buffer("indices", torch.from_numpy(indices), persistent=False)
        self.register_buffer("inverse_indices", torch.from_numpy(np.argsort(indices)), persistent=False)

    def forward(self, values: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch size"]:
        """From pose towards latent."""
        return values[..., self.indices]

    def inverse(self, values: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch size"]:
        """From latent towards pose."""
        return values[..., self.inverse_indices]
