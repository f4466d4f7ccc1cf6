"""How a compared network is trained: rate, batch, length; free of torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Shape = Literal["exponential", "cosine"]
DecayUnit = Literal["steps", "epochs"]


@dataclass(frozen=True)
class Recipe:
    """Adam; the defaults are those of Martinez et al. 2017, which most later lifters took over."""

    batch_size: int = 64
    epochs: float = 200.0
    """Passes through the training pairs, where no budget says otherwise."""
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    clip_norm: float | None = None
    """Largest norm of the gradient; None does not clip."""
    shape: Shape = "exponential"
    """exponential: times `decay` per `decay_every`, continuously. cosine: to 0 at the end."""
    decay: float = 0.96
    decay_every: float = 100_000.0
    decay_unit: DecayUnit = "steps"

    def steps(self, pairs: int) -> int:
        """Of a whole training on so many pairs."""
        return max(1, math.ceil(self.epochs * pairs / self.batch_size))

    def rate_factor(self, step: int, steps: int, pairs: int) -> float:
        """What the learning rate is multiplied by in `step` (from 0) of `steps`, on so many pairs."""
        if self.shape == "cosine":
            return (1 + math.cos(math.pi * step / steps)) / 2
        done = step if self.decay_unit == "steps" else step * self.batch_size / pairs
        return self.decay ** (done / self.decay_every)
