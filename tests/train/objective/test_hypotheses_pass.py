import pytest
import torch

from poseterior.train.objective import hypotheses_pass, official_objective, paper_objective, products
from poseterior.train.objective.hypotheses_pass import ROWS_AT_ONCE, hypotheses_terms
from poseterior.train.objective.inverse_pass import InversePass

WITHOUT = [{}, {"weight_mb": 0.0}, {"weight_hm": 0.0}]


def latents(batch, number, seed=0):
    z = torch.randn(
        len(batch.x), number, 16, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    return z.to(batch.x.dtype)


def evaluate(tools, flow, batch, config, seed=0):
    """Value, parts, gradient."""
    latent = latents(batch, config.num_hypotheses)
    terms = hypotheses_terms(flow, batch, latent, torch.Generator().manual_seed(seed), config)
    return float(terms.total.detach()), terms.parts, tools.flat_gradient(terms.total, flow)


@pytest.mark.parametrize("make", [paper_objective, official_objective])
@pytest.mark.parametrize("without", WITHOUT)
def test_two_passes_give_the_gradient_of_the_whole_graph(flow, batch, tools, make, without) -> None:
    changes = {"num_hypotheses": 30, "num_best": 4, **without}
    value, parts, gradient = evaluate(tools, flow, batch, make(**changes))
    expected = evaluate(tools, flow, batch, make(gradient="full", **changes))
    assert value == pytest.approx(expected[0], rel=1e-12)
    assert (
        parts.keys() == expected[1].keys() == {"mb", "hm"} - {key.removeprefix("weight_") for key in without}
    )
    for name, part in parts.items():
        assert float(part) == pytest.approx(float(expected[1][name]), rel=1e-12)
    assert (gradient - expected[2]).norm() < 1e-10 * expected[2].norm()


def test_the_same_when_a_picture_alone_fills_a_piece(flow, batch, tools) -> None:
    changes = {"num_hypotheses": ROWS_AT_ONCE + 50}
    _, _, gradient = evaluate(tools, flow, batch, paper_objective(**changes))
    _, _, expected = evaluate(tools, flow, batch, paper_objective(gradient="full", **changes))
    assert (gradient - expected).norm() < 1e-10 * expected.norm()


@pytest.mark.parametrize("gradient", ["two_pass", "subset"])
def test_several_workers_agree_with_one_and_with_themselves(batch, tools, monkeypatch, gradient) -> None:
    flow = tools.make_flow(dtype=torch.float64)
    config = paper_objective(num_hypotheses=30, gradient=gradient, num_subset=4)
    # two pictures a piece
    monkeypatch.setattr(hypotheses_pass, "ROWS_AT_ONCE", 60)
    before = torch.get_num_threads()
    found = {}
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found[threads] = evaluate(tools, flow, batch, config)
            again = evaluate(tools, flow, batch, config)
            assert again[0] == found[threads][0]
            assert torch.equal(again[2], found[threads][2])
    finally:
        torch.set_num_threads(before)
    for threads in (2, 3):
        assert found[threads][0] == pytest.approx(found[1][0], rel=1e-13)
        assert (found[threads][2] - found[1][2]).norm() < 1e-12 * found[1][2].norm()


@pytest.mark.parametrize("onednn", [False, True])
def test_single_precision(tools, onednn, monkeypatch) -> None:
    monkeypatch.setattr(products, "_ONEDNN", onednn and products._ONEDNN)
    flow, batch = tools.make_flow(dtype=torch.float32, hidden=64), tools.make_batch(8, dtype=torch.float32)
    _, _, gradient = evaluate(tools, flow, batch, paper_objective(num_hypotheses=20))
    _, _, expected = evaluate(tools, flow, batch, paper_objective(gradient="full", num_hypotheses=20))
    assert (gradient - expected).norm() < 3e-6 * expected.norm()


def test_subset_is_exact_in_the_best_rows_and_when_it_is_everything(flow, batch, tools) -> None:
    for changes in ({"weight_hm": 0.0, "num_subset": 2}, {"num_subset": 30}):
        config = paper_objective(num_hypotheses=30, gradient="subset", **changes)
        value, _, gradient = evaluate(tools, flow, batch, config)
        exact_value, _, exact = evaluate(tools, flow, batch, paper_objective(num_hypotheses=30, **changes))
        assert value == pytest.approx(exact_value, rel=1e-12)
        assert (gradient - exact).norm() < 1e-10 * exact.norm()


def test_subset_is_unbiased(flow, batch, tools) -> None:
    config = paper_objective(num_hypotheses=30, gradient="subset", num_subset=15)
    exact_value, _, exact = evaluate(tools, flow, batch, paper_objective(num_hypotheses=30))
    torch.manual_seed(0)
    directions = torch.randn(12, len(exact), dtype=torch.float64)
    directions[0] = exact / exact.norm() * directions[0].norm()
    seen = []
    for seed in range(200):
        value, _, gradient = evaluate(tools, flow, batch, config, seed)
        assert value == pytest.approx(exact_value, rel=1e-12)
        seen.append(directions @ gradient)
    seen = torch.stack(seen)
    error = seen.std(dim=0) / 200**0.5
    assert ((seen.mean(dim=0) - directions @ exact).abs() < 4 * error).all()
    # a missing or wrong factor would be seen
    assert error[0] < 0.03 * (directions[0] @ exact).abs()


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({}, 4 * 30 + 2 * 5),
        ({"weight_mb": 0.0}, 4 * 30),
        ({"weight_hm": 0.0}, 6 * 5),
        ({"gradient": "subset", "num_subset": 3}, 4 * 8 + 2 * 5),
    ],
)
def test_goes_back_only_through_the_rows_that_matter(flow, batch, tools, monkeypatch, changes, rows) -> None:
    seen = []
    original = InversePass.add_gradient

    def counted(self, trace, gradient, pictures):
        seen.append(gradient.shape[0] * gradient.shape[1])
        original(self, trace, gradient, pictures)

    monkeypatch.setattr(InversePass, "add_gradient", counted)
    evaluate(tools, flow, batch, paper_objective(num_hypotheses=30, **changes))
    assert sum(seen) == rows


def test_without_gradient_only_the_value(flow, batch) -> None:
    config = paper_objective(num_hypotheses=30)
    with torch.no_grad():
        silent = hypotheses_terms(flow, batch, latents(batch, 30), torch.Generator(), config)
    assert not silent.total.requires_grad
    loud = hypotheses_terms(flow, batch, latents(batch, 30), torch.Generator(), config)
    assert float(silent.total) == pytest.approx(float(loud.total.detach()), rel=1e-12)


def test_lower_precision_around_it_changes_nothing(tools) -> None:
    flow, batch = tools.make_flow(dtype=torch.float32), tools.make_batch(4, dtype=torch.float32)
    config = paper_objective(num_hypotheses=20)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value, _, gradient = evaluate(tools, flow, batch, config)
    expected_value, _, expected = evaluate(tools, flow, batch, config)
    assert value == expected_value
    assert torch.equal(gradient, expected)


@pytest.mark.parametrize("gradient", ["full", "two_pass"])
def test_exact_gradients_draw_nothing(flow, batch, tools, gradient) -> None:
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    hypotheses_terms(
        flow, batch, latents(batch, 30), generator, paper_objective(num_hypotheses=30, gradient=gradient)
    )
    assert torch.equal(generator.get_state(), before)
