"""The affine coupling block, in both directions, with log-determinant and tangents (torch).

Wehrbein et al. 2021, eq. 1, in the order of the authors' code (FrEIA's GLOWCouplingBlock): first the
second half sets scale and translation of the first (FrEIA's s2), then the changed first half those of the
second (s1).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseterior.flow.config import FlowConfig
from poseterior.flow.subnet import CouplingSubnet

State = Float[Tensor, "pictures hypotheses size"]
Tangents = Float[Tensor, "pictures hypotheses tangents size"]
LogDet = Float[Tensor, "pictures hypotheses"]


class Shares(NamedTuple):
    """The condition's part of both hidden layers of a block, computed once per picture."""

    from_second: Float[Tensor, "pictures 1 hidden"]
    from_first: Float[Tensor, "pictures 1 hidden"]


class CouplingBlock(nn.Module):
    """u -> v: first *= exp(s(second)), += t(second); then the same with the halves' roles exchanged."""

    def __init__(self, size: int, config: FlowConfig) -> None:
        super().__init__()
        self.first_size = size // 2
        self.second_size = size - size // 2
        self.from_second = CouplingSubnet(self.second_size, self.first_size, config)
        self.from_first = CouplingSubnet(self.first_size, self.second_size, config)

    def shares(self, encoded: Float[Tensor, "pictures encoded"]) -> Shares:
        """The condition's part of both hidden layers."""
        return Shares(self.from_second.condition_share(encoded), self.from_first.condition_share(encoded))

    def _halves(self, values: Tensor) -> tuple[Tensor, Tensor]:
        return values[..., : self.first_size], values[..., self.first_size :]

    def forward(self, state: State, shares: Shares) -> tuple[State, LogDet]:
        """From pose towards latent: the new state and log |det| of the step."""
        first, second = self._halves(state)
        on_first = self.from_second(second, shares.from_second)
        first = first * on_first.log_scale.exp() + on_first.translation
        on_second = self.from_first(first, shares.from_first)
        second = second * on_second.log_scale.exp() + on_second.translation
        log_det = on_first.log_scale.sum(dim=-1) + on_second.log_scale.sum(dim=-1)
        return torch.cat([first, second], dim=-1), log_det

    def inverse(self, state: State, shares: Shares) -> tuple[State, LogDet]:
        """From latent towards pose: the new state and log |det| of this inverse step."""
        first, second = self._halves(state)
        on_second = self.from_first(first, shares.from_first)
        second = (second - on_second.translation) * (-on_second.log_scale).exp()
        on_first = self.from_second(second, shares.from_second)
        first = (first - on_first.translation) * (-on_first.log_scale).exp()
        log_det = -on_first.log_scale.sum(dim=-1) - on_second.log_scale.sum(dim=-1)
        return torch.cat([first, second], dim=-1), log_det

    def inverse_with_tangents(
        self, state: State, tangents: Tangents, shares: Shares
    ) -> tuple[State, Tangents]:
        """`inverse`, and the tangents that it maps `tangents` to (forward mode, written out)."""
        first, second = self._halves(state)
        first_tangents, second_tangents = self._halves(tangents)
        second, second_tangents = _undo_with_tangents(
            self.from_first, first, first_tangents, second, second_tangents, shares.from_first
        )
        first, first_tangents = _undo_with_tangents(
            self.from_second, second, second_tangents, first, first_tangents, shares.from_second
        )
        return torch.cat([first, second], dim=-1), torch.cat([first_tangents, second_tangents], dim=-1)


def _undo_with_tangents(
    subnet: CouplingSubnet,
    passive: Tensor,
    passive_tangents: Tensor,
    active: Tensor,
    active_tangents: Tensor,
    share: Tensor,
) -> tuple[Tensor, Tensor]:
    value, tangent = subnet.with_tangents(passive, passive_tangents, share)
    shrink = (-value.log_scale).exp()
    undone = (active - value.translation) * shrink
    undone_tangents = (active_tangents - tangent.translation) * shrink[..., None, :]
    return undone, undone_tangents - undone[..., None, :] * tangent.log_scale
