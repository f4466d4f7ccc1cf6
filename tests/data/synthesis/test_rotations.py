import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poseterior.data.synthesis.rotations import between, frame, signed_angle_rad, swing, turn, unit


def directions(count):
    vectors = np.random.default_rng(0).normal(size=(count, 3))
    return [unit(vector) for vector in vectors]


def is_rotation(matrix):
    return np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-12) and np.linalg.det(matrix) > 0.999


def test_swing_is_the_shortest_rotation():
    for start, end in zip(directions(50), reversed(directions(50)), strict=True):
        rotation = swing(start, end)
        assert is_rotation(rotation)
        np.testing.assert_allclose(rotation @ start, end, atol=1e-12)
        angle = Rotation.from_matrix(rotation).magnitude()
        assert angle == pytest.approx(np.arccos(start @ end), abs=1e-9)


def test_swing_to_the_opposite_direction_turns_by_half():
    for start in directions(20):
        rotation = swing(start, -start)
        assert is_rotation(rotation)
        np.testing.assert_allclose(rotation @ start, -start, atol=1e-12)


def test_turn_agrees_with_scipy():
    for axis in directions(20):
        expected = Rotation.from_rotvec(axis * 0.7).as_matrix()
        np.testing.assert_allclose(turn(3.0 * axis, 0.7), expected, atol=1e-12)


def test_between_agrees_with_slerp_of_scipy():
    rng = np.random.default_rng(1)
    for start, other in zip(Rotation.random(20, rng=rng), Rotation.random(20, rng=rng), strict=True):
        middle = between(start.as_matrix(), other.as_matrix(), 0.3)
        expected = Rotation.from_rotvec(0.3 * (other * start.inv()).as_rotvec()) * start
        np.testing.assert_allclose(middle, expected.as_matrix(), atol=1e-9)


def test_frame_is_a_rotation_along_its_first_argument_even_where_the_second_says_nothing():
    for first, second in zip(directions(20), reversed(directions(20)), strict=True):
        for axes in (frame(first, second), frame(first, 2.0 * first)):
            assert is_rotation(axes)
            np.testing.assert_allclose(axes[:, 0], first, atol=1e-12)
        assert frame(first, second)[:, 1] @ second > 0


def test_signed_angle_turns_start_to_end():
    for axis, start in zip(directions(20), reversed(directions(20)), strict=True):
        end = turn(axis, -1.1) @ start
        assert signed_angle_rad(start, end, axis) == pytest.approx(-1.1)
