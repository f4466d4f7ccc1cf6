"""Poses whose posterior is a Gaussian known in closed form: u = gain y + noise in the 45 coordinates, metres."""

import math
from typing import NamedTuple

import torch

from poseterior.flow.centred import centred_basis

BASIS = torch.from_numpy(centred_basis())


class Toy(NamedTuple):
    """mean = gain @ y + offset; covariance of the posterior; both in the coordinates of `BASIS`, metres, float64."""

    gain: torch.Tensor
    offset: torch.Tensor
    root: torch.Tensor

    @property
    def entropy(self):
        """Of the posterior, nats: the best mean NLL that there is."""
        return 45 * 0.5 * math.log(2 * math.pi * math.e) + float(torch.linalg.slogdet(self.root)[1])

    @property
    def marginal_nll(self):
        """Of independent Gaussian coordinates that know nothing of the picture, nats."""
        variances = (self.gain @ self.gain.T + self.root @ self.root.T).diagonal()
        return 45 * 0.5 * math.log(2 * math.pi * math.e) + 0.5 * float(variances.log().sum())

    def batch(self, pairs, seed):
        """x, y, condition as float32; the condition says nothing."""
        generator = torch.Generator().manual_seed(seed)
        y = torch.randn(pairs, 32, generator=generator, dtype=torch.float64)
        noise = torch.randn(pairs, 45, generator=generator, dtype=torch.float64)
        condition = torch.randn(pairs, 78, generator=generator, dtype=torch.float64)
        state = y @ self.gain.T + self.offset + noise @ self.root.T
        return (state @ BASIS.T).float(), y.float(), condition.float()


def linear_gaussian_toy():
    """Three numbers of y matter; the noise is correlated between coordinates."""
    generator = torch.Generator().manual_seed(0)
    spread = torch.linspace(0.05, 0.3, 45, dtype=torch.float64)
    gain = torch.zeros(45, 32, dtype=torch.float64)
    gain[:, :3] = 0.6 * torch.randn(45, 3, generator=generator, dtype=torch.float64)
    mixing = 0.1 * torch.randn(45, 45, generator=generator, dtype=torch.float64)
    root = mixing.tril(-1) + 0.7 * torch.eye(45, dtype=torch.float64)
    offset = torch.linspace(-0.2, 0.2, 45, dtype=torch.float64)
    return Toy(spread[:, None] * gain, offset, spread[:, None] * root)


def fit(lifter, toy, steps, learning_rate, pairs=256):
    """A lifter trained on fresh pairs of the toy by Adam, its rate falling to 0."""
    lifter.set_scale_from(*toy.batch(10_000, seed=1))
    optimiser = torch.optim.Adam(lifter.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps)
    generator = torch.Generator().manual_seed(0)
    for step in range(steps):
        loss = lifter.losses(*toy.batch(pairs, seed=1000 + step), generator)["total"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return lifter.eval()


class Findings(NamedTuple):
    """What a lifter learnt of the toy."""

    nll: float
    mean_error: torch.Tensor
    """Per picture and coordinate, in standard deviations of the posterior along its own axes."""
    covariance: torch.Tensor
    """Per picture, 45 x 45, of whitened hypotheses: the identity is right."""


@torch.no_grad()
def examine(lifter, toy, samples=2000):
    """NLL of fresh pairs, and the moments of hypotheses of four pictures."""
    x, y, condition = toy.batch(400, seed=7)
    nll = -lifter.log_prob(x[:, None], y, condition).double().mean()
    noise = torch.randn(4, samples, lifter.noise_size, generator=torch.Generator().manual_seed(3))
    hypotheses = lifter.draw(y[:4], condition[:4], noise).double() @ BASIS
    centre = y[:4].double() @ toy.gain.T + toy.offset
    white = torch.linalg.solve(toy.root, (hypotheses - centre[:, None]).mT).mT
    mean = white.mean(dim=1)
    return Findings(float(nll), mean, torch.stack([torch.cov(one.T) for one in white]))
