"""What one of several processes has of the joint batch: its rows of each draw, and all rows for terms that need them.

Torch. With the same generator on every process, the losses and gradients, averaged over the processes, are those of one
process with the joint batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from poseterior.flow.config import MANIFOLD_LATENT_SIZE


def _itself(rows: Tensor) -> Tensor:
    return rows


class Share(NamedTuple):
    """The part of process `rank` of `processes`, whose equal shares make up the joint batch, in order."""

    rank: int = 0
    processes: int = 1
    gather: Callable[[Tensor], Tensor] = _itself
    """The rows of all processes, in order, out of this one's; a gradient goes back to the process that a row is of."""

    def own(self, joint: Float[Tensor, "joint ..."]) -> Float[Tensor, "own ..."]:
        """This process' rows of what was drawn for all."""
        size = len(joint) // self.processes
        return joint[self.rank * size : (self.rank + 1) * size]

    def joint_latents(self, like: Float[Tensor, "own 32"], number: int, generator: torch.Generator) -> Tensor:
        """z ~ N(0, I) for the joint batch, (joint, number, 16), of the type of this process' rows `like`."""
        shape = (len(like) * self.processes, number, MANIFOLD_LATENT_SIZE)
        return torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)

    def latents(self, like: Float[Tensor, "own 32"], number: int, generator: torch.Generator) -> Tensor:
        """This process' rows of `joint_latents`, (own, number, 16)."""
        return self.own(self.joint_latents(like, number, generator))


ALONE = Share()
"""One process."""
