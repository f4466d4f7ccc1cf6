import numpy as np
import pytest

from poseterior.types import FitStatus, JointGaussians, PersonBox


def gaussians(pixel_from_cell=None) -> JointGaussians:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 2, 2))
    affine = {} if pixel_from_cell is None else {"pixel_from_cell": pixel_from_cell}
    return JointGaussians(
        joint_names=("head", "left_wrist", "right_wrist"),
        amplitude=np.array([1.0, 0.5, 0.2]),
        mean_cell=rng.uniform(0, 63, (3, 2)),
        covariance_cell2=root @ root.swapaxes(1, 2) + 0.1 * np.eye(2),
        rmse=np.array([0.01, 0.02, 0.03]),
        status=np.array([FitStatus.CONVERGED, FitStatus.AT_BOUND, FitStatus.DERIVED], np.uint8),
        **affine,
    )


def test_pixels_are_cells_without_a_map():
    cells = gaussians()
    np.testing.assert_array_equal(cells.mean_px, cells.mean_cell)
    np.testing.assert_array_equal(cells.covariance_px2, cells.covariance_cell2)


def test_pixels_follow_samples_through_the_affine_map():
    """Independent of the formula: move samples of the Gaussian, and measure their mean and covariance."""
    affine = np.array([[3.0, -1.0, 100.0], [0.5, 4.0, -20.0]])
    moved = gaussians(affine)
    rng = np.random.default_rng(1)
    for joint in range(3):
        cells = rng.multivariate_normal(moved.mean_cell[joint], moved.covariance_cell2[joint], 200_000)
        pixels = np.stack(
            [3.0 * cells[:, 0] - cells[:, 1] + 100.0, 0.5 * cells[:, 0] + 4.0 * cells[:, 1] - 20.0], axis=1
        )
        covariance = moved.covariance_px2[joint]
        np.testing.assert_allclose(moved.mean_px[joint], pixels.mean(axis=0), atol=0.1)
        np.testing.assert_allclose(covariance, np.cov(pixels.T), atol=0.02 * np.trace(covariance))


def test_sigma_is_larger_first_and_squares_to_the_covariances_trace_and_determinant():
    cells = gaussians()
    larger, smaller = cells.sigma_cell.T
    assert (larger >= smaller).all()
    np.testing.assert_allclose(larger**2 + smaller**2, np.trace(cells.covariance_cell2, axis1=1, axis2=2))
    np.testing.assert_allclose((larger * smaller) ** 2, np.linalg.det(cells.covariance_cell2))


def test_select_reorders_every_field():
    cells = gaussians()
    chosen = cells.select([2, 0])
    assert chosen.joint_names == ("right_wrist", "head")
    assert chosen.amplitude.tolist() == [0.2, 1.0]
    assert chosen.rmse.tolist() == [0.03, 0.01]
    assert chosen.status.tolist() == [FitStatus.DERIVED, FitStatus.CONVERGED]
    np.testing.assert_array_equal(chosen.mean_cell, cells.mean_cell[[2, 0]])
    np.testing.assert_array_equal(chosen.covariance_cell2, cells.covariance_cell2[[2, 0]])


def test_box_centre():
    assert PersonBox(10.0, 20.0, 30.0, 50.0).centre_px == pytest.approx((25.0, 45.0))
