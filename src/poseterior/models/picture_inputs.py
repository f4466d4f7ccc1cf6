"""What a network reads of each picture, as its config's `inputs` say (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from poseterior.flow.config import INPUT_SIZES, ConditionInput


def inputs_size(inputs: tuple[ConditionInput, ...]) -> int:
    """Numbers per picture."""
    return sum(INPUT_SIZES[name] for name in inputs)


def picture_inputs(
    inputs: tuple[ConditionInput, ...],
    y: Float[Tensor, "pictures 32"],
    condition: Float[Tensor, "pictures 78"],
) -> Float[Tensor, "pictures inputs"]:
    """y and condition, concatenated in the order of `inputs`; what is not named is left out."""
    given = {"y": y, "condition": condition}
    return torch.cat([given[name] for name in inputs], dim=-1)
