import pytest
import torch

from poseterior.models.wehrbein import WehrbeinFlow, join_latent
from poseterior.train.objective import (
    PoseCritic,
    critic_objective,
    generator_objective,
    official_objective,
    paper_objective,
)
from poseterior.train.objective.best_of_many import best_indices, best_of_many_loss
from poseterior.train.objective.heatmap import heatmap_loss
from poseterior.train.objective.mmd import squared_mmd

ALL = ["2d", "mmd", "det", "gen", "mb", "hm"]


@pytest.fixture
def critic():
    torch.manual_seed(5)
    return PoseCritic().double()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def slow_total(flow, critic, batch, config):
    """Eq. 9 term by term, the latents in the order mmd, gen, hypotheses; all graphs kept, cut by hand."""
    generator = seeded()
    draw = {
        name: torch.randn(len(batch.x), n, 16, generator=generator, dtype=torch.float64)
        for name, n in (("mmd", 1), ("gen", 1), ("many", config.num_hypotheses))
    }
    vector_hat = flow(batch.x[:, None], batch.condition)[0][:, 0]
    z_hat, y_hat = vector_hat[:, :16], vector_hat[:, 16:]

    def poses(latent):
        return flow.inverse(join_latent(latent, batch.y), batch.condition)[0]

    many = poses(draw["many"])
    best = best_indices(batch.x, many, config.num_best, config.ranked_pose)
    best_many = torch.stack([row[index] for row, index in zip(many, best, strict=True)])
    with_y = [torch.cat([z_hat, y_hat.detach()], 1), torch.cat([draw["mmd"][:, 0], batch.y], 1)]
    parts = {
        "2d": (batch.y - y_hat).abs().mean(),
        "mmd": squared_mmd(*with_y, config.mmd_widths, config.mmd_estimator),
        "det": (batch.x - poses(z_hat.detach()[:, None])[:, 0]).abs().mean(),
        "gen": -critic(poses(draw["gen"])[:, 0]).mean(),
        "mb": best_of_many_loss(batch.x, best_many, config.ranked_pose),
        "hm": heatmap_loss(
            many, batch.heatmap_covariance_m2, batch.uncertain, config.heatmap_centre, config.heatmap_joints
        ),
    }
    weights = {"2d": 1, "mmd": 10, "det": 4, "gen": 1, "mb": 4, "hm": 750}
    return sum(weights[name] * part for name, part in parts.items()), parts


@pytest.mark.parametrize("make", [paper_objective, official_objective])
@pytest.mark.parametrize("gradient", ["full", "two_pass"])
def test_value_and_gradient_of_equation_9(flow, critic, batch, tools, make, gradient) -> None:
    config = make(num_hypotheses=20, gradient=gradient)
    expected, expected_parts = slow_total(flow, critic, batch, config)
    terms = generator_objective(flow, critic, batch, seeded(), config)
    assert list(terms.parts) == ALL
    for name in ALL:
        assert float(terms.parts[name]) == pytest.approx(float(expected_parts[name].detach()), rel=1e-11)
        assert not terms.parts[name].requires_grad
    assert float(terms.total.detach()) == pytest.approx(float(expected.detach()), rel=1e-12)
    slow = tools.flat_gradient(expected, flow)
    assert (tools.flat_gradient(terms.total, flow) - slow).norm() < 1e-10 * slow.norm()


@pytest.mark.parametrize("name", ["2d", "gen", "mb", "hm"])
def test_gradient_by_differences(flow, critic, batch, tools, name) -> None:
    """Of the terms without a cut in their graph, so that the value's slope is the gradient."""
    off = {f"weight_{other}": 0.0 for other in ALL if other != name}
    config = paper_objective(num_hypotheses=20, **off)

    def total():
        return generator_objective(flow, critic, batch, seeded(), config).total

    gradient = tools.flat_gradient(total(), flow)
    torch.manual_seed(0)
    direction = torch.randn(len(gradient), dtype=torch.float64)
    slope = tools.slope_by_differences(lambda: total().detach(), flow, direction, step=1e-7)
    assert float(direction @ gradient) == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("left_out", ALL)
def test_a_term_of_weight_0_is_left_out(flow, critic, batch, left_out) -> None:
    config = paper_objective(num_hypotheses=20, **{f"weight_{left_out}": 0.0})
    terms = generator_objective(flow, critic, batch, seeded(), config)
    assert list(terms.parts) == [name for name in ALL if name != left_out]
    weights = {"2d": 1, "mmd": 10, "det": 4, "gen": 1, "mb": 4, "hm": 750}
    expected = sum(weights[name] * float(part) for name, part in terms.parts.items())
    assert float(terms.total.detach()) == pytest.approx(expected, rel=1e-12)


def test_a_term_of_weight_0_costs_nothing(flow, batch, monkeypatch) -> None:
    def must_not_run(*_):
        raise AssertionError("a pass that no term needs")

    off = {f"weight_{name}": 0.0 for name in ALL}
    with monkeypatch.context() as patch:
        patch.setattr(WehrbeinFlow, "inverse", must_not_run)
        forward_only = paper_objective(**{**off, "weight_2d": 1.0, "weight_mmd": 10.0})
        generator_objective(flow, None, batch, seeded(), forward_only)
    monkeypatch.setattr(WehrbeinFlow, "forward", must_not_run)
    inverse_only = paper_objective(num_hypotheses=8, **{**off, "weight_mb": 4.0, "weight_hm": 750.0})
    generator_objective(flow, None, batch, seeded(), inverse_only)


def test_no_gradient_through_z_hat_in_l_det(flow, batch, tools) -> None:
    off = {f"weight_{name}": 0.0 for name in ALL if name != "det"}
    terms = generator_objective(flow, None, batch, seeded(), paper_objective(**off))
    found = tools.flat_gradient(terms.total, flow)
    vector_hat = flow(batch.x[:, None], batch.condition)[0]

    def loss(z_hat):
        x_det = flow.inverse(join_latent(z_hat, batch.y), batch.condition)[0][:, 0]
        return 4 * (x_det - batch.x).abs().mean()

    cut = tools.flat_gradient(loss(vector_hat[..., :16].detach()), flow)
    assert (found - cut).norm() < 1e-12 * cut.norm()
    uncut = tools.flat_gradient(loss(vector_hat[..., :16]), flow)
    assert (found - uncut).norm() > 1e-2 * cut.norm()


def test_generator_and_critic_do_not_touch_each_other(flow, critic, batch) -> None:
    config = paper_objective(num_hypotheses=8)
    generator_objective(flow, critic, batch, seeded(), config).total.backward()
    assert all(parameter.grad is None for parameter in critic.parameters())
    assert all(parameter.requires_grad for parameter in critic.parameters())
    flow.zero_grad()
    fakes = flow.sample(batch.y, batch.condition, 1, seeded())[:, 0]
    critic_objective(critic, batch.x, fakes, seeded(), config).total.backward()
    assert all(parameter.grad is None for parameter in flow.parameters())


def test_l_gen_without_a_critic_is_refused(flow, batch) -> None:
    with pytest.raises(ValueError, match="L_gen needs a critic"):
        generator_objective(flow, None, batch, seeded(), paper_objective(num_hypotheses=8))


def test_all_that_is_random_comes_from_the_generator(flow, critic, batch) -> None:
    config = paper_objective(num_hypotheses=8, gradient="subset", num_subset=2)

    def total(seed):
        torch.manual_seed(seed + 100)
        return float(generator_objective(flow, critic, batch, seeded(seed), config).total.detach())

    first = total(0)
    torch.randn(3)
    assert total(0) == first
    assert total(1) != first


def test_critic_objective(critic, batch, tools) -> None:
    real, fake = batch.x, 0.3 * torch.randn(6, 48, dtype=torch.float64)
    terms = critic_objective(critic, real, fake, seeded(), paper_objective())
    part = torch.rand(6, 1, generator=seeded(), dtype=torch.float64)
    points = (part * real + (1 - part) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(points).sum(), points)
    penalty = sum((float(row.norm()) - 1) ** 2 for row in slope) / 6
    scores = {name: float(critic(x).mean().detach()) for name, x in (("real", real), ("fake", fake))}
    assert {name: float(value) for name, value in terms.parts.items()} == pytest.approx(
        {**scores, "penalty": penalty}
    )
    assert float(terms.total.detach()) == pytest.approx(scores["fake"] - scores["real"] + 10 * penalty)


def test_critic_gradient_by_differences(critic, batch, tools) -> None:
    fake = 0.3 * torch.randn(6, 48, dtype=torch.float64)

    def total():
        return critic_objective(critic, batch.x, fake, seeded(), paper_objective()).total

    gradient = tools.flat_gradient(total(), critic)
    torch.manual_seed(0)
    direction = torch.randn(len(gradient), dtype=torch.float64)
    slope = tools.slope_by_differences(lambda: total().detach(), critic, direction, step=1e-7)
    assert float(direction @ gradient) == pytest.approx(slope, rel=1e-5)
