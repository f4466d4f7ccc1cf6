from dataclasses import replace

import numpy as np
import pytest

from poseterior.data.evaluation_set import EvaluationSet
from poseterior.errors import InputError
from poseterior.geometry.normalise import vector_from_joints_2d
from poseterior.heatmaps.derive_batch import MpiiGaussians
from poseterior.skeleton import MPII_16
from poseterior.types import DetectorProfile

PROFILE = DetectorProfile("toy", 64, 64, 2.0, MPII_16)


def _set(count: int = 4) -> EvaluationSet:
    rng = np.random.default_rng(0)
    covariance = np.broadcast_to(4.0 * np.eye(2), (count, 16, 2, 2)).copy()
    gaussians = MpiiGaussians(np.full((count, 16), 0.9), rng.uniform(10, 50, (count, 16, 2)), covariance)
    names = tuple(f"s{k}" for k in range(count))
    return EvaluationSet(
        name="toy",
        joints_m=rng.normal(size=(count, 17, 3)),
        has_joint=np.ones((count, 17), bool),
        gaussians=gaussians,
        profile=PROFILE,
        metres_per_cell=np.full(count, 0.03),
        subject=names,
        action=names,
        camera=names,
        sequence=names,
        frame=np.arange(count),
        image_path=(None,) * count,
        extra={"visible": rng.random((count, 17)) < 0.5},
    )


def test_a_picture_is_ambiguous_where_a_larger_sigma_is_above_2_5_confident_ones():
    data = _set()
    # sigmas 4.9 and 5.1 along a diagonal; 5.0 is 2.5 confident ones
    turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    for picture, sigma in ((1, 4.9), (2, 5.1)):
        data.gaussians.covariance_cell2[picture, 7] = turn @ np.diag([sigma**2, 1.0]) @ turn.T
    assert data.ambiguous().tolist() == [False, False, True, False]


def test_y_is_of_the_gaussians_means_unless_the_set_has_2d_joints_of_its_own():
    data = _set()
    own = np.random.default_rng(1).normal(size=(4, 16, 2))
    y = data.inputs().y
    np.testing.assert_allclose(y, vector_from_joints_2d(data.gaussians.mean_cell), rtol=1e-6)
    with_own = replace(data, joints_2d=own).inputs()
    np.testing.assert_allclose(with_own.y, vector_from_joints_2d(own), rtol=1e-6)
    np.testing.assert_array_equal(with_own.condition, data.inputs().condition)


def test_chosen_pictures_keep_all_that_belongs_to_them():
    data = replace(_set(), joints_2d=np.random.default_rng(1).normal(size=(4, 16, 2)))
    some = data.select(np.array([2, 0]))
    assert some.subject == ("s2", "s0")
    assert some.frame.tolist() == [2, 0]
    np.testing.assert_array_equal(some.extra["visible"], data.extra["visible"][[2, 0]])
    np.testing.assert_array_equal(some.inputs().y, data.inputs().y[[2, 0]])
    np.testing.assert_array_equal(some.inputs().condition, data.inputs().condition[[2, 0]])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subject": ("a",)}, "set toy: subject has 1 pictures; expected 4"),
        ({"extra": {"visible": np.zeros((1, 17))}}, r"extra\.visible has 1"),
        ({"joints_m": np.full((4, 17, 3), np.nan)}, "joints_m of picture 0 holds NaN"),
        ({"joints_2d": np.full((4, 16, 2), np.inf)}, "joints_2d of picture 0 holds NaN or infinite"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        replace(_set(), **changes)
