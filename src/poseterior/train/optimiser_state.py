"""An optimiser's state as named tensors and back (torch)."""

from __future__ import annotations

import torch
from torch import Tensor


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """ "parameter.key" -> tensor."""
    return {
        f"{index}.{key}": value
        for index, state in optimiser.state_dict()["state"].items()
        for key, value in state.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, flat: dict[str, Tensor], *, stepped: bool) -> None:
    """Puts the tensors back; raises ValueError where they are of other parameters, or none though it `stepped`."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in flat.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    groups = optimiser.state_dict()["param_groups"]
    # before the first step there is no state
    parameters = sorted(index for group in groups for index in group["params"]) if stepped else []
    if sorted(state) != parameters:
        raise ValueError("the optimiser has other parameters")
    optimiser.load_state_dict({"state": state, "param_groups": groups})
