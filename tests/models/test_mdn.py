import numpy as np
import pytest
import torch
from _networks import pairs, small_config, small_network
from scipy import stats
from torch.nn import functional

from poseterior.errors import ModelError
from poseterior.flow.centred import centred_basis
from poseterior.models.interface import LiftingInputs, picture_noise
from poseterior.models.mdn import MDN, MDNConfig
from poseterior.models.torch_lifter import ModelFacts, TorchLifter

BASIS = centred_basis()


def network_and_inputs(count=2, **changes):
    network = small_network("li2019-mdn", **changes).double()
    return network, *(values[:count].double() for values in pairs())


def raw_outputs(network, y, condition):
    """Means (pictures, kernels, 48), sigmas and weights (pictures, kernels) in standardised units, by numpy."""
    with torch.no_grad():
        features = network.trunk(y, condition)
        means = network.means(features).numpy().reshape(len(y), -1, 48)
        raw_sigma = network.sigmas(features).numpy()
        logits = network.weights(features).numpy()
    sigmas = np.where(raw_sigma > 0, raw_sigma + 1, np.exp(raw_sigma)) + 1e-3
    weights = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return means, sigmas, weights


def kernels_of(network, y, condition):
    """Per picture and kernel: weight, mean and covariance in the 45 coordinates, by dense matrices."""
    means, sigmas, weights = raw_outputs(network, y, condition)
    spread, offset = network.standardise.spread.numpy(), network.standardise.mean.numpy()
    covariances = [
        [sigma**2 * BASIS.T @ np.diag(spread**2) @ BASIS for sigma in of_picture] for of_picture in sigmas
    ]
    return weights, (means * spread + offset) @ BASIS, np.array(covariances)


def test_published_sizes():
    network = MDN()
    assert network.config == MDNConfig(kernels=5, prior=2.0, hidden=1024, blocks=2)
    assert network.means.weight.shape == (240, 1024)
    assert network.sigmas.weight.shape == network.weights.weight.shape == (5, 1024)
    assert network.means.max_norm == network.sigmas.max_norm == 1.0


def test_log_prob_is_the_dense_mixtures():
    network, x, y, condition = network_and_inputs()
    poses = torch.stack([x, 0.5 * x.flip(0)], dim=1)
    weights, means, covariances = kernels_of(network, y, condition)
    expected = np.empty((2, 2))
    for picture in range(2):
        for pose in range(2):
            coordinates = poses[picture, pose].numpy() @ BASIS
            terms = [
                np.log(weights[picture, k])
                + stats.multivariate_normal(means[picture, k], covariances[picture, k]).logpdf(coordinates)
                for k in range(3)
            ]
            expected[picture, pose] = np.logaddexp.reduce(terms)
    with torch.no_grad():
        np.testing.assert_allclose(network.log_prob(poses, y, condition), expected, rtol=1e-10)
        # an offset of the whole pose is no part of a centred pose
        np.testing.assert_allclose(network.log_prob(poses + 0.3, y, condition), expected, rtol=1e-10)


def test_losses_are_nll_and_dirichlet_prior():
    network, x, y, condition = network_and_inputs(5, prior=3.5)
    with torch.no_grad():
        losses = network.losses(x, y, condition, torch.Generator())
        nll = -network.log_prob(x[:, None], y, condition).mean().item()
    weights = raw_outputs(network, y, condition)[2]
    # but for the normalising constant, which the parameters decide
    constant = stats.dirichlet([3.5] * 3).logpdf([1 / 3] * 3) - 2.5 * 3 * np.log(1 / 3)
    prior = -np.mean([stats.dirichlet([3.5] * 3).logpdf(row / row.sum()) - constant for row in weights])
    assert losses["nll"].item() == pytest.approx(nll, rel=1e-12)
    assert losses["prior"].item() == pytest.approx(prior, rel=1e-9)
    assert losses["total"].item() == pytest.approx(nll + prior, rel=1e-9)


def test_draws_have_the_mixtures_moments():
    network, _, y, condition = network_and_inputs(1)
    weights, means, covariances = kernels_of(network, y, condition)
    noise = torch.from_numpy(picture_noise(np.arange(1), 40_000, 49, 3)).double()
    with torch.no_grad():
        drawn = network.draw(y, condition, noise)[0].numpy() @ BASIS
    mean = weights[0] @ means[0]
    apart = means[0] - mean
    covariance = np.einsum("k,kij->ij", weights[0], covariances[0]) + (weights[0] * apart.T) @ apart
    standard_error = np.sqrt(np.diag(covariance) / 40_000)
    assert (np.abs(drawn.mean(axis=0) - mean) < 5 * standard_error).all()
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.05 * np.diag(covariance).max())


def test_kernels_are_drawn_as_often_as_they_weigh():
    network, _, y, condition = network_and_inputs(1)
    # 10,000 quantiles of the number that chooses, and no other noise
    choosing = stats.norm.ppf((np.arange(10_000) + 0.5) / 10_000)
    noise = functional.pad(torch.from_numpy(choosing)[None, :, None], (0, 48))
    with torch.no_grad():
        drawn = network.draw(y, condition, noise)[0].numpy() @ BASIS
    weights, means, _ = kernels_of(network, y, condition)
    nearest = np.linalg.norm(drawn[:, None] - means[0], axis=-1)
    np.testing.assert_allclose(nearest.min(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(np.bincount(nearest.argmin(axis=1)) / 10_000, weights[0], atol=1e-4)


def test_single_is_the_heaviest_kernels_mean():
    network, _, y, condition = network_and_inputs(20)
    weights, means, _ = kernels_of(network, y, condition)
    expected = means[np.arange(20), weights.argmax(axis=1)]
    assert len(set(weights.argmax(axis=1))) > 1
    with torch.no_grad():
        np.testing.assert_allclose(network.single(y, condition).numpy() @ BASIS, expected, atol=1e-12)


def test_means_come_heaviest_first_and_then_again():
    network, _, y, condition = network_and_inputs(20, draws="means")
    assert network.noise_size == 0
    weights, means, _ = kernels_of(network, y, condition)
    order = np.argsort(-weights, axis=1)
    expected = np.take_along_axis(means, order[:, [0, 1, 2, 0, 1], None], axis=1)
    with torch.no_grad():
        drawn = network.draw(y, condition, torch.zeros(20, 5, 0))
    np.testing.assert_allclose(drawn.numpy() @ BASIS, expected, atol=1e-12)


def test_means_are_no_draws_from_a_density():
    model = TorchLifter(small_network("li2019-mdn", draws="means"), ModelFacts("m", "0" * 64, "toy", "paper"))
    _, y, condition = (values[:3].numpy() for values in pairs())
    given = LiftingInputs(y, condition, np.arange(3))
    assert not model.gives_log_prob and model.sample(given, 3, seed=0).log_prob is None
    with pytest.raises(ModelError, match="model m has no density"):
        model.log_prob(given, np.zeros((3, 1, 48)))


def test_both_ways_to_draw_have_the_same_weights():
    samples, means = (MDN(small_config("li2019-mdn", draws=draws)) for draws in ("samples", "means"))
    assert samples.state_dict().keys() == means.state_dict().keys()


def test_two_modes_are_learnt():
    """Poses that are +p or -p whatever the picture: two kernels of half the weight at both."""
    torch.manual_seed(0)
    pose = torch.from_numpy(BASIS[:, :4].sum(axis=1)).float() * 0.3
    sign = torch.where(torch.arange(256) % 2 == 0, 1.0, -1.0)
    x = sign[:, None] * pose + 0.02 * torch.randn(256, 45) @ torch.from_numpy(BASIS.T).float()
    y, condition = torch.randn(256, 32), torch.randn(256, 78)
    network = MDN(small_config("li2019-mdn", kernels=2, dropout=0.0))
    network.set_scale_from(x, y, condition)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(400):
        optimiser.zero_grad()
        # new pictures each time, so that none can be learnt by heart
        network.losses(x, torch.randn(256, 32), condition, torch.Generator())["total"].backward()
        optimiser.step()
    with torch.no_grad():
        mixture = network.eval().mixture(y, condition)
    np.testing.assert_allclose(mixture.log_weights.exp().mean(dim=0), [0.5, 0.5], atol=0.1)
    along = (mixture.means @ pose / pose.square().sum()).mean(dim=0).sort().values
    np.testing.assert_allclose(along, [-1, 1], atol=0.15)
