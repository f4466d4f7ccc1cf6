"""What the compared methods have in common as torch modules (torch)."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseterior.errors import ModelError
from poseterior.flow.config import ConditionInput

__all__ = ["ConditionInput", "NetworkLifter"]


class NetworkLifter(nn.Module):
    """A method that lifts by one network: x from y (and the condition) and noise.

    x (48) is a pose in metres in the flow's frame, mean-centred over its 16 joints and axis-major; y (32) the
    normalised 2D joints; condition (78) the heatmaps' Gaussians. Everything random about a hypothesis is `noise`:
    `noise_size` standard normal numbers, of which `draw` is a pure function.
    """

    method: ClassVar[str]
    """Its name in tables."""
    gives_log_prob: ClassVar[bool] = False
    log_prob_is_dear: ClassVar[bool] = False
    """Many times the work of a hypothesis: hypotheses come without it."""
    config: Any
    """Frozen dataclass with published sizes as defaults, and `inputs`: what is read of each picture."""
    noise_size: int
    """Numbers per hypothesis; 0 for a regressor."""

    def losses(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
    ) -> dict[str, Float[Tensor, ""]]:
        """What is minimised as "total", with its parts."""
        raise NotImplementedError

    def single(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> Float[Tensor, "pictures 48"]:
        """The method's single answer, metres."""
        raise NotImplementedError

    def draw(
        self,
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        noise: Float[Tensor, "pictures hypotheses noise"],
    ) -> Float[Tensor, "pictures hypotheses 48"]:
        """Hypotheses, metres."""
        raise NotImplementedError

    def log_prob(
        self,
        x: Float[Tensor, "pictures poses 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> Float[Tensor, "pictures poses"]:
        """log p(x | y, condition) in nats on the 45-dimensional space of centred poses in metres.

        Raises:
            ModelError: the method has no such density.
        """
        raise ModelError(f"{self.method} has no density; expected a method with gives_log_prob")

    def set_scale_from(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> None:
        """Takes what the method must know of the training set as a whole; here nothing."""
