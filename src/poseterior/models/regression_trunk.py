"""The residual perceptron of Martinez et al. 2017, which the mixture density network shares (torch).

Reference: Martinez, Hossain, Romero, Little, "A Simple Yet Effective Baseline for 3D Human Pose Estimation", ICCV
2017 (arXiv 1705.03098), section 3. Linear to 1024, batch norm, ReLU, dropout 0.5; then residual blocks of two such
layers each. Inputs are standardised coordinate by coordinate; weights start as in He et al. 2015.

Max-norm: a weight matrix acts as if it were scaled down to Frobenius norm 1 (where it is larger), as in the authors'
public code, which was read for it. The scaling is part of the layer, and gradients pass through it: to project a
matrix of a million weights onto that ball after each step of Adam would undo the step.

Biases that a batch norm would take away again are left out. Batch norm has PyTorch's constants.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseterior.flow.config import ConditionInput
from poseterior.models.picture_inputs import inputs_size, picture_inputs

SMALLEST_SPREAD = 1e-4
"""Keeps coordinates that do not vary from blowing up."""


class Standardiser(nn.Module):
    """values <-> (values - mean) / spread, coordinate by coordinate."""

    mean: Tensor
    spread: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))

    @torch.no_grad()
    def set_from(self, values: Float[Tensor, "rows size"]) -> None:
        """Mean and standard deviation become those of the rows."""
        self.mean.copy_(values.mean(dim=0))
        self.spread.copy_(values.std(dim=0).clamp_min(SMALLEST_SPREAD))

    def forward(self, values: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch size"]:
        """Standardised."""
        return (values - self.mean) / self.spread

    def back(self, standardised: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch size"]:
        """In their own unit."""
        return self.mean + self.spread * standardised


class ClippedLinear(nn.Module):
    """x W^T min(1, max_norm / |W|) + b, |W| the Frobenius norm."""

    def __init__(self, inputs: int, outputs: int, max_norm: float, *, bias: bool = True) -> None:
        super().__init__()
        self.max_norm = max_norm
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, values: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows outputs"]:
        """The layer's outputs."""
        # the product is scaled, which is the same and cheaper than to scale the weights
        factor = (self.max_norm / self.weight.square().sum().sqrt()).clamp(max=1)
        product = factor * (values @ self.weight.T)
        return product if self.bias is None else product + self.bias


class TrunkBlock(nn.Module):
    """x + two times (linear, batch norm, ReLU, dropout)."""

    def __init__(self, size: int, dropout: float, max_norm: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *trunk_layer(size, size, dropout, max_norm), *trunk_layer(size, size, dropout, max_norm)
        )

    def forward(self, state: Float[Tensor, "rows size"]) -> Float[Tensor, "rows size"]:
        """New features."""
        return state + self.layers(state)


def trunk_layer(inputs: int, outputs: int, dropout: float, max_norm: float) -> tuple[nn.Module, ...]:
    """Linear, batch norm, ReLU, dropout."""
    linear = ClippedLinear(inputs, outputs, max_norm, bias=False)
    return linear, nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(dropout)


class RegressionTrunk(nn.Module):
    """Features of a picture from its 2D pose (and condition)."""

    def __init__(
        self,
        inputs: tuple[ConditionInput, ...],
        hidden: int,
        blocks: int,
        dropout: float,
        max_norm: float,
    ) -> None:
        super().__init__()
        self._inputs = inputs
        size = inputs_size(inputs)
        self.standardise = Standardiser(size)
        self.layers = nn.Sequential(
            *trunk_layer(size, hidden, dropout, max_norm),
            *(TrunkBlock(hidden, dropout, max_norm) for _ in range(blocks)),
        )

    def set_scale_from(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> None:
        """Inputs are standardised by these."""
        self.standardise.set_from(self._joined(y, condition))

    def forward(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> Float[Tensor, "pictures hidden"]:
        """The features."""
        return self.layers(self.standardise(self._joined(y, condition)))

    def _joined(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> Float[Tensor, "pictures inputs"]:
        return picture_inputs(self._inputs, y, condition)
