import numpy as np
import pytest

from poseterior.metrics.joint_choices import PCK_JOINTS, joint_indices
from poseterior.metrics.pck import AUC_THRESHOLDS_MM, pck, pck_auc
from poseterior.skeleton import H36M_17

JOINTS = joint_indices(PCK_JOINTS, H36M_17, "pck")


def test_the_joints_are_the_14_of_the_authors_code():
    assert JOINTS == [1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16]


def test_only_chosen_joints_below_the_threshold_count():
    errors_mm = np.full((1, 17), 149.999)
    errors_mm[0, [1, 5]] = 150.0
    errors_mm[0, [0, 7, 9]] = 1e4
    assert pck(errors_mm, JOINTS)[0] == pytest.approx(12 / 14)
    assert pck(errors_mm, JOINTS, threshold_mm=151.0)[0] == 1.0


def test_the_area_is_the_mean_over_31_thresholds():
    rng = np.random.default_rng(0)
    errors_mm = rng.uniform(0, 200, size=(6, 4, 17))
    errors_mm[0, 0, :6] = [0.0, 5.0, 145.0, 150.0, 149.9, 155.0]
    assert len(AUC_THRESHOLDS_MM) == 31
    literal = np.zeros((6, 4))
    for threshold_mm in range(0, 151, 5):
        literal += (errors_mm[..., JOINTS] < threshold_mm).mean(axis=-1) / 31
    np.testing.assert_allclose(pck_auc(errors_mm, JOINTS), literal, atol=1e-12)


def test_no_error_reaches_30_of_31():
    assert pck_auc(np.zeros((1, 17)), JOINTS)[0] == pytest.approx(30 / 31)
    assert pck_auc(np.full((1, 17), 1e6), JOINTS)[0] == 0.0
