"""What every compared method promises, one test per promise, over all that are registered."""

import inspect

import numpy as np
import onnxruntime
import pytest
import torch
from _networks import METHODS, SMALL, card_of, pairs, small_config, small_network

from poseterior.flow.centred import centred_basis
from poseterior.models.interface import LiftingInputs, LiftingModel, picture_noise
from poseterior.models.network_bundle import load_network, open_network_lifter, save_network
from poseterior.models.network_lifter import NetworkLifter
from poseterior.models.network_methods import build_network, network_method
from poseterior.models.torch_lifter import ModelFacts, TorchLifter
from poseterior.train.methods.fitters import fitter_for
from poseterior.train.methods.recipe import Recipe
from poseterior.train.methods.registry import RECIPES, published_recipe

FACTS = ModelFacts("small", "0" * 64, "toy", "paper")
WITH_NOISE = [method for method in METHODS if method != "martinez2017"]
WITH_DENSITY = ["li2019-mdn", "graphmdn", "flow_matching", "spline_flow"]


def model_of(method, **changes):
    return TorchLifter(small_network(method, **changes), FACTS)


def inputs(count=6):
    _, y, condition = (values.numpy() for values in pairs())
    return LiftingInputs(y[:count], condition[:count], np.arange(count))


def test_every_method_has_a_recipe_and_sizes_for_tests():
    assert set(RECIPES) == set(SMALL) == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_registered_under_its_own_name_with_a_config_that_says_what_is_read(method):
    registered = network_method(method)
    assert issubclass(registered.network_class(), NetworkLifter)
    assert registered.network_class().method == method
    assert registered.config_class()().inputs in {("y",), ("y", "condition")}
    assert (
        inspect.isclass(registered.config_class()) and registered.config_class().__dataclass_params__.frozen
    )


@pytest.mark.parametrize("method", METHODS)
def test_the_density_is_where_the_registry_of_this_test_says(method):
    assert network_method(method).network_class().gives_log_prob == (method in WITH_DENSITY)


@pytest.mark.parametrize("method", METHODS)
def test_shapes_frames_and_centring(method):
    model = model_of(method)
    assert isinstance(model, LiftingModel)
    draws, single = model.sample(inputs(), 7, seed=3), model.single(inputs())
    assert draws.vectors.shape == (6, 7, 48) and single.shape == (6, 48)
    for vectors in (draws.vectors, single[:, None]):
        assert np.isfinite(vectors).all()
        np.testing.assert_allclose(vectors.reshape(6, -1, 3, 16).mean(axis=-1), 0, atol=1e-6)
    assert model.gives_log_prob == (method in WITH_DENSITY)
    assert (draws.log_prob is not None) == (method in WITH_DENSITY and method != "flow_matching")


@pytest.mark.parametrize("method", METHODS)
def test_hypotheses_are_a_function_of_the_seed(method):
    model = model_of(method)
    first, again = (model.sample(inputs(), 5, seed=3).vectors for _ in range(2))
    np.testing.assert_array_equal(first, again)
    # more hypotheses begin with the same ones
    np.testing.assert_allclose(model.sample(inputs(), 9, seed=3).vectors[:, :5], first, atol=1e-6)


@pytest.mark.parametrize("method", WITH_NOISE)
def test_other_seeds_and_other_hypotheses_differ(method):
    model = model_of(method)
    first, other = (model.sample(inputs(), 5, seed=seed).vectors for seed in (3, 4))
    assert np.abs(first - other).max(axis=(1, 2)).min() > 1e-3
    assert np.abs(first[:, 0] - first[:, 1]).max(axis=1).min() > 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_does_not_depend_on_its_neighbours(method):
    model, whole = model_of(method), inputs()
    part = LiftingInputs(*(values[[4, 1]] for values in whole))
    draws, some = model.sample(whole, 5, seed=3), model.sample(part, 5, seed=3)
    np.testing.assert_array_equal(draws.vectors[[4, 1]], some.vectors)
    np.testing.assert_array_equal(model.single(whole)[[4, 1]], model.single(part))
    # nor does the network itself when it is given many pictures at a time
    noise = torch.from_numpy(picture_noise(whole.picture, 5, model.network.noise_size, 3))
    with torch.no_grad():
        joint = model.network.draw(torch.from_numpy(whole.y), torch.from_numpy(whole.condition), noise)
    np.testing.assert_allclose(joint.numpy(), draws.vectors, atol=2e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("read", [("y",), ("y", "condition")])
def test_only_what_the_config_says_is_read(method, read):
    network = small_network(method, inputs=read)
    _, y, condition = (values[:3] for values in pairs())
    noise = torch.from_numpy(picture_noise(np.arange(3), 4, network.noise_size, 0))
    with torch.no_grad():
        before, after = network.draw(y, condition, noise), network.draw(y, condition + 0.5, noise)
        moved = network.draw(y + 0.5, condition, noise)
    assert (after != before).any().item() == ("condition" in read)
    assert (moved != before).any()


@pytest.mark.parametrize("method", METHODS)
def test_the_gradient_reaches_every_parameter(method):
    torch.manual_seed(0)
    network = build_network(method, small_config(method))
    x, y, condition = pairs()
    network.set_scale_from(x, y, condition)
    fitter = fitter_for(network, Recipe(learning_rate=1e-3))
    before = {name: value.clone() for name, value in network.named_parameters()}
    # of two steps, since some layers begin at zero and shut off what lies before them
    for step in range(2):
        fitter.step(x, y, condition, torch.Generator().manual_seed(step), 1.0)
    still = [name for name, value in network.named_parameters() if (value == before[name]).all()]
    assert not still


@pytest.mark.parametrize("method", METHODS)
def test_some_steps_lower_the_loss(method):
    torch.manual_seed(0)
    network = build_network(method, small_config(method))
    x, y, condition = pairs()
    network.set_scale_from(x, y, condition)
    fitter = fitter_for(network, published_recipe(method))

    def mean_loss():
        network.train(False)
        with torch.no_grad():
            generators = [torch.Generator().manual_seed(100 + number) for number in range(4)]
            totals = [network.losses(x, y, condition, generator)["total"] for generator in generators]
        network.train()
        return torch.stack(totals).mean().item()

    with torch.no_grad():
        # the batch norms' running means begin at those of the data
        for _ in range(50):
            network.train().losses(x, y, condition, torch.Generator().manual_seed(0))
    before = mean_loss()
    for step in range(30 if method == "li2020" else 60):
        fitter.step(x, y, condition, torch.Generator().manual_seed(step), 1.0)
    after = mean_loss()
    assert after < before - 0.02 * abs(before)


@pytest.mark.parametrize("method", METHODS)
def test_saved_and_loaded_it_is_the_same(method, tmp_path):
    network = small_network(method)
    card = save_network(network, tmp_path / "model", card_of(network))
    loaded, loaded_card = load_network(tmp_path / "model")
    assert loaded_card == card
    assert type(loaded) is type(network) and loaded.config == network.config
    opened = open_network_lifter(tmp_path / "model")
    assert opened.identity["weights_sha256"] == card.weights_sha256
    expected = TorchLifter(network, FACTS)
    np.testing.assert_array_equal(
        opened.sample(inputs(), 5, seed=3).vectors, expected.sample(inputs(), 5, seed=3).vectors
    )
    np.testing.assert_array_equal(opened.single(inputs()), expected.single(inputs()))


@pytest.mark.parametrize("method", METHODS)
def test_its_graphs_give_the_same_on_onnx_runtime(method, tmp_path):
    network = small_network(method)
    save_network(network, tmp_path / "model", card_of(network), graphs=True)
    _, y, condition = pairs()
    noise = torch.from_numpy(picture_noise(np.arange(5), 7, network.noise_size, 1))
    given = {"y": y[:5], "condition": condition[:5], "noise": noise}
    with torch.no_grad():
        expected = {
            "draw": network.draw(given["y"], given["condition"], noise),
            "single": network.single(given["y"], given["condition"]),
        }
    for answer, vectors in expected.items():
        session = onnxruntime.InferenceSession(tmp_path / "model" / f"{answer}.onnx")
        names = [entry.name for entry in session.get_inputs()]
        for count in (5, 1):
            (found,) = session.run(None, {name: given[name][:count].numpy() for name in names})
            np.testing.assert_allclose(found, vectors[:count], atol=5e-6)


@pytest.mark.parametrize("method", WITH_DENSITY)
def test_log_prob_is_the_density_of_what_is_drawn(method):
    """The oracle is made of `draw` alone: of its Jacobian for flows, of its kernels one by one for mixtures."""
    network = small_network(method, **({"steps": 80} if method == "flow_matching" else {})).double()
    _, y, condition = (values[:1].double() for values in pairs())
    noise = torch.randn(1, 2, network.noise_size, generator=torch.Generator().manual_seed(7)).double()
    oracle = flow_oracle if network.noise_size == 45 else mixture_oracle
    poses, expected = oracle(network, y, condition, noise)
    found = network.log_prob(poses, y, condition)
    # the mixture's weights are counted to 1e-5; flow matching solves its equation by steps
    tolerance = {"flow_matching": 5e-3, "spline_flow": 1e-6}.get(method, 2e-3)
    np.testing.assert_allclose(found.detach(), expected, atol=tolerance, rtol=0)


BASIS = torch.from_numpy(centred_basis())


def flow_oracle(network, y, condition, noise):
    poses = network.draw(y, condition, noise)

    def coordinates(one):
        return (network.draw(y, condition, one[None, None]) @ BASIS)[0, 0]

    log_dets = [torch.autograd.functional.jacobian(coordinates, one).slogdet()[1] for one in noise[0]]
    normal = torch.distributions.Normal(0.0, 1.0).log_prob(noise[0]).sum(-1)
    return poses.detach(), (normal - torch.stack(log_dets))[None]


def mixture_oracle(network, y, condition, noise):
    poses = network.draw(y, condition, noise).detach()
    # evenly spread quantiles of the number that chooses the kernel
    choosing = torch.special.ndtri((torch.arange(100_000).double() + 0.5) / 100_000)
    means = network.draw(y, condition, torch.nn.functional.pad(choosing[None, :, None], (0, 48)))[0].detach()
    kernels, first, counts = np.unique(means.numpy().round(9), axis=0, return_index=True, return_counts=True)
    densities = []
    for start, count in zip(first, counts, strict=True):
        moves = torch.cat([torch.zeros(1, 48), torch.eye(48)]).double()
        rows = torch.cat([choosing[start].expand(49, 1), moves], dim=-1)
        mean, *columns = (network.draw(y, condition, rows[None])[0].detach() @ BASIS).unbind()
        root = torch.stack(columns, dim=1) - mean[:, None]
        kernel = torch.distributions.MultivariateNormal(mean, root @ root.T)
        densities.append(kernel.log_prob(poses[0] @ BASIS) + np.log(count / 100_000))
    assert len(kernels) == network.config.kernels
    return poses, torch.stack(densities).logsumexp(dim=0)[None]
