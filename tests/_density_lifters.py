"""Small networks of the methods on `models.density_lifter`, in float64."""

import pytest
import torch

from poseterior.models.network_methods import build_network, network_method


def small_density_lifter(method, **sizes):
    """Random weights, coordinates of unlike means and spreads; skips the test where the method's package is missing."""
    if method == "spline_flow":
        pytest.importorskip("zuko", reason="the optional package zuko is not installed")
    torch.manual_seed(0)
    lifter = build_network(method, network_method(method).config_class()(**sizes)).double()
    lifter.coordinates.mean.copy_(torch.linspace(-0.2, 0.3, 45))
    lifter.coordinates.spread.copy_(torch.linspace(0.05, 0.4, 45))
    return lifter


def pictures(count=3):
    """y and condition."""
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(count, size, generator=generator, dtype=torch.float64) for size in (32, 78))
