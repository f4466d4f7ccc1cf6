import dataclasses

import numpy as np
import pytest
import torch
from _density_lifters import pictures, small_density_lifter
from _toy_linear_gaussian import BASIS, examine, fit, linear_gaussian_toy
from scipy.stats import multivariate_normal
from torch import nn

from poseterior.models.flow_matching import FlowMatching, FlowMatchingConfig

SMALL = {"hidden": 24, "blocks": 2, "encoder_hidden": 10, "frequencies": 2}


def small(**changes):
    return small_density_lifter("flow_matching", **{**SMALL, **changes})


class GaussianField(nn.Module):
    """The velocity whose flow ends in N(mean, spread^2) with mean = y_0: known in closed form.

    The path's marginals are N(t mean, (1 - t)^2 + t^2 spread^2), and u_t moves with them.
    """

    def __init__(self, spread):
        super().__init__()
        self.spread = spread

    def shares_of(self, y, condition):
        return [y[:, None, :1]]

    def forward(self, state, time, shares):
        variance = (1 - time) ** 2 + (time * self.spread) ** 2
        rate = (time * self.spread**2 - (1 - time)) / variance
        return shares[0] + rate * (state - time * shares[0])


def gaussian_lifter(steps, spread):
    lifter = small(steps=steps)
    lifter.velocity = GaussianField(spread)
    return lifter


def test_the_loss_is_equation_23():
    lifter = small(sigma_min=0.05)
    y, condition = pictures()
    x = 0.2 * torch.randn(3, 48, dtype=torch.float64)
    parts = lifter.losses(x, y, condition, torch.Generator().manual_seed(4))
    generator = torch.Generator().manual_seed(4)
    times = torch.rand((3, 1, 1), generator=generator, dtype=torch.float64)
    starts = torch.randn((3, 1, 45), generator=generator, dtype=torch.float64)
    spread, mean = lifter.coordinates.spread.numpy(), lifter.coordinates.mean.numpy()
    squares = []
    for row in range(3):
        time, start = times[row].item(), starts[row, 0].numpy()
        end = (BASIS.numpy().T @ x[row].numpy() - mean) / spread
        place = np.array([(1 - (1 - 0.05) * time) * start[i] + time * end[i] for i in range(45)])
        shares = lifter.velocity.shares_of(y[row : row + 1], condition[row : row + 1])
        given = lifter.velocity(torch.from_numpy(place)[None, None], times[row : row + 1], shares)
        squares += [(given[0, 0, i].item() - (end[i] - (1 - 0.05) * start[i])) ** 2 for i in range(45)]
    assert parts["total"].item() == pytest.approx(np.mean(squares), rel=1e-12)


def test_draws_follow_the_gaussian_field():
    y, condition = pictures()
    lifter = gaussian_lifter(steps=64, spread=torch.linspace(0.1, 1.5, 45, dtype=torch.float64))
    noise = torch.randn(3, 5, 45, dtype=torch.float64)
    expected = y[:, None, :1] + lifter.velocity.spread * noise
    found = lifter.coordinates.of_poses(lifter.draw(y, condition, noise))
    torch.testing.assert_close(found, expected, rtol=0, atol=3e-4)


def log_prob_errors(steps, spread):
    """log_prob minus the closed form in metres, for draws of the Gaussian."""
    y, condition = pictures()
    lifter = gaussian_lifter(steps, spread)
    scale, offset = lifter.coordinates.spread, lifter.coordinates.mean
    generator = torch.Generator().manual_seed(1)
    states = y[:, None, :1] + spread * torch.randn(3, 6, 45, generator=generator, dtype=torch.float64)
    metres = (states * scale + offset).numpy()
    expected = [
        multivariate_normal(
            (y[row, 0] * scale + offset).numpy(), np.diag((spread * scale).numpy() ** 2)
        ).logpdf(metres[row])
        for row in range(3)
    ]
    x = torch.from_numpy(metres) @ BASIS.T
    return lifter.log_prob(x, y, condition).numpy() - np.array(expected)


def test_log_prob_is_the_gaussian_in_nats_for_metres_and_45_dimensions():
    spread = torch.linspace(0.1, 1.5, 45, dtype=torch.float64)
    assert np.abs(log_prob_errors(64, spread)).max() < 0.02
    # the midpoint rule is of second order
    coarse, fine = np.abs(log_prob_errors(32, spread)).mean(), np.abs(log_prob_errors(64, spread)).mean()
    assert 3.5 < coarse / fine < 4.5


def test_sixteen_steps_are_enough_for_a_narrow_posterior():
    narrow = torch.full((45,), 0.05, dtype=torch.float64)
    assert np.abs(log_prob_errors(16, narrow)).mean() < 0.3


def test_the_divergence_is_the_trace_of_the_jacobian():
    lifter = small()
    y, condition = pictures(2)
    state = torch.randn(2, 3, 45, dtype=torch.float64)
    time = torch.full((1, 1, 1), 0.3, dtype=torch.float64)
    shares = lifter.velocity.shares_of(y, condition)
    with torch.no_grad():
        velocity, divergence = lifter._velocity_and_divergence(state, time, shares)
    torch.testing.assert_close(velocity, lifter.velocity(state, time, shares))
    jacobian = torch.autograd.functional.jacobian(lambda u: lifter.velocity(u, time, shares), state)
    for picture in range(2):
        for row in range(3):
            trace = sum(jacobian[picture, row, i, picture, row, i] for i in range(45))
            torch.testing.assert_close(divergence[picture, row], trace)


def test_log_prob_agrees_with_the_jacobian_of_the_draws():
    lifter = small(steps=64)
    with torch.no_grad():
        # a field that spreads, so that its divergence is far from 0
        lifter.velocity.last.weight.copy_(0.5 * lifter.velocity.first.weight.T)
    y, condition = pictures(1)
    noise = torch.randn(45, dtype=torch.float64)

    def pose(code):
        return lifter.draw(y, condition, code[None, None])[0, 0] @ BASIS

    jacobian = torch.autograd.functional.jacobian(pose, noise)
    log_det = np.linalg.slogdet(jacobian.numpy())[1]
    expected = multivariate_normal(np.zeros(45)).logpdf(noise.numpy()) - log_det
    x = lifter.draw(y, condition, noise[None, None]).detach()
    standard = float(-lifter.coordinates.log_det())
    # the network's part of the log-determinant is far larger than the tolerance
    assert abs(log_det - standard) > 0.5
    assert lifter.log_prob(x, y, condition).item() == pytest.approx(expected, abs=5e-3)


def test_the_default_has_the_size_of_the_posterior_flow():
    assert sum(parameter.numel() for parameter in FlowMatching().parameters()) == 2_137_645
    assert dataclasses.asdict(FlowMatchingConfig())["inputs"] == ("y", "condition")


def test_a_linear_gaussian_posterior_is_recovered():
    torch.manual_seed(0)
    toy = linear_gaussian_toy()
    lifter = fit(
        FlowMatching(FlowMatchingConfig(hidden=128, blocks=2, encoder_hidden=32)),
        toy,
        steps=1000,
        learning_rate=3e-3,
    )
    found = examine(lifter, toy)
    assert abs(found.nll - toy.entropy) < 1.0
    assert found.mean_error.square().mean().sqrt() < 0.1
    difference = found.covariance - torch.eye(45)
    assert difference.square().mean().sqrt() < 0.05
    assert difference.diagonal(dim1=1, dim2=2).abs().max() < 0.25
