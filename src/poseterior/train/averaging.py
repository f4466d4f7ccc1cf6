"""The moving average of a flow's weights, which is what is used afterwards (torch)."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def update_average(average: nn.Module, current: nn.Module, decay: float, steps: int) -> None:
    """Moves `average` towards `current`: average <- d average + (1 - d) current.

    Args:
        average: of the same class; changed in place.
        current: the weights after this step.
        decay: d in the long run, in [0, 1); 0 copies.
        steps: done so far, at least 1; at the start d = (1 + steps) / (10 + steps) if that is smaller, so that
            the first weights are soon forgotten.
    """
    weight = 1 - min(decay, (1 + steps) / (10 + steps))
    for averaged, value in zip(average.parameters(), current.parameters(), strict=True):
        averaged.lerp_(value, weight)
