"""The critic that tells poses from hypotheses (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from poseterior.flow.config import POSE_SIZE
from poseterior.train.objective.kcs import KCS_BONES, KinematicChain
from poseterior.train.objective.products import QuickLinear

POSE_HIDDEN = 100
CHAIN_HIDDEN = 1000


class PoseCritic(nn.Module):
    """Pose -> score, high for poses that look real: RepNet's critic without its last non-linearity.

    One path sees the pose (48 -> 100, a residual pair of layers, 100 -> 100), the other its kinematic chain
    space (256 -> 1000, a residual pair of layers); joined 1100 -> 100 -> 1; leaky ReLU (METHOD section 4;
    Wandt & Rosenhahn 2019, figure 3).
    """

    def __init__(self) -> None:
        super().__init__()
        self.pose_in = QuickLinear(POSE_SIZE, POSE_HIDDEN)
        self.pose_middle = QuickLinear(POSE_HIDDEN, POSE_HIDDEN)
        self.pose_residual = QuickLinear(POSE_HIDDEN, POSE_HIDDEN)
        self.pose_out = QuickLinear(POSE_HIDDEN, POSE_HIDDEN)
        self.chain = KinematicChain()
        self.chain_in = QuickLinear(len(KCS_BONES) ** 2, CHAIN_HIDDEN)
        self.chain_middle = QuickLinear(CHAIN_HIDDEN, CHAIN_HIDDEN)
        self.chain_residual = QuickLinear(CHAIN_HIDDEN, CHAIN_HIDDEN)
        self.joined = QuickLinear(POSE_HIDDEN + CHAIN_HIDDEN, POSE_HIDDEN)
        self.score = QuickLinear(POSE_HIDDEN, 1)

    def forward(self, x: Float[Tensor, "poses 48"]) -> Float[Tensor, " poses"]:
        """Scores of poses in metres, in the flow's frame."""
        both = torch.cat([self._pose_path(x), self._chain_path(x)], dim=1)
        return self.score(leaky_relu(self.joined(both)))[:, 0]

    def _pose_path(self, x: Tensor) -> Tensor:
        first = leaky_relu(self.pose_in(x))
        middle = leaky_relu(self.pose_middle(first))
        return self.pose_out(leaky_relu(self.pose_residual(middle) + first))

    def _chain_path(self, x: Tensor) -> Tensor:
        first = leaky_relu(self.chain_in(self.chain(x)))
        return self.chain_residual(leaky_relu(self.chain_middle(first))) + first
