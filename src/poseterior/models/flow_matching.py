"""Flow matching: a velocity field that carries noise to poses, trained by regression (torch).

Reference: Lipman, Chen, Ben-Hamu, Nickel, Le, "Flow Matching for Generative Modeling", ICLR 2023 (arXiv
2210.02747), with its optimal-transport conditional paths (section 4.1, example II). In standardised coordinates u of
the centred poses (45 numbers, `standard_coordinates`), with u_0 ~ N(0, I), u_1 a training pose, t ~ U(0, 1):

    u_t = (1 - (1 - sigma_min) t) u_0 + t u_1                                      (eq. 22)
    loss = E |v(u_t, t; y, c) - (u_1 - (1 - sigma_min) u_0)|^2, mean over 45        (eq. 23)

A hypothesis is the solution at t = 1 of du/dt = v(u, t; y, c) from u_0 = noise, by the midpoint rule in `steps` steps,
unrolled, between the times t_i = 1 - (1 - i / steps)^2: near t = 1 the field brings all that is left of the noise to
the narrow posterior, and equal steps would be too long there (for a posterior as narrow as 0.05 of the poses' spread,
16 equal steps miss its log-density by 0.12 nats per dimension, these by 0.004). The density follows from the continuity
equation (section 2; Chen et al., "Neural Ordinary Differential Equations", 2018):

    log p(u_1) = log N(u_0; 0, I) - integral over t of div v(u_t, t),

where u_0 and the integral come from the same rule run backwards, and the divergence is the exact trace of the
Jacobian: 45 vector-Jacobian products per step (no stochastic trace). What is left is the error of the midpoint rule,
which falls with the square of `steps`: there is no other approximation.

Departures: the paper treats images with a U-Net and solves with an adaptive Runge-Kutta method. Here v is a residual
perceptron about as large as the posterior flow (2.14 million numbers against 2.08 million), told of t by sines and
cosines and of the picture by the encoded (y, c), and the solver's steps are fixed, so that a hypothesis is a fixed
network of its noise.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu

from poseterior.flow.config import CENTRED_SIZE
from poseterior.flow.flow import standard_normal_log_prob
from poseterior.models.density_lifter import DensityLifter
from poseterior.models.network_lifter import ConditionInput
from poseterior.models.picture_inputs import inputs_size, picture_inputs

States = Float[Tensor, "pictures rows 45"]
Times = Float[Tensor, "#pictures #rows 1"]
Share = Float[Tensor, "pictures 1 hidden"]


@dataclass(frozen=True)
class FlowMatchingConfig:
    """Sizes of the velocity network and of the solver."""

    inputs: tuple[ConditionInput, ...] = ("y", "condition")
    hidden: int = 512
    blocks: int = 3
    encoder_hidden: int = 256
    frequencies: int = 8
    """Sines and cosines of t: pi, 2 pi, ..., this many times pi."""
    sigma_min: float = 1e-4
    """Spread of the path around a training pose at t = 1, standardised coordinates."""
    steps: int = 16
    """Of the midpoint rule, each two evaluations of the network."""


class VelocityBlock(nn.Module):
    """h + Linear(silu(Linear(silu(h)) + share + Linear(t)))."""

    def __init__(self, hidden: int, time_features: int) -> None:
        super().__init__()
        self.inner = nn.Linear(hidden, hidden)
        self.from_time = nn.Linear(time_features, hidden, bias=False)
        self.outer = nn.Linear(hidden, hidden)

    def forward(
        self,
        state: Float[Tensor, "pictures rows hidden"],
        time: Float[Tensor, "#pictures #rows features"],
        share: Share,
    ) -> Float[Tensor, "pictures rows hidden"]:
        """New features."""
        return state + self.outer(silu(self.inner(silu(state)) + self.from_time(time) + share))


class VelocityNetwork(nn.Module):
    """v(u, t; y, c): a residual perceptron; what follows from the picture alone is computed once per picture."""

    def __init__(self, config: FlowMatchingConfig) -> None:
        super().__init__()
        self.frequencies = config.frequencies
        self.inputs = config.inputs
        inputs = inputs_size(config.inputs)
        self.encoder = nn.Sequential(
            nn.Linear(inputs, config.encoder_hidden),
            nn.SiLU(),
            nn.Linear(config.encoder_hidden, config.encoder_hidden),
            nn.SiLU(),
        )
        self.to_shares = nn.Linear(config.encoder_hidden, config.blocks * config.hidden)
        self.first = nn.Linear(CENTRED_SIZE, config.hidden)
        features = 1 + 2 * config.frequencies
        self.blocks = nn.ModuleList([VelocityBlock(config.hidden, features) for _ in range(config.blocks)])
        self.last = nn.Linear(config.hidden, CENTRED_SIZE)

    def shares_of(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> list[Share]:
        """The picture's part of every block."""
        encoded = self.encoder(picture_inputs(self.inputs, y, condition))
        return list(self.to_shares(encoded)[:, None].chunk(len(self.blocks), dim=-1))

    def forward(self, state: States, time: Times, shares: list[Share]) -> States:
        """The velocity at `state` and `time`, in standardised coordinates per unit of t."""
        angle = time * torch.arange(1, self.frequencies + 1, dtype=time.dtype, device=time.device) * torch.pi
        features = torch.cat([time, angle.sin(), angle.cos()], dim=-1)
        hidden = self.first(state)
        for block, share in zip(self.blocks, shares, strict=True):
            hidden = block(hidden, features, share)
        return self.last(silu(hidden))


class FlowMatching(DensityLifter):
    """The lifter of flow matching; see the module.

    Noise: u_0, 45 standard normal numbers. `single` starts from u_0 = 0.
    """

    method: ClassVar[str] = "flow_matching"
    log_prob_is_dear = True

    def __init__(self, config: FlowMatchingConfig | None = None) -> None:
        super().__init__()
        self.config = FlowMatchingConfig() if config is None else config
        self.velocity = VelocityNetwork(self.config)

    def losses(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
    ) -> dict[str, Float[Tensor, ""]]:
        """Eq. 23 with one t and one u_0 per picture: first the t of all are drawn, then the u_0."""
        end = self.coordinates.of_poses(x)[:, None]
        time = torch.rand((len(x), 1, 1), generator=generator, dtype=x.dtype, device=x.device)
        start = torch.randn(end.shape, generator=generator, dtype=x.dtype, device=x.device)
        kept = 1 - self.config.sigma_min
        velocity = self.velocity(
            (1 - kept * time) * start + time * end, time, self.velocity.shares_of(y, condition)
        )
        total = (velocity - (end - kept * start)).square().mean()
        return {"total": total}

    def draw(
        self,
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        noise: Float[Tensor, "pictures hypotheses 45"],
    ) -> Float[Tensor, "pictures hypotheses 48"]:
        """The poses to which the noise is carried, metres, mean-centred."""
        shares = self.velocity.shares_of(y, condition)
        state = noise
        for start, stop in itertools.pairwise(self._times()):
            middle, time = self._half_step(state, start, stop, shares)
            state = state + (stop - start) * self.velocity(middle, time, shares)
        return self.coordinates.to_poses(state)

    def log_prob(
        self,
        x: Float[Tensor, "pictures poses 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> Float[Tensor, "pictures poses"]:
        """log p(x | y, c) in nats for poses in metres, without gradient; about 25 times the work of `draw`."""
        with torch.no_grad():
            shares = self.velocity.shares_of(y, condition)
            state = self.coordinates.of_poses(x)
            integral = state.new_zeros(state.shape[:-1])
            for stop, start in itertools.pairwise(reversed(self._times())):
                middle, time = self._half_step(state, stop, start, shares)
                velocity, divergence = self._velocity_and_divergence(middle, time, shares)
                state = state + (start - stop) * velocity
                integral = integral + (stop - start) * divergence
            return standard_normal_log_prob(state) - integral + self.coordinates.log_det()

    def _times(self) -> list[float]:
        """From 0 to 1, steps shrinking towards 1."""
        steps = self.config.steps
        return [1 - (1 - step / steps) ** 2 for step in range(steps + 1)]

    def _half_step(
        self, state: States, start: float, stop: float, shares: list[Share]
    ) -> tuple[States, Times]:
        """State and time half of the way from `start` to `stop`, which may lie earlier."""
        velocity = self.velocity(state, state.new_full((1, 1, 1), start), shares)
        middle = state + 0.5 * (stop - start) * velocity
        return middle, state.new_full((1, 1, 1), 0.5 * (start + stop))

    def _velocity_and_divergence(
        self, state: States, time: Times, shares: list[Share]
    ) -> tuple[States, Float[Tensor, "pictures rows"]]:
        """v and the trace of its Jacobian, coordinate by coordinate."""
        divergence = state.new_zeros(state.shape[:-1])
        with torch.enable_grad():
            state = state.detach().requires_grad_()
            velocity = self.velocity(state, time, shares)
            # rows do not see each other, so that the slope of the sum over rows is every row's own
            sums = velocity.sum(dim=(0, 1)).unbind()
        for axis, total in enumerate(sums):
            (slope,) = torch.autograd.grad(total, state, retain_graph=axis + 1 < CENTRED_SIZE)
            divergence = divergence + slope[..., axis]
        return velocity.detach(), divergence
