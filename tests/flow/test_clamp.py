import numpy as np
import pytest
import torch

from poseterior.flow.clamp import soft_clamp, soft_clamp_slope
from poseterior.flow.config import ClampVariant

RAW = torch.linspace(-40, 40, 201, dtype=torch.float64)


def test_paper_variant_is_equation_2() -> None:
    expected = 2 * 2.0 / np.pi * np.arctan(RAW.numpy() / 2.0)
    np.testing.assert_allclose(soft_clamp(RAW, 2.0, "paper"), expected, rtol=1e-14)


def test_official_variant_rounds_two_over_pi() -> None:
    np.testing.assert_allclose(
        soft_clamp(RAW, 2.0, "official"), 2.0 * 0.636 * np.arctan(RAW.numpy() / 2.0), rtol=1e-14
    )


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_it_never_leaves_alpha(variant: ClampVariant) -> None:
    extreme = torch.tensor([-1e30, 1e30], dtype=torch.float64)
    assert (soft_clamp(extreme, 1.5, variant).abs() <= 1.5).all()
    assert soft_clamp(extreme, 1.5, variant)[1] > 1.49


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_slope_is_the_autograd_derivative(variant: ClampVariant) -> None:
    raw = RAW.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(soft_clamp(raw, 1.5, variant).sum(), raw)
    torch.testing.assert_close(soft_clamp_slope(RAW, 1.5, variant), gradient, rtol=1e-12, atol=0)
