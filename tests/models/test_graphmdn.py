import math

import numpy as np
import pytest
import torch
from _leaning_people import fit_leaning_people, lean_of, leaning_people
from scipy.special import logsumexp
from scipy.stats import kstest, multivariate_normal, norm
from torch import Tensor
from torch.func import functional_call

from poseterior.flow.centred import centred_basis
from poseterior.geometry.normalise import vector_from_joints_2d
from poseterior.models.graphmdn import GraphMDN, GraphMDNConfig, Mixture, centred_log_density
from poseterior.skeleton import CONDITION_13, FLOW_16, H36M_17, MPII_16

BASIS = centred_basis()


def small_model(
    kernels: int = 3, inputs: tuple = ("y",), seed: int = 0
) -> tuple[GraphMDN, Tensor, Tensor, Tensor]:
    """A random model in float64 with its scale set, and two pictures' x, y, condition."""
    torch.manual_seed(seed)
    model = GraphMDN(GraphMDNConfig(inputs=inputs, channels=8, blocks=1, kernels=kernels)).double()
    poses = torch.randn(50, 45, dtype=torch.float64) * 0.2 @ torch.from_numpy(BASIS).T
    model.set_scale_from(poses, torch.zeros(50, 32).double(), torch.zeros(50, 78).double())
    y, condition = torch.randn(2, 32, dtype=torch.float64), torch.randn(2, 78, dtype=torch.float64)
    return model, poses[:2], y, condition


def literal_log_prob(model: GraphMDN, x: Tensor, y: Tensor, condition: Tensor) -> np.ndarray:
    """The density of H^T pose, kernel by kernel, with full covariance matrices."""
    with torch.no_grad():
        log_weights, means, sigmas = (part.numpy() for part in model.mixture(y, condition))
    result = np.zeros(x.shape[:2])
    for picture in range(x.shape[0]):
        for pose in range(x.shape[1]):
            terms = []
            for kernel in range(means.shape[1]):
                variances = np.tile(sigmas[picture, kernel] ** 2, 3)
                gaussian = multivariate_normal(
                    BASIS.T @ means[picture, kernel], BASIS.T @ np.diag(variances) @ BASIS
                )
                terms.append(
                    log_weights[picture, kernel] + gaussian.logpdf(BASIS.T @ x[picture, pose].numpy())
                )
            result[picture, pose] = logsumexp(terms)
    return result


def test_closed_form_is_the_projected_gaussian() -> None:
    generator = np.random.default_rng(0)
    residual = generator.normal(size=(20, 48)) * 0.3
    sigma = np.exp(generator.normal(size=(20, 16)))
    expected = [
        multivariate_normal(np.zeros(45), BASIS.T @ np.diag(np.tile(s, 3) ** 2) @ BASIS).logpdf(BASIS.T @ r)
        for r, s in zip(residual, sigma, strict=True)
    ]
    actual = centred_log_density(torch.from_numpy(residual), torch.from_numpy(sigma))
    np.testing.assert_allclose(actual, expected, rtol=1e-11)
    offset = torch.tensor([0.4, -2.0, 1.0], dtype=torch.float64).repeat_interleave(16)
    moved = centred_log_density(torch.from_numpy(residual) + offset, torch.from_numpy(sigma))
    torch.testing.assert_close(moved, actual, rtol=1e-10, atol=1e-9)


def test_log_prob_and_loss_are_the_literal_mixture() -> None:
    model, x, y, condition = small_model()
    model.eval()
    poses = x[:, None] + 0.1 * torch.randn(2, 4, 48, dtype=torch.float64)
    expected = literal_log_prob(model, poses, y, condition)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(model.log_prob(poses, y, condition).detach(), expected, rtol=1e-10)
    losses = model.losses(x, y, condition, torch.Generator())
    assert losses["total"].item() == pytest.approx(
        -literal_log_prob(model, x[:, None], y, condition).mean(), rel=1e-11
    )


def test_density_integrates_to_one() -> None:
    model, _, y, condition = small_model()
    model.eval()
    proposal_sigma = 0.75
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        sigmas = model.mixture(y[:1], condition[:1]).sigmas
        # sharp joints would need more samples: ask for a kernel about as wide as the proposal
        model.scale.mul_(proposal_sigma / sigmas.mean())
        coordinates = torch.randn(1, 60_000, 45, generator=generator, dtype=torch.float64)
        poses = proposal_sigma * 1.15 * coordinates @ torch.from_numpy(BASIS).T
        log_proposal = norm.logpdf(coordinates).sum(-1) - 45 * math.log(proposal_sigma * 1.15)
        ratio = (model.log_prob(poses, y[:1], condition[:1]).numpy() - log_proposal)[0]
    ratio = np.exp(ratio)
    error = ratio.std() / np.sqrt(ratio.size)
    assert error < 0.1
    assert abs(ratio.mean() - 1) < 4 * error


def test_draws_have_the_mixtures_distribution() -> None:
    model, _, y, condition = small_model(seed=1)
    model.eval()
    noise = torch.randn(2, 20_000, model.noise_size, generator=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        draws = model.draw(y, condition, noise)
        mixture = model.mixture(y, condition)
    assert draws.reshape(2, -1, 3, 16).mean(-1).abs().max() < 1e-12
    # along any direction of the centred space the draws follow a mixture of normals
    directions = np.random.default_rng(1).normal(size=(6, 45)) @ BASIS.T
    for picture in range(2):
        weights = mixture.log_weights[picture].exp().numpy()
        for direction in directions:
            centres = mixture.means[picture].numpy() @ direction
            widths = np.sqrt(np.tile(mixture.sigmas[picture].numpy() ** 2, (1, 3)) @ direction**2)

            def distribution(
                value: np.ndarray, weights: np.ndarray = weights, centres: np.ndarray = centres, widths=widths
            ) -> np.ndarray:
                return (weights * norm.cdf((value[:, None] - centres) / widths)).sum(-1)

            assert kstest(draws[picture].numpy() @ direction, distribution).pvalue > 1e-3


def test_kernel_choice_follows_the_normal_cdf_of_the_first_number() -> None:
    model, _, y, condition = small_model()
    weights = np.array([0.2, 0.5, 0.3])
    means = (
        torch.arange(3).double()[None, :, None] * torch.ones(48).double() * torch.linspace(-1, 1, 48).double()
    )
    mixture = Mixture(
        torch.from_numpy(np.log(weights))[None], means, torch.full((1, 3, 16), 1e-9, dtype=torch.float64)
    )
    model.mixture = lambda y, condition: mixture
    noise = torch.zeros(1, 5, model.noise_size).double()
    noise[0, :, 0] = torch.from_numpy(norm.ppf([1e-9, 0.199, 0.201, 0.699, 0.701]))
    draws = model.draw(y[:1], condition[:1], noise)
    steps = draws[0] @ draws[0, 4] / (draws[0, 4] @ draws[0, 4]) * 2
    np.testing.assert_allclose(steps, [0, 0, 1, 1, 2], atol=1e-6)
    single = model.single(y[:1], condition[:1])
    torch.testing.assert_close(single[0], draws[0, 2], rtol=0, atol=1e-6)
    # far out, float32 says 1.0 for the CDF: still the last kernel
    noise[0, :, 0] = 40.0
    torch.testing.assert_close(model.draw(y[:1], condition[:1], noise)[0, 0], draws[0, 4], rtol=0, atol=1e-6)


def test_every_node_sees_its_own_joint() -> None:
    model, *_ = small_model(inputs=("y", "condition"))
    joints = np.random.default_rng(0).normal(size=(16, 2))
    y = vector_from_joints_2d(joints)
    condition = np.random.default_rng(1).normal(size=(13, 6))
    features = model._node_inputs(torch.from_numpy(y)[None], torch.from_numpy(condition.reshape(1, 78)))[0]
    assert features.shape == (17, 8)
    position = dict(zip(MPII_16, y.reshape(2, 16).T, strict=True))
    position["neck"] = (position["thorax"] + position["head"]) / 2
    gaussian = dict(zip(CONDITION_13, condition, strict=True))
    for row, name in zip(features.numpy(), H36M_17, strict=True):
        np.testing.assert_allclose(row[:2], position[name])
        np.testing.assert_array_equal(row[2:], gaussian.get(name, np.zeros(6)))


def test_nodes_give_the_joints_of_the_flow_in_order() -> None:
    model, _, y, condition = small_model(kernels=2)
    rows = torch.arange(17.0).double()[None, :, None] + torch.arange(10.0).double() / 100
    model.network.forward = lambda features: rows.expand(len(features), -1, -1)
    model.mean_pose.zero_()
    model.scale.fill_(1.0)
    mixture = model.mixture(y, condition)
    for kernel in range(2):
        per_axis = mixture.means[0, kernel].reshape(3, 16)
        for joint, name in enumerate(FLOW_16):
            node = H36M_17.index(name)
            # outputs of a node: x, y, z, sigma, logit, each for both kernels
            expected = [node + (2 * axis + kernel) / 100 for axis in range(3)]
            np.testing.assert_allclose(per_axis[:, joint], expected)
            sigma = node + (6 + kernel) / 100 + 1 + 1e-3
            assert mixture.sigmas[0, kernel, joint].item() == pytest.approx(sigma)
    assert mixture.log_weights[0].exp().sum().item() == pytest.approx(1)
    assert (mixture.log_weights[0, 1] - mixture.log_weights[0, 0]).item() == pytest.approx(0.01)


@pytest.mark.parametrize("inputs", [("y",), ("y", "condition")])
def test_gradients_are_right_by_finite_differences(inputs: tuple) -> None:
    torch.manual_seed(0)
    model = GraphMDN(GraphMDNConfig(inputs=inputs, channels=2, blocks=1, kernels=2)).double()
    x = torch.randn(3, 45, dtype=torch.float64) @ torch.from_numpy(BASIS).T
    y, condition = torch.randn(3, 32, dtype=torch.float64), torch.randn(3, 78, dtype=torch.float64)
    names, values = zip(*model.named_parameters(), strict=True)

    def total(*parameters: Tensor) -> Tensor:
        class Loss(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.model = model

            def forward(self) -> Tensor:
                return self.model.losses(x, y, condition, torch.Generator())["total"]

        return functional_call(
            Loss(), {f"model.{name}": value for name, value in zip(names, parameters, strict=True)}, ()
        )

    # along random directions of all parameters at once
    assert torch.autograd.gradcheck(total, values, fast_mode=True)
    gradients = torch.autograd.grad(total(*values), values)
    assert all(gradient.abs().max() > 1e-9 for gradient in gradients)


def test_pictures_do_not_touch_each_other() -> None:
    model, _, y, condition = small_model()
    model.eval()
    noise = torch.randn(2, 5, model.noise_size, dtype=torch.float64)
    torch.testing.assert_close(
        model.draw(y, condition, noise)[1:],
        model.draw(y[1:], condition[1:], noise[1:]),
        rtol=1e-12,
        atol=1e-14,
    )


def test_both_modes_of_an_ambiguous_pose_are_learnt() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    people = {"share": 1 / 3, "wobble": 0.02 * torch.from_numpy(BASIS).float().T}
    model = GraphMDN(GraphMDNConfig(channels=16, blocks=1, kernels=5))
    model = fit_leaning_people(model, generator, steps=200, learning_rate=5e-3, **people)
    _, y, condition = leaning_people(64, generator, **people)
    noise = torch.randn(64, 100, model.noise_size, generator=generator)
    with torch.no_grad():
        leans = lean_of(model.draw(y, condition, noise))
        answers = lean_of(model.single(y, condition))
    # the wobble alone moves a lean by 0.05
    assert ((leans.abs() - 1).abs() < 0.4).float().mean() > 0.9
    assert abs((leans > 0).float().mean().item() - 1 / 3) < 0.08
    assert ((leans > 0).float().mean(-1) > 0.05).all()
    # one of the two, not their mean
    assert ((answers.abs() - 1).abs() < 0.2).all()
