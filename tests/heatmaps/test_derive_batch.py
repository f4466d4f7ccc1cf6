import numpy as np
import pytest

from poseterior.errors import InputError
from poseterior.heatmaps.derive import mpii_gaussians
from poseterior.heatmaps.derive_batch import mpii_gaussians_of_many
from poseterior.skeleton import BLAZEPOSE_33
from poseterior.types import JointGaussians


def test_many_at_once_are_the_same_as_one_by_one():
    rng = np.random.default_rng(0)
    pictures, joints = 7, len(BLAZEPOSE_33)
    amplitude = rng.uniform(0.1, 1.1, (pictures, joints))
    mean = rng.uniform(0.0, 63.0, (pictures, joints, 2))
    root = rng.normal(size=(pictures, joints, 2, 2))
    covariance = root @ np.swapaxes(root, -1, -2) + np.eye(2)
    entries = np.stack([covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]], axis=-1)
    many = mpii_gaussians_of_many(BLAZEPOSE_33, amplitude, mean, entries)
    for k in range(pictures):
        one = mpii_gaussians(
            JointGaussians(
                BLAZEPOSE_33,
                amplitude[k],
                mean[k],
                covariance[k],
                np.zeros(joints),
                np.zeros(joints, np.uint8),
            )
        )
        np.testing.assert_allclose(many.amplitude[k], one.amplitude, atol=1e-12)
        np.testing.assert_allclose(many.mean_cell[k], one.mean_cell, atol=1e-12)
        np.testing.assert_allclose(many.covariance_cell2[k], one.covariance_cell2, atol=1e-12)
        np.testing.assert_allclose(many.sigma_cell[k] ** 2, one.sigma_cell.prod(axis=1), atol=1e-9)


def test_detector_without_needed_joints_is_refused():
    with pytest.raises(InputError, match="right_ankle"):
        mpii_gaussians_of_many(("nose",), np.ones((2, 1)), np.ones((2, 1, 2)), np.ones((2, 1, 3)))
