"""Projection with lens distortion, its inverse, and pictures scaled into a black frame."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poseterior.data.balancing.camera import CalibratedCamera, rotation_from_vector
from poseterior.data.schema import Camera
from poseterior.errors import InputError

K1, K2, P1, P2 = -0.21, 0.08, 0.004, -0.003


def camera(distortion=(K1, K2, P1, P2), vector=(0.3, -1.1, 0.7), translation=(0.4, -0.2, 3.0)):
    placed = np.eye(4)
    placed[:3, :3] = Rotation.from_rotvec(vector).as_matrix()
    placed[:3, 3] = translation
    matrix = np.array([[900.0, 0.0, 310.0], [0.0, 880.0, 250.0], [0.0, 0.0, 1.0]])
    return CalibratedCamera("a", 640, 480, matrix, np.array(distortion), placed)


def test_projection_written_out_for_one_point():
    x, y = 0.5 / 2.0, -0.3 / 2.0
    r2 = x**2 + y**2
    x_distorted = x * (1 + K1 * r2 + K2 * r2**2) + 2 * P1 * x * y + P2 * (r2 + 2 * x**2)
    y_distorted = y * (1 + K1 * r2 + K2 * r2**2) + P1 * (r2 + 2 * y**2) + 2 * P2 * x * y
    expected = [900 * x_distorted + 310, 880 * y_distorted + 250]
    np.testing.assert_allclose(camera().project(np.array([0.5, -0.3, 2.0])), expected, rtol=1e-13)


def test_a_point_on_the_axis_lands_on_the_principal_point():
    np.testing.assert_allclose(camera().project(np.array([[0.0, 0.0, 4.0]])), [[310.0, 250.0]])


def test_undistort_is_the_inverse_of_project():
    points_m = np.random.default_rng(0).uniform((-0.8, -0.8, 1.8), (0.8, 0.8, 5.0), (4, 50, 3))
    seen_px = camera().project(points_m)
    straight = camera(distortion=(0.0, 0.0, 0.0, 0.0)).project(points_m)
    assert np.abs(seen_px - straight).max() > 5.0
    np.testing.assert_allclose(camera().undistort(seen_px), points_m[..., :2] / points_m[..., 2:], atol=1e-10)


def test_undistort_by_solving_the_cubic():
    # without tangential terms r_distorted = r + k1 r^3 has a closed solution
    k1 = 0.15
    pixel = np.array([310 + 900 * 0.4, 250.0])
    real_root = [root.real for root in np.roots([k1, 0.0, 1.0, -0.4]) if abs(root.imag) < 1e-12]
    np.testing.assert_allclose(
        camera(distortion=(k1, 0.0, 0.0, 0.0)).undistort(pixel), [real_root[0], 0.0], atol=1e-11
    )


def test_a_distortion_that_folds_back_is_refused():
    with pytest.raises(InputError, match="camera a cannot be inverted"):
        camera(distortion=(-0.9, 0.0, 0.0, 0.0)).undistort(np.array([310 + 900 * 3.0, 250.0]))


def test_world_and_camera_are_inverse_and_rigid():
    points_m = np.random.default_rng(1).normal(size=(7, 3))
    seen = camera()
    back = seen.world_from_camera @ np.vstack([seen.to_camera(points_m).T, np.ones(7)])
    np.testing.assert_allclose(back[:3].T, points_m, atol=1e-12)
    position = seen.world_from_camera[:3, 3]
    np.testing.assert_allclose(seen.to_camera(position), 0.0, atol=1e-12)


@pytest.mark.parametrize("vector", [(0.0, 0.0, 0.0), (1e-9, 0.0, 0.0), (0.3, -2.0, 1.1), (np.pi, 0.0, 0.0)])
def test_rotation_against_scipy(vector):
    expected = Rotation.from_rotvec(vector).as_matrix()
    np.testing.assert_allclose(rotation_from_vector(np.array(vector)), expected, atol=1e-14)


def test_letterbox_keeps_corners_and_centre():
    # 640 x 480 into 320 x 300: 320 x 240 between bars of 30; edges of pixels scale, so (-0.5, -0.5) -> (-0.5, 29.5)
    boxed = camera().letterboxed(320, 300)
    assert (boxed.width_px, boxed.height_px) == (320, 300)
    points_m = np.array([[0.1, 0.2, 3.0], [-0.4, 0.3, 2.0]])
    before, after = camera().project(points_m), boxed.project(points_m)
    np.testing.assert_allclose(after, (before + 0.5) * 0.5 - 0.5 + [0.0, 30.0], rtol=1e-12)


def test_letterbox_of_the_trial_leaves_seven_black_rows():
    tall = CalibratedCamera("c", 1088, 1920, np.eye(3), np.zeros(4), np.eye(4)).letterboxed(1080, 1920)
    # matrix of the identity camera = the map of pixels: first row of the content is row 7, last one row 1912
    top, bottom = tall.matrix @ [-0.5, -0.5, 1.0], tall.matrix @ [1087.5, 1919.5, 1.0]
    np.testing.assert_allclose(top[:2], [-0.5, 6.5])
    np.testing.assert_allclose(bottom[:2], [1079.5, 1912.5])


def test_same_size_changes_nothing():
    np.testing.assert_array_equal(camera().letterboxed(640, 480).matrix, camera().matrix)


def test_it_is_a_camera_of_the_schema():
    assert isinstance(camera(), Camera)
