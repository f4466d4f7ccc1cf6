import numpy as np

from poseterior.data.simulated.body_shape import bone_directions
from poseterior.data.simulated.poses import facing_directions
from poseterior.skeleton import H36M_BONES

CHILDREN = [child for _, child in H36M_BONES]


def test_facing_turns_about_the_vertical_only():
    joints = np.random.default_rng(0).normal(size=(30, 17, 3)).astype(np.float32)
    joints[:, 0] = (joints[:, 1] + joints[:, 4]) / 2
    facing, original = facing_directions(joints), bone_directions(joints)
    np.testing.assert_allclose(facing[..., 1], original[..., 1], atol=1e-6)
    between = np.einsum("pia,pja->pij", facing, facing) - np.einsum("pia,pja->pij", original, original)
    assert np.abs(between).max() < 1e-5
    left_hip = facing[:, CHILDREN.index("left_hip")]
    assert np.abs(left_hip[:, 2]).max() < 1e-6
    assert (left_hip[:, 0] > 0).all()
    quarter = joints[..., [2, 1, 0]] * np.array([1.0, 1.0, -1.0], dtype=np.float32)
    np.testing.assert_allclose(facing_directions(quarter), facing, atol=1e-5)
