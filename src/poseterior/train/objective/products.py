"""Matrix products of the hypotheses' passes, by the quicker of PyTorch's two CPU libraries (torch).

For fp32, `torch.mm` always goes to MKL, which leaves half of the vector unit of other makers' processors
unused (on a Zen 5 core 105 of 235 GFLOP/s, where oneDNN gets all). PyTorch's own compiler reaches oneDNN by
the operator used here. Both round differently, and no further.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def linear(
    x: Float[Tensor, "rows in"],
    weight: Float[Tensor, "out in"],
    bias: Float[Tensor, " out"] | None = None,
    *,
    relu: bool = False,
) -> Float[Tensor, "rows out"]:
    """x weight^T + bias, then perhaps the ReLU; without a graph."""
    if _ONEDNN and x.device.type == "cpu" and x.dtype == torch.float32:
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "relu" if relu else "none", [], "")
    product = torch.nn.functional.linear(x, weight, bias)
    return product.relu_() if relu else product
