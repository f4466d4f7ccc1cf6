"""A small flow in float64, pictures for it, and its gradient as one vector."""

import pytest
import torch

from poseterior.flow.config import FlowConfig
from poseterior.models.wehrbein import WehrbeinFlow
from poseterior.train.batch import Batch


def make_batch(pictures, seed=0, dtype=torch.float64, uncertain=0.4):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    root = 0.5 * normal(pictures, 16, 2, 2)
    return Batch(
        x=0.3 * normal(pictures, 48),
        y=normal(pictures, 32),
        condition=normal(pictures, 78),
        heatmap_covariance_m2=root @ root.mT,
        uncertain=torch.rand(pictures, 16, generator=generator) < uncertain,
    )


def make_flow(seed=0, dtype=torch.float64, hidden=24):
    torch.manual_seed(seed)
    flow = WehrbeinFlow(FlowConfig(blocks=3, hidden=hidden, encoder_hidden=12, encoder_size=8))
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return flow.to(dtype)


@pytest.fixture
def flow():
    return make_flow()


@pytest.fixture
def batch():
    """Six pictures, two of them without an uncertain joint."""
    batch = make_batch(6)
    batch.uncertain[1::3] = False
    return batch


def flat_gradient(total, module):
    module.zero_grad()
    total.backward()
    return torch.cat([parameter.grad.flatten() for parameter in module.parameters()])


def slope_by_differences(value, module, direction, step=1e-5):
    """d value / d parameters along `direction`, by central differences."""
    start = torch.nn.utils.parameters_to_vector(module.parameters()).detach().clone()
    values = []
    for sign in (1, -1):
        torch.nn.utils.vector_to_parameters(start + sign * step * direction, module.parameters())
        values.append(float(value()))
    torch.nn.utils.vector_to_parameters(start, module.parameters())
    return (values[0] - values[1]) / (2 * step)


@pytest.fixture
def tools():
    """The helpers above, for tests in other files."""

    class Tools:
        make_batch = staticmethod(make_batch)
        make_flow = staticmethod(make_flow)
        flat_gradient = staticmethod(flat_gradient)
        slope_by_differences = staticmethod(slope_by_differences)

    return Tools
