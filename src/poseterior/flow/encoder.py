"""The condition encoder h_theta (torch)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from poseterior.flow.config import FlowConfig


class ConditionEncoder(nn.Module):
    """Linear, ReLU, Linear (Wehrbein et al. 2021, section 3.2: 78 -> 256 -> 56, trained with the flow)."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.hidden = nn.Linear(config.encoder_input_size, config.encoder_hidden)
        self.output = nn.Linear(config.encoder_hidden, config.encoder_size)

    def forward(self, condition: Float[Tensor, "pictures inputs"]) -> Float[Tensor, "pictures encoded"]:
        """The encoded condition, one row per picture."""
        return self.output(self.hidden(condition).relu())
