import pytest
import torch

from poseterior.skeleton import FLOW_16
from poseterior.train.objective.best_of_many import best_indices, best_of_many_loss

VARIANTS = ["flow_16", "root_centred_17"]


def points(vector, variant):
    """(x, y, z) per joint, as lists."""
    joints = [[float(vector[axis * 16 + j]) for axis in range(3)] for j in range(16)]
    if variant == "flow_16":
        return joints
    right, left = joints[FLOW_16.index("right_hip")], joints[FLOW_16.index("left_hip")]
    pelvis = [(a + b) / 2 for a, b in zip(right, left, strict=True)]
    return [[value - p for value, p in zip(joint, pelvis, strict=True)] for joint in [pelvis, *joints]]


def slow_mpjpe(x, hypothesis, variant):
    pairs = zip(points(x, variant), points(hypothesis, variant), strict=True)
    distances = [sum((a - b) ** 2 for a, b in zip(u, v, strict=True)) ** 0.5 for u, v in pairs]
    return sum(distances) / len(distances)


def slow_loss(x, hypotheses, k, variant):
    total = 0.0
    for pose, row in zip(x, hypotheses, strict=True):
        ranked = sorted(row, key=lambda hypothesis: slow_mpjpe(pose, hypothesis, variant))[:k]
        mean = sum(ranked) / k
        pairs = zip(points(pose, variant), points(mean, variant), strict=True)
        differences = [abs(a - b) for u, v in pairs for a, b in zip(u, v, strict=True)]
        total += sum(differences) / len(differences)
    return total / len(x)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("k", [1, 3, 9])
def test_loss_and_ranking(k, variant) -> None:
    torch.manual_seed(k)
    x, hypotheses = torch.randn(4, 48, dtype=torch.float64), torch.randn(4, 9, 48, dtype=torch.float64)
    best = best_indices(x, hypotheses, k, variant)
    for pose, row, found in zip(x, hypotheses, best.tolist(), strict=True):
        order = sorted(range(9), key=lambda index: slow_mpjpe(pose, row[index], variant))
        assert found == order[:k]
    chosen = torch.stack([row[found] for row, found in zip(hypotheses, best, strict=True)])
    loss = best_of_many_loss(x, chosen, variant)
    assert float(loss) == pytest.approx(slow_loss(x, hypotheses, k, variant), rel=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradient_by_finite_differences(variant) -> None:
    x, best = torch.randn(2, 48, dtype=torch.float64), torch.randn(2, 3, 48, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda value: best_of_many_loss(x, value, variant), (best.requires_grad_(),)
    )
