"""Encoder, coupling blocks and permutations in a row: the body that both families share (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseterior.flow.config import FlowConfig
from poseterior.flow.coupling import CouplingBlock, LogDet, Shares, State, Tangents
from poseterior.flow.encoder import ConditionEncoder
from poseterior.flow.permutation import FixedPermutation


class ConditionalFlow(nn.Module):
    """Bijection of R^size given a condition: blocks, each followed by a fixed permutation.

    The state has a row per picture and hypothesis, the condition one row per picture; what follows from the
    condition alone is computed once per picture (Wehrbein et al. 2021, section 3.1; 8 blocks).
    """

    def __init__(self, size: int, config: FlowConfig) -> None:
        super().__init__()
        self.encoder = ConditionEncoder(config)
        self.blocks = nn.ModuleList([CouplingBlock(size, config) for _ in range(config.blocks)])
        self.permutations = nn.ModuleList(
            [FixedPermutation(config.permutation, size, block) for block in range(config.blocks)]
        )

    def coupling_blocks(self) -> list[CouplingBlock]:
        """The blocks, in the order from pose towards latent."""
        return [block for block in self.blocks if isinstance(block, CouplingBlock)]

    def _steps(self) -> list[tuple[CouplingBlock, FixedPermutation]]:
        permutations = [step for step in self.permutations if isinstance(step, FixedPermutation)]
        return list(zip(self.coupling_blocks(), permutations, strict=True))

    def shares(self, condition: Float[Tensor, "pictures inputs"]) -> list[Shares]:
        """The condition's part of every hidden layer, once per picture."""
        encoded = self.encoder(condition)
        return [block.shares(encoded) for block, _ in self._steps()]

    def forward(self, state: State, condition: Float[Tensor, "pictures inputs"]) -> tuple[State, LogDet]:
        """From pose towards latent, with log |det d latent / d pose|."""
        log_det = state.new_zeros(state.shape[:-1])
        for (block, permutation), shares in zip(self._steps(), self.shares(condition), strict=True):
            state, step = block(state, shares)
            state, log_det = permutation(state), log_det + step
        return state, log_det

    def inverse(self, state: State, condition: Float[Tensor, "pictures inputs"]) -> tuple[State, LogDet]:
        """From latent towards pose, with log |det d pose / d latent|."""
        log_det = state.new_zeros(state.shape[:-1])
        for (block, permutation), shares in zip(
            reversed(self._steps()), reversed(self.shares(condition)), strict=True
        ):
            state, step = block.inverse(permutation.inverse(state), shares)
            log_det = log_det + step
        return state, log_det

    def inverse_with_tangents(
        self, state: State, tangents: Tangents, condition: Float[Tensor, "pictures inputs"]
    ) -> tuple[State, Tangents]:
        """`inverse`, and d pose along each of `tangents` (forward mode)."""
        for (block, permutation), shares in zip(
            reversed(self._steps()), reversed(self.shares(condition)), strict=True
        ):
            state, tangents = block.inverse_with_tangents(
                permutation.inverse(state), permutation.inverse(tangents), shares
            )
        return state, tangents


def standard_normal_log_prob(values: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch"]:
    """log N(values; 0, I) in nats."""
    half_log_2pi = 0.5 * torch.log(values.new_tensor(2 * torch.pi))
    return -0.5 * values.square().sum(dim=-1) - values.shape[-1] * half_log_2pi
