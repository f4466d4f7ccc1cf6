import pytest
import torch

from poseterior.train.objective.deterministic import deterministic_input, deterministic_loss


def test_mean_absolute_difference_in_metres() -> None:
    x, x_det = torch.randn(2, 4, 48, dtype=torch.float64)
    expected = sum(abs(float(x[p, c]) - float(x_det[p, c])) for p in range(4) for c in range(48)) / (4 * 48)
    assert float(deterministic_loss(x, x_det)) == pytest.approx(expected, rel=1e-13)


def test_gradient_by_finite_differences() -> None:
    x, x_det = torch.randn(2, 3, 48, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda value: deterministic_loss(x, value), (x_det.requires_grad_(),))


def test_latent_comes_first_and_is_cut_from_the_graph() -> None:
    z_hat, y = torch.randn(4, 16, requires_grad=True), torch.randn(4, 32)
    vector = deterministic_input(z_hat, y)
    assert not vector.requires_grad
    assert torch.equal(vector[:, 0, :16], z_hat.detach())
    assert torch.equal(vector[:, 0, 16:], y)
