import pytest
import torch

from poseterior.train.objective.adversarial import (
    between,
    draw_fakes,
    generator_loss,
    gradient_penalty,
    wasserstein_loss,
)
from poseterior.train.objective.critic import PoseCritic


def test_penalty_of_a_linear_score() -> None:
    weight = torch.randn(48, dtype=torch.float64, requires_grad=True)
    x = torch.randn(5, 48, dtype=torch.float64)
    penalty = gradient_penalty(lambda poses: poses @ weight, x)
    length = weight.detach().norm()
    assert float(penalty.detach()) == pytest.approx(float((length - 1) ** 2), rel=1e-12)
    penalty.backward()
    torch.testing.assert_close(weight.grad, 2 * (length - 1) * weight.detach() / length)


def test_penalty_of_the_critic_by_differences_in_the_pose() -> None:
    torch.manual_seed(0)
    critic, x = PoseCritic().double(), torch.randn(2, 48, dtype=torch.float64)
    expected = []
    for pose in x:
        steps = 1e-6 * torch.eye(48, dtype=torch.float64)
        with torch.no_grad():
            slope = (critic(pose + steps) - critic(pose - steps)) / 2e-6
        expected.append((slope.norm() - 1) ** 2)
    found = float(gradient_penalty(critic, x).detach())
    assert found == pytest.approx(float(torch.stack(expected).mean()), rel=1e-7)


def test_signs_of_the_scores() -> None:
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 0.0])
    assert float(wasserstein_loss(real, fake)) == -2.5
    assert float(generator_loss(fake)) == 0.5


def test_points_lie_between_fake_and_real() -> None:
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.ones(200, 48), torch.zeros(200, 48)
    points = between(real, fake, generator)
    assert (points == points[:, :1]).all()
    assert 0 <= points.min() < 0.1
    assert 0.9 < points.max() <= 1


def test_one_fake_for_each_picture(flow, batch) -> None:
    z = torch.randn(6, 1, 16, dtype=torch.float64)
    fakes = draw_fakes(flow, batch.y, batch.condition, z)
    assert not fakes.requires_grad
    vector, _ = flow(fakes[:, None], batch.condition)
    torch.testing.assert_close(vector[:, 0, 16:].detach(), batch.y)
    torch.testing.assert_close(vector[:, :, :16].detach(), z)
