import pytest
import torch

from poseterior.train.objective.mmd import latent_loss, squared_mmd

WIDTHS = (0.05, 0.2, 0.9)


def kernel(v, w):
    squared = sum((float(a) - float(b)) ** 2 for a, b in zip(v, w, strict=True))
    return sum(b / (b + squared) for b in (0.0025, 0.04, 0.81))


def slow(first, second, biased):
    n = len(first)
    own = [(i, j) for i in range(n) for j in range(n) if biased or i != j]
    within = sum(kernel(first[i], first[j]) + kernel(second[i], second[j]) for i, j in own) / len(own)
    return within - 2 * sum(kernel(v, w) for v in first for w in second) / n**2


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_equals_the_double_sum(estimator) -> None:
    first, second = 0.3 * torch.randn(2, 7, 6, dtype=torch.float64)
    expected = slow(first, second, estimator == "biased")
    assert float(squared_mmd(first, second, WIDTHS, estimator)) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_gradient_by_finite_differences(estimator) -> None:
    first, second = 0.3 * torch.randn(2, 4, 5, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda v, w: squared_mmd(v, w, WIDTHS, estimator), (first.requires_grad_(), second.requires_grad_())
    )


def test_only_the_unbiased_one_is_zero_on_average_for_equal_distributions() -> None:
    torch.manual_seed(0)
    values = {"unbiased": [], "biased": []}
    for _ in range(400):
        first, second = 0.3 * torch.randn(2, 6, 3, dtype=torch.float64)
        for estimator, found in values.items():
            found.append(squared_mmd(first, second, WIDTHS, estimator))
    for estimator, found in values.items():
        mean, error = torch.stack(found).mean(), torch.stack(found).std() / 20
        assert (abs(mean) < 4 * error) == (estimator == "unbiased")


def test_no_gradient_through_the_2d_pose() -> None:
    vector_hat = torch.randn(5, 48, requires_grad=True)
    latent_loss(vector_hat, torch.randn(5, 32), torch.randn(5, 16), WIDTHS, "unbiased").backward()
    assert vector_hat.grad is not None
    assert (vector_hat.grad[:, 16:] == 0).all()
    assert (vector_hat.grad[:, :16] != 0).all()


def test_one_picture_has_no_unbiased_estimate() -> None:
    with pytest.raises(ValueError, match="at least two"):
        squared_mmd(torch.zeros(1, 3), torch.ones(1, 3), WIDTHS, "unbiased")
