import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from poseterior.viz.gaussians import ellipse_axes


@given(st.floats(0.01, 50.0), st.floats(0.01, 50.0), st.floats(-180.0, 180.0))
def test_ellipse_axes_recover_sigmas_and_angle(first, second, angle_deg):
    angle = np.radians(angle_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = turn @ np.diag([first**2, second**2]) @ turn.T
    major, minor, found_deg = ellipse_axes(covariance[None])
    np.testing.assert_allclose([major[0], minor[0]], [max(first, second), min(first, second)], rtol=1e-3)
    expected_deg = angle_deg if first >= second else angle_deg + 90.0
    if abs(first - second) > 1e-3 * (first + second):
        difference = np.radians(found_deg[0] - expected_deg)
        np.testing.assert_allclose(np.sin(difference), 0.0, atol=1e-6)


def test_the_angle_turns_from_x_to_y():
    covariance = np.array([[[2.0, 1.0], [1.0, 2.0]]])
    _, _, angle_deg = ellipse_axes(covariance)
    np.testing.assert_allclose(angle_deg % 180.0, 45.0)
