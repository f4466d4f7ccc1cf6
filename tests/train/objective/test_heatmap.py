import math

import pytest
import torch

from poseterior.skeleton import CONDITION_13, FLOW_16, MPII_16
from poseterior.train.objective.heatmap import heatmap_loss, hypotheses_covariance


def slow_position(vector, name, axis, centre):
    value = [float(vector[axis * 16 + j]) for j in range(16)]
    pelvis = (value[FLOW_16.index("right_hip")] + value[FLOW_16.index("left_hip")]) / 2
    position = pelvis if name == "pelvis" else value[FLOW_16.index(name)]
    return position - (pelvis if centre == "root" else sum(value) / 16)


def slow_covariance(rows, name, centre):
    seen = [[slow_position(row, name, axis, centre) for row in rows] for axis in range(2)]
    mean = [sum(values) / len(values) for values in seen]
    return [
        [
            sum((p - mean[a]) * (q - mean[b]) for p, q in zip(seen[a], seen[b], strict=True))
            / (len(rows) - 1)
            for b in range(2)
        ]
        for a in range(2)
    ]


def slow_loss(hypotheses, covariance, uncertain, centre, names):
    total = 0.0
    for picture, rows in enumerate(hypotheses):
        for name in names:
            j = MPII_16.index(name)
            s, big = slow_covariance(rows, name, centre), covariance[picture, j].tolist()
            lack = math.hypot(
                max(0.0, big[0][0] - s[0][0]), max(0.0, big[1][1] - s[1][1]), big[0][1] - s[0][1]
            )
            total += lack if uncertain[picture, j] else 0.0
    return total / (len(hypotheses) * len(names))


@pytest.fixture
def case(tools):
    torch.manual_seed(0)
    batch = tools.make_batch(3)
    hypotheses = 0.5 * torch.randn(3, 7, 48, dtype=torch.float64)
    # both sides of the lower bound
    return hypotheses, 0.7 * batch.heatmap_covariance_m2, batch.uncertain


@pytest.mark.parametrize("centre", ["mean", "root"])
@pytest.mark.parametrize(("joints", "names"), [("all", MPII_16), ("condition", CONDITION_13)])
def test_loss(case, centre, joints, names) -> None:
    found = float(heatmap_loss(*case, centre, joints))
    assert found == pytest.approx(slow_loss(*case, centre, names), rel=1e-12)
    assert found > 0.05


@pytest.mark.parametrize("centre", ["mean", "root"])
def test_gradient_by_finite_differences(case, centre) -> None:
    hypotheses, covariance, uncertain = case
    assert torch.autograd.gradcheck(
        lambda value: heatmap_loss(value, covariance, uncertain, centre, "all"),
        (hypotheses.requires_grad_(),),
    )


def test_root_centred_pelvis_does_not_move(case) -> None:
    spread = hypotheses_covariance(case[0], "root")[:, MPII_16.index("pelvis")]
    assert spread.abs().max() < 1e-30


def test_covariance_is_torchs(case) -> None:
    hypotheses = case[0]
    joint = FLOW_16.index("left_wrist")
    seen = hypotheses[0].reshape(7, 3, 16)[:, :2]
    expected = torch.cov((seen[..., joint] - seen.mean(dim=-1)).T)
    torch.testing.assert_close(
        hypotheses_covariance(hypotheses, "mean")[0, MPII_16.index("left_wrist")], expected
    )


def test_enough_spread_costs_nothing_but_the_wrong_tilt(case) -> None:
    hypotheses, _, _ = case
    uncertain = torch.ones(3, 16, dtype=torch.bool)
    spread = hypotheses_covariance(hypotheses, "mean")
    smaller = spread * torch.tensor([[0.5, 1.0], [1.0, 0.5]], dtype=torch.float64)
    assert heatmap_loss(hypotheses, smaller, uncertain, "mean", "all") < 1e-14
    tilted = smaller + torch.tensor([[0.0, 0.01], [0.01, 0.0]], dtype=torch.float64)
    assert float(heatmap_loss(hypotheses, tilted, uncertain, "mean", "all")) == pytest.approx(0.01, rel=1e-9)


def test_gradient_is_finite_where_spread_and_heatmap_agree() -> None:
    for dtype in (torch.float32, torch.float64):
        hypotheses = torch.zeros(1, 4, 48, dtype=dtype, requires_grad=True)
        covariance, uncertain = torch.zeros(1, 16, 2, 2, dtype=dtype), torch.ones(1, 16, dtype=torch.bool)
        heatmap_loss(hypotheses, covariance, uncertain, "mean", "all").backward()
        assert hypotheses.grad is not None
        assert torch.isfinite(hypotheses.grad).all()
