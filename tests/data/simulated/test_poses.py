import numpy as np
import pytest

from poseterior.data.motion import Motion
from poseterior.data.simulated.body_shape import bone_directions
from poseterior.data.simulated.poses import (
    NO_VARIATION,
    PoseVariation,
    facing_directions,
    mirror,
    pose_pool,
)
from poseterior.skeleton import H36M_17, H36M_BONES, mirror_indices

CHILDREN = [child for _, child in H36M_BONES]


def _poses(count: int, seed: int = 0) -> np.ndarray:
    joints = np.random.default_rng(seed).normal(size=(count, 17, 3)).astype(np.float32)
    joints[:, 0] = (joints[:, 1] + joints[:, 4]) / 2
    return joints


def _motion(joints_m: np.ndarray) -> Motion:
    number = np.zeros(len(joints_m), dtype=np.int64)
    return Motion("test", joints_m, number, number, 30.0)


def test_mirroring_directions_is_mirroring_joints_with_sides_swapped():
    joints = _poses(30)
    by_joints = (joints * np.array([-1.0, 1.0, 1.0], dtype=np.float32))[:, mirror_indices(H36M_17)]
    np.testing.assert_allclose(mirror(bone_directions(joints)), bone_directions(by_joints), atol=1e-6)
    np.testing.assert_allclose(mirror(mirror(bone_directions(joints))), bone_directions(joints), atol=1e-6)


def test_facing_turns_about_the_vertical_only():
    joints = _poses(30)
    facing, original = facing_directions(joints), bone_directions(joints)
    np.testing.assert_allclose(facing[..., 1], original[..., 1], atol=1e-6)
    between = np.einsum("pia,pja->pij", facing, facing) - np.einsum("pia,pja->pij", original, original)
    assert np.abs(between).max() < 1e-5
    left_hip = facing[:, CHILDREN.index("left_hip")]
    assert np.abs(left_hip[:, 2]).max() < 1e-6
    assert (left_hip[:, 0] > 0).all()
    quarter = joints[..., [2, 1, 0]] * np.array([1.0, 1.0, -1.0], dtype=np.float32)
    np.testing.assert_allclose(facing_directions(quarter), facing, atol=1e-5)


def test_a_rare_pose_is_drawn_more_often_than_it_was_filmed():
    joints = np.concatenate([np.tile(_poses(1, 1), (990, 1, 1)), np.tile(_poses(1, 2), (10, 1, 1))])
    joints += np.random.default_rng(0).normal(0.0, 1e-4, joints.shape).astype(np.float32)
    share = {}
    for evenness in (0.0, 0.5, 1.0):
        weight = np.diff(pose_pool([(_motion(joints), 1.0)], cells=2, evenness=evenness).cumulative_weight)
        share[evenness] = weight[-10:].sum()
    assert share[0.0] == pytest.approx(0.01, abs=1e-6)
    assert share[0.5] == pytest.approx(np.sqrt(10) / (np.sqrt(10) + np.sqrt(990)), abs=0.003)
    assert share[1.0] == pytest.approx(0.5, abs=0.003)


def test_captures_get_their_share():
    pool = pose_pool([(_motion(_poses(900, 1)), 0.2), (_motion(_poses(100, 2)), 0.8)], cells=4)
    assert pool.cumulative_weight[899] == pytest.approx(0.2)
    with pytest.raises(ValueError, match="share"):
        pose_pool([(_motion(_poses(5)), 0.0)])


def test_recombined_poses_take_the_legs_of_one_frame_and_the_rest_of_another():
    pool = pose_pool([(_motion(_poses(40)), 1.0)], cells=4)
    variation = PoseVariation(1.0, 0.0, 0.0, 0.0, 0.0)
    drawn = pool.sample(np.random.default_rng(0), 200, variation)
    legs = [i for i, child in enumerate(CHILDREN) if child.split("_")[-1] in ("hip", "knee", "ankle")]
    rest = [i for i in range(16) if i not in legs]

    def source(bones: list[int]) -> np.ndarray:
        distance = np.abs(drawn[:, None, bones] - pool.directions[None][:, :, bones]).max(axis=(2, 3))
        assert distance.min(axis=1).max() < 1e-6
        return distance.argmin(axis=1)

    assert (source(legs) != source(rest)).mean() > 0.9


def test_variation_keeps_unit_directions_and_one_axis_through_the_hips():
    pool = pose_pool([(_motion(_poses(40)), 1.0)], cells=4)
    drawn = pool.sample(np.random.default_rng(0), 300, PoseVariation(tilted_share=0.5))
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=-1), 1.0, atol=1e-6)
    right, left = drawn[:, CHILDREN.index("right_hip")], drawn[:, CHILDREN.index("left_hip")]
    np.testing.assert_allclose(right, -left, atol=1e-6)


def test_held_out_poses_are_as_captured_or_mirrored():
    pool = pose_pool([(_motion(_poses(10)), 1.0)], cells=4)
    drawn = pool.sample(np.random.default_rng(0), 50, NO_VARIATION)
    known = np.concatenate([pool.directions, mirror(pool.directions)])
    assert np.abs(drawn[:, None] - known).max(axis=(2, 3)).min(axis=1).max() < 1e-6
