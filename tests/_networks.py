"""Small networks of all compared methods, and pairs that they can learn from."""

import functools
from dataclasses import replace

import torch

from poseterior.flow.centred import centred_basis
from poseterior.models.network_card import NetworkCard
from poseterior.models.network_config import config_as_json
from poseterior.models.network_methods import NETWORK_METHODS, build_network, network_method

SMALL = {
    "martinez2017": {"hidden": 32, "blocks": 1},
    "li2019-mdn": {"hidden": 32, "blocks": 1, "kernels": 3},
    "li2020": {"hidden": 32, "noise": 8},
    "graphmdn": {"channels": 16, "blocks": 1, "kernels": 3},
    "cvae": {"hidden": 48, "blocks": 1, "latent": 8, "train_samples": 3},
    "flow_matching": {"hidden": 32, "blocks": 1, "encoder_hidden": 16, "frequencies": 2, "steps": 3},
    "spline_flow": {"layers": 2, "bins": 4, "hidden": 16, "encoder_hidden": 16, "encoder_size": 8},
}
"""Sizes in place of the published ones."""


def small_config(method, **changes):
    """The method's config at a size for tests."""
    return network_method(method).config_class()(**SMALL[method] | changes)


@functools.cache
def pairs(count=64, seed=0):
    """x, y, condition: random people-sized poses of which y and condition tell half."""
    generator = torch.Generator().manual_seed(seed)
    basis = torch.from_numpy(centred_basis()).float()
    seen, hidden = torch.randn(2, count, 45, generator=generator)
    x = (0.15 * seen + 0.05 * hidden) @ basis.T
    y = torch.tanh(seen @ torch.randn(45, 32, generator=torch.Generator().manual_seed(1)) / 4)
    condition = torch.tanh(seen @ torch.randn(45, 78, generator=torch.Generator().manual_seed(2)) / 4)
    return x, y, condition


def small_network(method, seed=0, **changes):
    """A random network in eval mode whose batch norms and scales have seen the pairs."""
    torch.manual_seed(seed)
    network = build_network(method, small_config(method, **changes))
    x, y, condition = pairs()
    network.set_scale_from(x, y, condition)
    with torch.no_grad():
        network.losses(x, y, condition, torch.Generator().manual_seed(0))
    return network.eval()


def card_of(network, **changes):
    """A card for it."""
    card = NetworkCard(
        name=f"small {network.method}",
        method=network.method,
        config=config_as_json(network.config),
        detector_profile="toy",
        sigma_confident_cells=1.5,
        condition_variant="paper",
        description="for tests",
        data="random",
        licence="none",
        seed=0,
        command="none",
    )
    return replace(card, **changes)


METHODS = tuple(NETWORK_METHODS)
