import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseterior.errors import InputError
from poseterior.geometry.normalise import (
    axis_major,
    joint_major,
    pose_from_vector,
    vector_from_joints_2d,
    vector_from_pose,
)
from poseterior.skeleton import FLOW_16, H36M_17

RNG = np.random.default_rng(0)


def pose_with_midpoint_pelvis() -> np.ndarray:
    pose_m = RNG.normal(size=(17, 3))
    pose_m -= (pose_m[H36M_17.index("right_hip")] + pose_m[H36M_17.index("left_hip")]) / 2
    pose_m[H36M_17.index("pelvis")] = 0.0
    return pose_m


def test_axis_major_puts_all_x_first():
    points = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    assert axis_major(points).tolist() == [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]


def test_joint_major_inverts_axis_major_with_batch_axes():
    points = RNG.normal(size=(4, 5, 16, 3))
    np.testing.assert_array_equal(joint_major(axis_major(points), axes=3), points)


def test_2d_vector_by_hand():
    joints_px = RNG.uniform(0, 500, (16, 2))
    x = joints_px[:, 0] - sum(joints_px[:, 0]) / 16
    y = -(joints_px[:, 1] - sum(joints_px[:, 1]) / 16)
    scale = (sum(x**2) / 32 + sum(y**2) / 32) ** 0.5
    expected = [*(x / scale), *(y / scale)]
    np.testing.assert_allclose(vector_from_joints_2d(joints_px), expected, rtol=1e-12)


@given(
    arrays(np.float64, (16, 2), elements=st.floats(-1e3, 1e3, width=32)),
    st.floats(0.01, 100.0),
    st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)),
)
def test_2d_vector_ignores_place_and_scale(joints_px, factor, shift_px):
    if joints_px.std() < 1.0:
        joints_px = joints_px + np.arange(32.0).reshape(16, 2)
    moved = vector_from_joints_2d(factor * joints_px + np.array(shift_px))
    np.testing.assert_allclose(moved, vector_from_joints_2d(joints_px), atol=1e-7)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_2d_vector_refuses_numbers_that_are_none(bad):
    joints_px = RNG.normal(size=(16, 2))
    joints_px[3, 1] = bad
    with pytest.raises(InputError, match="NaN or infinite"):
        vector_from_joints_2d(joints_px)


def test_2d_vector_refuses_joints_on_one_point_in_any_batch_entry():
    joints_px = np.stack([RNG.normal(size=(16, 2)), np.full((16, 2), 7.0)])
    with pytest.raises(InputError, match="one point"):
        vector_from_joints_2d(joints_px)


def test_3d_vector_is_up_and_towards_the_camera_and_centred():
    pose_m = np.zeros((17, 3))
    pose_m[H36M_17.index("head")] = (0.1, -0.7, 0.2)
    x, y, z = vector_from_pose(pose_m).reshape(3, 16)
    head = FLOW_16.index("head")
    assert x.sum() == pytest.approx(0) and y.sum() == pytest.approx(0) and z.sum() == pytest.approx(0)
    assert x[head] - x[0] == pytest.approx(0.1)
    assert y[head] - y[0] == pytest.approx(0.7)
    assert z[head] - z[0] == pytest.approx(-0.2)


def test_3d_round_trip_is_exact_for_a_pelvis_between_the_hips():
    poses_m = np.stack([pose_with_midpoint_pelvis() for _ in range(6)])
    np.testing.assert_allclose(pose_from_vector(vector_from_pose(poses_m)), poses_m, atol=1e-14)


def test_3d_pose_has_its_pelvis_at_the_origin_between_the_hips():
    poses_m = pose_from_vector(RNG.normal(size=(5, 48)))
    hips = poses_m[:, [H36M_17.index("right_hip"), H36M_17.index("left_hip")]]
    assert not poses_m[:, 0].any()
    np.testing.assert_allclose(hips.sum(axis=1), 0.0, atol=1e-14)
