import torch

from poseterior.skeleton import FLOW_16
from poseterior.train.objective.kcs import KCS_BONES, KinematicChain


def test_bones_hold_the_pose_together_without_the_pelvis() -> None:
    assert len(KCS_BONES) == 16
    assert len({frozenset(bone) for bone in KCS_BONES}) == 16
    assert {joint for bone in KCS_BONES for joint in bone} == set(FLOW_16)
    triangle = [{"right_hip", "left_hip"}, {"right_hip", "spine"}, {"left_hip", "spine"}]
    assert [set(bone) for bone in KCS_BONES[-3:]] == triangle
    assert ("right_hip", "right_knee") in KCS_BONES
    assert ("thorax", "left_shoulder") in KCS_BONES


def test_products_of_named_bones() -> None:
    x = torch.randn(3, 48, dtype=torch.float64)
    products = KinematicChain().double()(x).reshape(3, 16, 16)
    for pose, found in zip(x, products, strict=True):
        position = {name: [float(pose[axis * 16 + j]) for axis in range(3)] for j, name in enumerate(FLOW_16)}
        vectors = [
            [a - b for a, b in zip(position[parent], position[child], strict=True)]
            for parent, child in KCS_BONES
        ]
        expected = torch.tensor(
            [[sum(a * b for a, b in zip(v, w, strict=True)) for w in vectors] for v in vectors],
            dtype=torch.float64,
        )
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_rotating_and_moving_the_pose_changes_nothing() -> None:
    x = torch.randn(2, 48, dtype=torch.float64)
    rotation = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64)).Q
    moved = rotation @ x.reshape(2, 3, 16) + torch.randn(3, 1, dtype=torch.float64)
    chain = KinematicChain().double()
    torch.testing.assert_close(chain(moved.reshape(2, 48)), chain(x))


def test_gradient_by_finite_differences() -> None:
    x = torch.randn(1, 48, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(KinematicChain().double(), (x,))
    assert torch.autograd.gradgradcheck(KinematicChain().double(), (x,))
