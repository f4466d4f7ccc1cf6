import math

import torch
from _heatmap_batch import WIDTH_CELLS, People, random_people
from _toy_pairs import toy_batch
from scipy.spatial.transform import Rotation

from poseterior.train.batch import Batch
from poseterior.train.rotating import randomly_rotated, rotated_batch

CENTRE_CELL = (WIDTH_CELLS - 1) / 2


def test_the_turned_batch_is_the_batch_of_the_rolled_camera():
    people = random_people(4, 20, 43)
    angle = 0.4

    # y is down in pictures and in the camera frame, so that a turn from right to up is a negative one there
    turn = Rotation.from_rotvec([0.0, 0.0, -angle]).as_matrix()
    expected = People(
        people.poses_m @ turn.T,
        people.amplitude,
        (people.mean_cell - CENTRE_CELL) @ turn[:2, :2].T + CENTRE_CELL,
        turn[:2, :2] @ people.covariance_cell2 @ turn[:2, :2].T,
    ).batch()

    batch = people.batch()
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
