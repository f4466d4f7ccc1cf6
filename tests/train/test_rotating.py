import math

import numpy as np
import torch
from _toy_pairs import toy_batch
from scipy.spatial.transform import Rotation

from poseterior.geometry.normalise import vector_from_joints_2d, vector_from_pose
from poseterior.heatmaps.condition import condition_vector
from poseterior.train.batch import Batch
from poseterior.train.rotating import randomly_rotated, rotated_batch

CENTRE_CELL = 31.5


def _batch_of(poses_m, amplitude, mean_cell, covariance_cell2) -> Batch:
    condition = condition_vector(
        amplitude,
        mean_cell,
        covariance_cell2,
        sigma_confident_cells=1.5,
        heatmap_width=64,
        heatmap_height=64,
    )
    y_up = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return Batch(
        torch.from_numpy(vector_from_pose(poses_m)),
        torch.from_numpy(vector_from_joints_2d(mean_cell)),
        torch.from_numpy(condition),
        torch.from_numpy(covariance_cell2 * y_up * 0.01**2),
        torch.from_numpy(amplitude > 0.5),
    )


def test_the_turned_batch_is_the_batch_of_the_rolled_camera():
    rng = np.random.default_rng(0)
    poses_m = rng.normal(size=(4, 17, 3))
    amplitude = rng.uniform(0.1, 1.0, (4, 16))
    mean_cell = rng.uniform(20, 43, (4, 16, 2))
    root = rng.normal(size=(4, 16, 2, 2))
    covariance = root @ np.swapaxes(root, -1, -2) + np.eye(2)
    angle = 0.4

    # y is down in pictures and in the camera frame, so that a turn from right to up is a negative one there
    turn = Rotation.from_rotvec([0.0, 0.0, -angle]).as_matrix()
    turned_cell = (mean_cell - CENTRE_CELL) @ turn[:2, :2].T + CENTRE_CELL
    expected = _batch_of(poses_m @ turn.T, amplitude, turned_cell, turn[:2, :2] @ covariance @ turn[:2, :2].T)

    batch = _batch_of(poses_m, amplitude, mean_cell, covariance)
    turned = rotated_batch(batch, torch.full((4,), angle, dtype=torch.float64))
    for name, values in turned._asdict().items():
        torch.testing.assert_close(values, getattr(expected, name), msg=name)
        assert name == "uncertain" or not torch.allclose(values, getattr(batch, name)), name


def test_each_pair_is_turned_by_an_angle_of_its_own_and_the_given_spread():
    one = toy_batch(1, 3)
    batch = Batch(*(values.expand(4000, *values.shape[1:]) for values in one))
    turned = randomly_rotated(batch, torch.Generator().manual_seed(0), 12.0)
    before, after = (torch.complex(b.y[:, 0], b.y[:, 16]) for b in (batch, turned))
    degrees = torch.rad2deg((after / before).angle())
    assert abs(float(degrees.mean())) < 0.6
    assert math.isclose(float(degrees.std()), 12.0, rel_tol=0.04)
    torch.testing.assert_close(turned.x[:, 32:], batch.x[:, 32:])
