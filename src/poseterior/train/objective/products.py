"""Matrix products by the quicker of PyTorch's two CPU libraries (torch).

For fp32, `torch.mm` always goes to MKL, which leaves half of the vector unit of other makers' processors
unused (on a Zen 5 core 105 of 235 GFLOP/s, where oneDNN gets all). PyTorch's own compiler reaches oneDNN by
the operator used here. Both round differently, and no further.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def linear(
    x: Float[Tensor, "rows in"],
    weight: Float[Tensor, "out in"],
    bias: Float[Tensor, " out"] | None = None,
    *,
    relu: bool = False,
) -> Float[Tensor, "rows out"]:
    """x weight^T + bias, then perhaps the ReLU; without a graph."""
    if _goes_to_onednn(x):
        # other strides send oneDNN to its reference code, a thousand times slower
        if not (weight.is_contiguous() or weight.T.is_contiguous()):
            weight = weight.contiguous()
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "relu" if relu else "none", [], "")
    product = torch.nn.functional.linear(x, weight, bias)
    return product.relu_() if relu else product


def _goes_to_onednn(x: Tensor) -> bool:
    return _ONEDNN and x.device.type == "cpu" and x.dtype == torch.float32


class Product(torch.autograd.Function):
    """a b^T by `linear`, differentiable as often as one likes."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:  # noqa: D102 - autograd's own name
        ctx.save_for_backward(a, b)
        return linear(a, b)

    @staticmethod
    def backward(ctx: Any, *of_output: Tensor) -> tuple[Tensor | None, Tensor | None]:  # noqa: D102 - likewise
        a, b = ctx.saved_tensors
        of_product = of_output[0]
        of_a = Product.apply(of_product, b.T) if ctx.needs_input_grad[0] else None
        of_b = Product.apply(of_product.T, a.T) if ctx.needs_input_grad[1] else None
        return of_a, of_b


class QuickLinear(nn.Linear):
    """`nn.Linear`, by `Product` where that is quicker."""

    def forward(self, input: Float[Tensor, "rows in"]) -> Float[Tensor, "rows out"]:
        """input weight^T + bias."""
        if not _goes_to_onednn(input):
            return super().forward(input)
        return Product.apply(input, self.weight) + self.bias
