import pytest
import torch
from _networks import METHODS, pairs, small_network
from torch import nn

from poseterior.models.network_lifter import NetworkLifter
from poseterior.train.methods.fitters import AdamFitter, Fitter, Li2020Fitter, fitter_for
from poseterior.train.methods.recipe import Recipe


class Quadratic(NetworkLifter):
    """total = (3 w - 1)^2 / 2 at any data."""

    method = "quadratic"
    noise_size = 0

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(2.0))

    def losses(self, x, y, condition, generator):
        return {"total": (3 * self.w - 1).square() / 2}


def step(fitter, factor=1.0):
    x, y, condition = pairs()
    return fitter.step(x, y, condition, torch.Generator().manual_seed(0), factor)


def test_one_step_of_adam_is_a_step_of_the_learning_rate():
    # Adam's first step is the rate times the gradient's sign
    network = Quadratic()
    losses = step(AdamFitter(network, Recipe(learning_rate=0.1)), 0.5)
    assert losses["total"].item() == 12.5 and losses["gradient_norm"].item() == 15.0
    assert network.w.item() == pytest.approx(2 - 0.1 * 0.5, abs=1e-6)


def test_clipping_tells_the_norm_before_it():
    network = Quadratic()
    fitter = AdamFitter(network, Recipe(learning_rate=0.1, clip_norm=1.0))
    assert step(fitter)["gradient_norm"].item() == 15.0
    assert network.w.grad.item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_each_method_gets_what_trains_it(method):
    network = small_network(method).train()
    fitter = fitter_for(network, Recipe(learning_rate=1e-4))
    assert isinstance(fitter, Fitter)
    assert isinstance(fitter, Li2020Fitter if method == "li2020" else AdamFitter)
    learnt = [id(parameter) for module in fitter.modules.values() for parameter in module.parameters()]
    optimised = [
        id(parameter)
        for optimiser in fitter.optimisers.values()
        for group in optimiser.param_groups
        for parameter in group["params"]
    ]
    assert sorted(learnt) == sorted(optimised)
    assert not any(loss.requires_grad for loss in step(fitter).values())
    assert {group["lr"] for optimiser in fitter.optimisers.values() for group in optimiser.param_groups} == {
        1e-4
    }
