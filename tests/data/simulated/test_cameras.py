import numpy as np
import pytest

from poseterior.data.simulated.cameras import HUMAN36M_LIKE, WIDE, CameraRange, project, sample_cameras

LEVEL = CameraRange((4.0, 4.0), (0.0, 0.0, 0.0, 0.0), (0.0, 0.0), (0.0, 0.0))


@pytest.mark.parametrize("ranges", [HUMAN36M_LIKE, WIDE])
def test_cameras_are_proper_rigid_motions_at_the_asked_distance(ranges: CameraRange):
    cameras = sample_cameras(np.random.default_rng(0), 500, ranges)
    product = cameras.rotation @ np.swapaxes(cameras.rotation, -1, -2)
    np.testing.assert_allclose(product, np.tile(np.eye(3), (500, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(cameras.rotation), 1.0, atol=1e-12)
    distance_m = np.linalg.norm(cameras.translation_m, axis=1)
    assert ranges.distance_m[0] <= distance_m.min() < distance_m.max() <= ranges.distance_m[1]
    assert cameras.translation_m[:, 2].min() > 1.5


def test_a_level_camera_sees_up_as_minus_y_and_a_facing_persons_left_on_its_right():
    cameras = sample_cameras(np.random.default_rng(1), 200, LEVEL)
    seen = cameras.from_world(np.tile([[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]], (200, 1, 1)))
    np.testing.assert_allclose(seen[:, 0] - seen[:, 1], np.tile([0.0, -1.0, 0.0], (200, 1)), atol=1e-12)
    np.testing.assert_allclose(seen[:, 1], np.tile([0.0, 0.0, 4.0], (200, 1)), atol=1e-12)
    # the person faces +z, with the left hand at +x
    front, left = np.tile([[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]], (200, 1, 1)).transpose(1, 0, 2)
    front, left = (cameras.from_world(point[:, None])[:, 0] for point in (front, left))
    towards = front[:, 2] < 3.2
    assert 20 < towards.sum() < 100
    assert (left[towards, 0] > 0.5).all()


def test_a_camera_that_looks_down_sees_the_head_nearer_than_the_feet():
    down = CameraRange((4.0, 4.0), (30.0, 0.0, 0.0, 60.0), (0.0, 0.0), (0.0, 0.0))
    cameras = sample_cameras(np.random.default_rng(2), 50, down)
    head, feet = cameras.from_world(np.tile([[[0.0, 0.8, 0.0], [0.0, -0.8, 0.0]]], (50, 1, 1))).transpose(
        1, 0, 2
    )
    np.testing.assert_allclose(feet[:, 2] - head[:, 2], 1.6 * np.sin(np.radians(30)), atol=1e-12)


def test_projection_keeps_points_on_their_ray():
    points = np.random.default_rng(3).uniform([-1, -1, 2], [1, 1, 6], (40, 3))
    np.testing.assert_allclose(project(points), project(points * 1.7), rtol=1e-12)
    np.testing.assert_allclose(project(np.array([[1.0, -2.0, 4.0]])), [[0.25, -0.5]])
