"""Means of the losses over the steps since the last report, without waiting for the device in each step (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor

from poseterior.train.fabric import mean_over_processes

_COUNT = "steps"


class LossWindow:
    """Sums of losses by name; part of a run's state, so that a resumed run reports what it would have."""

    def __init__(self) -> None:
        self._sums: dict[str, Float[Tensor, ""]] = {}
        self._count = 0

    def add(self, losses: dict[str, Float[Tensor, ""]]) -> None:
        """Counts a step."""
        # in the order of the losses, also where the sums come from a checkpoint
        self._sums = {
            name: self._sums[name] + value if name in self._sums else value.clone()
            for name, value in losses.items()
        }
        self._count += 1

    def take_means(self, fabric: Fabric) -> dict[str, float]:
        """Means over steps and processes, by name; starts anew."""
        names = list(self._sums)
        sums = torch.stack([self._sums[name].float() for name in names])
        means = mean_over_processes(fabric, sums) / self._count
        self._sums, self._count = {}, 0
        return dict(zip(names, means.tolist(), strict=True))

    def first_not_finite(self) -> str | None:
        """The name of a loss that was NaN or infinite since the last report, if one was."""
        return next((name for name, value in self._sums.items() if not value.isfinite()), None)

    def state(self) -> dict[str, Tensor]:
        """The sums, and the number of steps in them."""
        return {**self._sums, _COUNT: torch.tensor(self._count)}

    def restore(self, state: dict[str, Tensor], device: torch.device) -> None:
        """Goes on from `state`."""
        self._sums = {name: value.to(device) for name, value in state.items() if name != _COUNT}
        self._count = int(state[_COUNT]) if _COUNT in state else 0
