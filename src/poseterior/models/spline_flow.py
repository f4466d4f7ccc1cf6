"""A conditional neural spline flow, from the optional package zuko (torch).

Reference: Durkan, Bekasov, Murray, Papamakarios, "Neural Spline Flows", NeurIPS 2019 (arXiv 1906.04032): coupling
layers whose monotone rational-quadratic splines, K bins on [-5, 5], are given by a network of the other half and of
the picture. In standardised coordinates u of the centred poses (45 numbers, `standard_coordinates`):

    log p(x | y, c) = log N(f(u; y, c); 0, I) + log |det df/du| + log |det du/dx|,      loss = -mean log p(x | y, c).

Departures: the paper has no pose lifting. Coupling layers (two passes) instead of autoregressive ones, so that drawing
is as cheap as the density; a fixed permutation decides the halves of every layer; the picture enters through
the encoder of the posterior flow (Linear, ReLU, Linear), and the sizes are chosen to have about as many numbers as it
(2.1 million). Outside of [-5, 5] standard deviations the map is the identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseterior.errors import ModelError
from poseterior.flow.config import CENTRED_SIZE
from poseterior.flow.flow import standard_normal_log_prob
from poseterior.models.density_lifter import DensityLifter
from poseterior.models.network_lifter import ConditionInput
from poseterior.models.picture_inputs import inputs_size, picture_inputs

COUPLING_PASSES = 2


@dataclass(frozen=True)
class SplineFlowConfig:
    """Sizes of the flow."""

    inputs: tuple[ConditionInput, ...] = ("y", "condition")
    layers: int = 6
    bins: int = 8
    """K of the paper."""
    hidden: int = 256
    """Of both hidden layers of every coupling layer's network."""
    encoder_hidden: int = 256
    encoder_size: int = 56


class SplineFlow(DensityLifter):
    """The lifter of neural spline flows; see the module.

    Noise: the 45 standard normal numbers that the flow carries to a pose. `single` is the pose of noise 0.
    """

    method: ClassVar[str] = "spline_flow"

    def __init__(self, config: SplineFlowConfig | None = None) -> None:
        """Builds the network.

        Raises:
            ModelError: the optional package zuko is missing.
        """
        super().__init__()
        self.config = SplineFlowConfig() if config is None else config
        self.encoder = nn.Sequential(
            nn.Linear(inputs_size(self.config.inputs), self.config.encoder_hidden),
            nn.ReLU(),
            nn.Linear(self.config.encoder_hidden, self.config.encoder_size),
        )
        self.layers = _coupling_layers(self.config)

    def losses(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
    ) -> dict[str, Float[Tensor, ""]]:
        """Mean negative log-likelihood of the poses, nats, metres."""
        return {"total": -self.log_prob(x[:, None], y, condition).mean()}

    def draw(
        self,
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        noise: Float[Tensor, "pictures hypotheses 45"],
    ) -> Float[Tensor, "pictures hypotheses 48"]:
        """The poses to which the noise is carried, metres, mean-centred."""
        encoded, state = self._encoded(y, condition), noise
        for layer in reversed(self.layers):
            state = layer(encoded).inv(state)
        return self.coordinates.to_poses(state)

    def log_prob(
        self,
        x: Float[Tensor, "pictures poses 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> Float[Tensor, "pictures poses"]:
        """log p(x | y, c) in nats, poses in metres, on the 45-dimensional space of centred poses; exact."""
        encoded, state = self._encoded(y, condition), self.coordinates.of_poses(x)
        log_det = self.coordinates.log_det().expand(state.shape[:-1])
        for layer in self.layers:
            state, step = layer(encoded).call_and_ladj(state)
            log_det = log_det + step
        return standard_normal_log_prob(state) + log_det

    def _encoded(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> Float[Tensor, "pictures 1 encoded"]:
        return self.encoder(picture_inputs(self.config.inputs, y, condition))[:, None]


def _coupling_layers(config: SplineFlowConfig) -> nn.ModuleList:
    """Spline layers of zuko, whose halves are fixed by the layer's number."""
    zuko = _import_zuko()
    layers = nn.ModuleList(
        zuko.flows.MaskedAutoregressiveTransform(
            features=CENTRED_SIZE,
            context=config.encoder_size,
            passes=COUPLING_PASSES,
            order=torch.from_numpy(np.random.RandomState(number).permutation(CENTRED_SIZE)),
            univariate=partial(zuko.transforms.MonotonicRQSTransform, slope=1e-3),
            shapes=[(config.bins,), (config.bins,), (config.bins - 1,)],
            hidden_features=(config.hidden, config.hidden),
        )
        for number in range(config.layers)
    )
    for module in layers.modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            # orders and masks follow from the config: they are no weights, and not of floating point
            module.register_buffer(name, buffer, persistent=False)
    return layers


def _import_zuko() -> Any:
    try:
        import zuko
    except ImportError:
        raise ModelError(
            'the method spline_flow needs the package zuko; install it with `pip install "poseterior[zuko]"`'
        ) from None
    return zuko
