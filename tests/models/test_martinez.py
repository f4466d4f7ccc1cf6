import numpy as np
import pytest
import torch
from _networks import pairs, small_network
from torch import nn

from poseterior.models.centring import centred
from poseterior.models.martinez import Martinez2017, MartinezConfig
from poseterior.models.regression_trunk import ClippedLinear, Standardiser


def test_published_sizes():
    network = Martinez2017()
    linear = [tuple(module.weight.shape) for module in network.modules() if isinstance(module, ClippedLinear)]
    assert linear == [(1024, 32), *[(1024, 1024)] * 4, (48, 1024)]
    assert [module.p for module in network.modules() if isinstance(module, nn.Dropout)] == [0.5] * 5
    # four of 1024 x 1024, the first and the last, and scale and shift of five batch norms
    assert sum(p.numel() for p in network.parameters()) == 4 * 1024**2 + 32 * 1024 + 1025 * 48 + 10 * 1024


def test_the_whole_network_step_by_step():
    """In evaluation, against a loop over the layers written with numpy."""
    network = small_network("martinez2017", blocks=2, max_norm=0.5).double()
    _, y, condition = (values[:3].double() for values in pairs())
    state = {name: value.numpy() for name, value in network.state_dict().items()}

    def clipped(name):
        weight = state[name]
        return weight * min(1.0, 0.5 / np.sqrt((weight**2).sum()))

    def layer(values, prefix, first):
        norm = f"{prefix}{first + 1}."
        product = values @ clipped(f"{prefix}{first}.weight").T
        spread = np.sqrt(state[norm + "running_var"] + 1e-5)
        scaled = (product - state[norm + "running_mean"]) / spread * state[norm + "weight"]
        return np.maximum(scaled + state[norm + "bias"], 0)

    hidden = (y.numpy() - state["trunk.standardise.mean"]) / state["trunk.standardise.spread"]
    hidden = layer(hidden, "trunk.layers.", 0)
    for block in (4, 5):
        inner = layer(hidden, f"trunk.layers.{block}.layers.", 0)
        hidden = hidden + layer(inner, f"trunk.layers.{block}.layers.", 4)
    pose = hidden @ clipped("pose.weight").T + state["pose.bias"]
    pose = (pose * state["standardise.spread"] + state["standardise.mean"]).reshape(3, 3, 16)
    expected = (pose - pose.mean(axis=-1, keepdims=True)).reshape(3, 48)
    with torch.no_grad():
        np.testing.assert_allclose(network.single(y, condition), expected, atol=1e-12)


def test_the_loss_is_the_squared_error_of_standardised_coordinates():
    network = small_network("martinez2017")
    x, y, condition = pairs()
    with torch.no_grad():
        loss = network.losses(x, y, condition, torch.Generator())["total"].item()
        predicted = network.pose(network.trunk(y, condition)).numpy()
    target = (x.numpy() - x.numpy().mean(axis=0)) / x.numpy().std(axis=0, ddof=1)
    assert loss == pytest.approx(((predicted - target) ** 2).mean(), rel=1e-5)


def test_all_hypotheses_are_the_regression():
    network = small_network("martinez2017")
    _, y, condition = pairs()
    with torch.no_grad():
        drawn = network.draw(y, condition, torch.zeros(len(y), 4, 0))
        single = network.single(y, condition)
    assert (drawn == single[:, None]).all()


@pytest.mark.parametrize(("size", "acts_as"), [(0.3, 0.3), (1.0, 1.0), (7.0, 1.0)])
def test_a_matrix_acts_with_norm_one_at_most(size, acts_as):
    layer = ClippedLinear(5, 4, 1.0).double()
    with torch.no_grad():
        layer.weight.mul_(size / layer.weight.norm())
        layer.bias.fill_(0.25)
        acting = (layer(torch.eye(5).double()) - 0.25).T
    assert acting.norm().item() == pytest.approx(acts_as, rel=1e-12)
    torch.testing.assert_close(acting, layer.weight.detach() * acts_as / size)


def test_gradients_pass_through_the_clipping():
    layer = ClippedLinear(4, 3, 1.0).double()
    with torch.no_grad():
        layer.weight.mul_(3 / layer.weight.norm())
    values = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda weight, bias: torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (values,)),
        (layer.weight, layer.bias),
    )
    # a clipped matrix is scale-free: there is no gradient along itself
    (slope,) = torch.autograd.grad(layer(values).square().sum(), layer.weight)
    assert abs((slope * layer.weight).sum().item()) < 1e-10


def test_standardiser_and_its_inverse():
    values = torch.randn(200, 5, dtype=torch.float64) * torch.tensor([1.0, 2, 3, 4, 0]) + 7
    standardiser = Standardiser(5).double()
    standardiser.set_from(values)
    standardised = standardiser(values)
    torch.testing.assert_close(standardised[:, :4].std(dim=0), torch.ones(4).double())
    assert standardised.mean(dim=0).abs().max() < 1e-9
    torch.testing.assert_close(standardiser.back(standardised), values)


def test_centred_takes_off_the_mean_of_each_axis():
    poses = torch.arange(96.0).reshape(2, 48)
    expected = poses.reshape(2, 3, 16) - poses.reshape(2, 3, 16).mean(-1, keepdim=True)
    torch.testing.assert_close(centred(poses), expected.reshape(2, 48))


def test_it_learns_a_linear_law():
    """The part of the poses that y and condition tell; a third of their spread is told by nothing."""
    torch.manual_seed(0)
    x, y, condition = pairs()
    network = Martinez2017(MartinezConfig(hidden=64, blocks=1, dropout=0.0, inputs=("y", "condition")))
    network.set_scale_from(x, y, condition)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(400):
        optimiser.zero_grad()
        network.losses(x, y, condition, torch.Generator())["total"].backward()
        optimiser.step()
    with torch.no_grad():
        error = (network.eval().single(y, condition) - x).square().mean().sqrt()
    assert error < 0.4 * x.std()
