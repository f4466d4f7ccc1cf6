"""From a batch to new weights: one optimiser for most methods, two for the adversarial one (torch)."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseterior.models.li2020 import Li2020
from poseterior.models.network_lifter import NetworkLifter
from poseterior.train.methods.li2020 import AdversaryConfig, Li2020Step
from poseterior.train.methods.recipe import Recipe

Losses = dict[str, Float[Tensor, ""]]


@runtime_checkable
class Fitter(Protocol):
    """What trains a network; everything that it learns is in `modules` and `optimisers`."""

    @property
    def modules(self) -> dict[str, nn.Module]:
        """By name, for checkpoints; "network" among them."""
        ...

    @property
    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """By name, for checkpoints."""
        ...

    def step(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
        rate_factor: float,
    ) -> Losses:
        """One step on a batch; its losses, without gradient."""
        ...


class AdamFitter:
    """Adam on `NetworkLifter.losses`."""

    def __init__(self, network: NetworkLifter, recipe: Recipe) -> None:
        self._network, self._recipe = network, recipe
        self.modules: dict[str, nn.Module] = {"network": network}
        optimiser = torch.optim.Adam(network.parameters(), recipe.learning_rate, recipe.betas, fused=True)
        self.optimisers: dict[str, torch.optim.Optimizer] = {"network": optimiser}

    def step(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
        rate_factor: float,
    ) -> Losses:
        """See `Fitter.step`; the gradient's norm, before it was clipped, is among the losses."""
        optimiser = self.optimisers["network"]
        losses = self._network.losses(x, y, condition, generator)
        optimiser.zero_grad()
        losses["total"].backward()
        largest = float("inf") if self._recipe.clip_norm is None else self._recipe.clip_norm
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), largest)
        for group in optimiser.param_groups:
            group["lr"] = self._recipe.learning_rate * rate_factor
        optimiser.step()
        return {**{name: loss.detach() for name, loss in losses.items()}, "gradient_norm": norm}


class Li2020Fitter:
    """The critic's step and the generator's (`train.methods.li2020`)."""

    def __init__(self, network: Li2020, recipe: Recipe) -> None:
        settings = AdversaryConfig(learning_rate=recipe.learning_rate, betas=recipe.betas)
        self._step = Li2020Step(network, settings)
        self._step.adversary.to(next(network.parameters()).device)
        self.modules: dict[str, nn.Module] = {"network": network, "adversary": self._step.adversary}
        self.optimisers: dict[str, torch.optim.Optimizer] = dict(self._step.optimisers)

    def step(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
        rate_factor: float,
    ) -> Losses:
        """See `Fitter.step`."""
        return self._step.step(x, y, condition, generator, rate_factor)


def fitter_for(network: NetworkLifter, recipe: Recipe) -> Fitter:
    """The fitter of the network's method, before its first step."""
    if isinstance(network, Li2020):
        return Li2020Fitter(network, recipe)
    return AdamFitter(network, recipe)
