import numpy as np
import pytest
from sklearn.metrics import auc

from poseterior.geometry.align import procrustes_align
from poseterior.metrics.alignment import aligned_joint_errors
from poseterior.metrics.cps import CPS_THRESHOLDS_MM, cps, cps_curve, largest_error
from poseterior.metrics.joint_choices import CPS_JOINTS, joint_indices
from poseterior.skeleton import H36M_17

JOINTS = joint_indices(CPS_JOINTS, H36M_17, "cps")


def _literal(hypotheses: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(pictures, hypotheses, thresholds) of correctness, joint by joint and threshold by threshold."""
    thresholds = np.arange(1, 301)
    correct = np.zeros((*hypotheses.shape[:2], 300))
    for picture, real in enumerate(truth):
        for number, hypothesis in enumerate(hypotheses[picture]):
            aligned = procrustes_align(hypothesis, real)
            for t in thresholds:
                correct[picture, number, t - 1] = all(
                    np.linalg.norm(aligned[j] - real[j]) < t for j in range(17) if H36M_17[j] != "spine"
                )
    return thresholds, correct


def test_it_is_the_area_of_the_literal_loop_for_each_hypothesis_and_for_the_maximum_per_threshold():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(4, 17, 3)) * [150, 400, 120]
    hypotheses = truth[:, None] + rng.normal(size=(4, 3, 17, 3)) * np.array([5, 40, 80])[None, :, None, None]
    errors = aligned_joint_errors(hypotheses, truth[:, None], ("similarity",))["similarity"]
    largest = largest_error(errors, JOINTS)
    thresholds, correct = _literal(hypotheses, truth)
    areas = cps(largest)
    for picture in range(4):
        for number in range(3):
            assert areas[picture, number] == pytest.approx(auc(thresholds, correct[picture, number]))
    best_per_threshold = correct.max(axis=1).mean(axis=0)
    np.testing.assert_allclose(cps_curve(largest.min(axis=1)), best_per_threshold)
    assert areas.max(axis=1).mean() == pytest.approx(auc(thresholds, best_per_threshold))
    np.testing.assert_allclose(cps(largest.min(axis=1)), areas.max(axis=1))


@pytest.mark.parametrize(
    "error_mm", [0.0, 0.5, 0.999, 1.0, 1.5, 2.0, 150.2, 298.5, 299.0, 299.5, 300.0, 301.0, 1e9]
)
def test_single_poses_at_the_edges_follow_the_trapezoid_rule(error_mm):
    curve = (error_mm < np.arange(1, 301)).astype(float)
    assert cps(np.array([error_mm]))[0] == pytest.approx(auc(np.arange(1, 301), curve))
    np.testing.assert_array_equal(cps_curve(np.array([error_mm])), curve)


def test_the_spine_does_not_count_and_every_other_joint_does():
    errors_mm = np.zeros((17, 17))
    np.fill_diagonal(errors_mm, 20.0)
    expected = np.full(17, 20.0)
    expected[H36M_17.index("spine")] = 0.0
    np.testing.assert_array_equal(largest_error(errors_mm, JOINTS), expected)
    assert len(JOINTS) == 16
    assert (np.arange(1, 301) == CPS_THRESHOLDS_MM).all()
