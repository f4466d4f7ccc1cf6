"""The deterministic baseline: one pose per picture by regression (torch).

Reference: Martinez, Hossain, Romero, Little, "A Simple Yet Effective Baseline for 3D Human Pose Estimation", ICCV
2017 (arXiv 1705.03098): `regression_trunk` with 1024 units, two residual blocks and max-norm 1, Linear to 48; the
loss is the mean squared error of the standardised coordinates. Published training: Adam, 1e-3 times 0.96 per 100,000
steps, batches of 64, 200 epochs.

Departures:
- Poses are centred over the 16 joints instead of the pelvis, in the input and in the target; the output is centred.
- y comes normalised per pose (METHOD section 1) before it is standardised; the authors standardise pixels.
- Optionally ("condition" among `inputs`) the network also reads the heatmaps' Gaussians.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from poseterior.flow.config import POSE_SIZE
from poseterior.models.centring import centred
from poseterior.models.network_lifter import ConditionInput
from poseterior.models.regression_trunk import ClippedLinear, RegressionTrunk, Standardiser
from poseterior.models.trunk_lifter import TrunkLifter


@dataclass(frozen=True)
class MartinezConfig:
    """Sizes of the regressor."""

    inputs: tuple[ConditionInput, ...] = ("y",)
    hidden: int = 1024
    blocks: int = 2
    dropout: float = 0.5
    max_norm: float = 1.0
    """Largest Frobenius norm with which a weight matrix acts."""


class Martinez2017(TrunkLifter):
    """The regressor; all of its hypotheses are the same. See the module."""

    method: ClassVar[str] = "martinez2017"
    gives_log_prob: ClassVar[bool] = False
    noise_size = 0

    def __init__(self, config: MartinezConfig | None = None) -> None:
        super().__init__()
        self.config = MartinezConfig() if config is None else config
        sizes = self.config
        self.trunk = RegressionTrunk(sizes.inputs, sizes.hidden, sizes.blocks, sizes.dropout, sizes.max_norm)
        self.pose = ClippedLinear(sizes.hidden, POSE_SIZE, sizes.max_norm)
        self.standardise = Standardiser(POSE_SIZE)

    def losses(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
    ) -> dict[str, Float[Tensor, ""]]:
        """The mean squared error of standardised coordinates; draws nothing from `generator`."""
        predicted = self.pose(self.trunk(y, condition))
        return {"total": (predicted - self.standardise(x)).square().mean()}

    def single(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> Float[Tensor, "pictures 48"]:
        """The regression, centred, metres."""
        return centred(self.standardise.back(self.pose(self.trunk(y, condition))))

    def draw(
        self,
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        noise: Float[Tensor, "pictures hypotheses 0"],
    ) -> Float[Tensor, "pictures hypotheses 48"]:
        """The regression, once per row of noise."""
        return self.single(y, condition)[:, None].expand(-1, noise.shape[1], -1)
