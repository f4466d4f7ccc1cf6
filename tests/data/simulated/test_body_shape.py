import numpy as np

from poseterior.data.simulated.body_shape import (
    HIP_BONES,
    MIRRORED_BONES,
    assemble,
    bone_directions,
    sample_lengths_m,
    with_pelvis_between_hips,
)
from poseterior.skeleton import H36M_17, H36M_BONES


def _directions(count: int) -> np.ndarray:
    directions = np.random.default_rng(0).normal(size=(count, 16, 3))
    directions[:, HIP_BONES[0]] = -directions[:, HIP_BONES[1]]
    return directions / np.linalg.norm(directions, axis=-1, keepdims=True)


def test_a_new_body_keeps_the_directions_and_has_the_lengths():
    directions, lengths_m = _directions(100), sample_lengths_m(np.random.default_rng(1), 100)
    joints_m = assemble(directions, lengths_m)
    np.testing.assert_allclose(bone_directions(joints_m), directions, atol=1e-12)
    for bone, (parent, child) in enumerate(H36M_BONES):
        vector = joints_m[:, H36M_17.index(child)] - joints_m[:, H36M_17.index(parent)]
        np.testing.assert_allclose(np.linalg.norm(vector, axis=1), lengths_m[:, bone], rtol=1e-12)


def test_the_pelvis_is_between_the_hips():
    joints_m = assemble(_directions(50), sample_lengths_m(np.random.default_rng(1), 50))
    middle = (joints_m[:, H36M_17.index("left_hip")] + joints_m[:, H36M_17.index("right_hip")]) / 2
    np.testing.assert_allclose(joints_m[:, 0], middle, atol=1e-12)

    noisy = joints_m + np.random.default_rng(2).normal(0.0, 0.01, joints_m.shape)
    moved = with_pelvis_between_hips(noisy)
    middle = (noisy[:, H36M_17.index("left_hip")] + noisy[:, H36M_17.index("right_hip")]) / 2
    np.testing.assert_allclose(moved[:, 0], middle, atol=1e-12)
    np.testing.assert_array_equal(moved[:, 1:], noisy[:, 1:])


def test_bodies_are_nearly_symmetric_and_of_human_size():
    lengths_m = sample_lengths_m(np.random.default_rng(3), 5000)
    asymmetry = np.log(lengths_m / lengths_m[:, MIRRORED_BONES])
    assert 0 < np.abs(asymmetry).max() < 0.08
    thigh_m = lengths_m[:, [child for _, child in H36M_BONES].index("left_knee")]
    assert 0.38 < np.median(thigh_m) < 0.44
    assert thigh_m.min() > 0.25
    assert thigh_m.max() < 0.62
    assert 0.05 < np.log(thigh_m).std() < 0.12
