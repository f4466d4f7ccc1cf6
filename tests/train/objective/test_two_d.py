import pytest
import torch

from poseterior.train.objective.two_d import two_d_loss


def test_mean_absolute_difference() -> None:
    y, y_hat = torch.randn(2, 5, 32, dtype=torch.float64)
    expected = sum(abs(float(y[p, c]) - float(y_hat[p, c])) for p in range(5) for c in range(32)) / (5 * 32)
    assert float(two_d_loss(y, y_hat)) == pytest.approx(expected, rel=1e-13)


def test_gradient_by_finite_differences() -> None:
    y, y_hat = torch.randn(2, 3, 32, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda value: two_d_loss(y, value), (y_hat.requires_grad_(),))
