"""A module with its optimiser: from a loss to new weights (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn

from poseterior.train.config import Clipping, OptimiserConfig
from poseterior.train.fabric import average_gradients


class Learner:
    """Adam on a module's weights, with gradients averaged over the processes and clipped."""

    def __init__(
        self, module: nn.Module, config: OptimiserConfig, fabric: Fabric, clipping: Clipping
    ) -> None:
        self.module = module
        self._config = config
        self._fabric = fabric
        self._clipping = clipping
        matrices = [parameter for parameter in module.parameters() if parameter.ndim > 1]
        others = [parameter for parameter in module.parameters() if parameter.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": config.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        # one kernel for all weights, which the CPU has as well as CUDA
        self.optimiser = torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=True)

    def update(self, loss: Float[Tensor, ""], rate_factor: float) -> Float[Tensor, ""]:
        """One step along the gradient of `loss`; returns the gradient's norm before it was clipped."""
        self.optimiser.zero_grad()
        self._fabric.backward(loss)
        average_gradients(self._fabric, self.module)
        norm = self._clip()
        for group in self.optimiser.param_groups:
            group["lr"] = self._config.learning_rate * rate_factor
        self.optimiser.step()
        return norm

    def _clip(self) -> Float[Tensor, ""]:
        parameters = list(self.module.parameters())
        if self._clipping == "norm":
            return nn.utils.clip_grad_norm_(parameters, self._config.clip_at)
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        if self._clipping == "value":
            nn.utils.clip_grad_value_(parameters, self._config.clip_at)
        return norm
