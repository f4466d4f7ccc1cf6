"""The network inside a coupling block that gives scale and translation (torch)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseterior.flow.clamp import soft_clamp, soft_clamp_slope
from poseterior.flow.config import ClampVariant, FlowConfig


class Affine(NamedTuple):
    """What a sub-network says about the other half: `half * exp(log_scale) + translation`."""

    log_scale: Float[Tensor, "pictures hypotheses out"]
    translation: Float[Tensor, "pictures hypotheses out"]


class CouplingSubnet(nn.Module):
    """Linear(half + encoded) -> hidden, ReLU, Linear -> [log-scale, translation].

    The first layer is kept in two parts, one on the half of the state and one (with the bias) on the encoded
    condition, because the second is the same for all hypotheses of a picture: `condition_share` computes it
    once per picture. Side by side they are the authors' one weight matrix.
    """

    def __init__(self, in_size: int, out_size: int, config: FlowConfig) -> None:
        super().__init__()
        self.clamp_alpha = config.clamp_alpha
        self.clamp_variant: ClampVariant = config.clamp
        self.from_state = nn.Linear(in_size, config.hidden, bias=False)
        self.from_condition = nn.Linear(config.encoder_size, config.hidden)
        self.output = nn.Linear(config.hidden, 2 * out_size)
        self._reset_first_layer(fan_in=in_size + config.encoder_size)

    def _reset_first_layer(self, fan_in: int) -> None:
        # PyTorch's default for the joined layer: uniform within 1 / sqrt(fan_in)
        bound = 1 / math.sqrt(fan_in)
        for parameter in (self.from_state.weight, self.from_condition.weight, self.from_condition.bias):
            nn.init.uniform_(parameter, -bound, bound)

    def condition_share(
        self, encoded: Float[Tensor, "pictures encoded"]
    ) -> Float[Tensor, "pictures 1 hidden"]:
        """The condition's part of the hidden layer, W_c h + b, once per picture."""
        return self.from_condition(encoded)[:, None]

    def forward(
        self, half: Float[Tensor, "pictures hypotheses in"], share: Float[Tensor, "pictures 1 hidden"]
    ) -> Affine:
        """Scale and translation for the other half."""
        raw, translation = self.output((self.from_state(half) + share).relu()).chunk(2, dim=-1)
        return Affine(soft_clamp(raw, self.clamp_alpha, self.clamp_variant), translation)

    def with_tangents(
        self,
        half: Float[Tensor, "pictures hypotheses in"],
        tangents: Float[Tensor, "pictures hypotheses tangents in"],
        share: Float[Tensor, "pictures 1 hidden"],
    ) -> tuple[Affine, Affine]:
        """`forward`, and its directional derivatives along `tangents` (forward mode, written out)."""
        hidden = self.from_state(half) + share
        raw, translation = self.output(hidden.relu()).chunk(2, dim=-1)
        active = (hidden > 0).to(hidden.dtype)[..., None, :]
        hidden_tangents = self.from_state(tangents) * active
        raw_tangents, translation_tangents = nn.functional.linear(hidden_tangents, self.output.weight).chunk(
            2, dim=-1
        )
        slope = soft_clamp_slope(raw, self.clamp_alpha, self.clamp_variant)[..., None, :]
        value = Affine(soft_clamp(raw, self.clamp_alpha, self.clamp_variant), translation)
        return value, Affine(slope * raw_tangents, translation_tangents)

    @torch.no_grad()
    def joined_first_layer(self) -> tuple[Float[Tensor, "hidden joined"], Float[Tensor, " hidden"]]:
        """Weight and bias of the first layer as one Linear(half + encoded, hidden), the authors' layout."""
        weight = torch.cat([self.from_state.weight, self.from_condition.weight], dim=1)
        return weight, self.from_condition.bias.clone()

    @torch.no_grad()
    def load_joined_first_layer(
        self, weight: Float[Tensor, "hidden joined"], bias: Float[Tensor, " hidden"]
    ) -> None:
        """The inverse of `joined_first_layer`."""
        split = self.from_state.in_features
        self.from_state.weight.copy_(weight[:, :split])
        self.from_condition.weight.copy_(weight[:, split:])
        self.from_condition.bias.copy_(bias)
