import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from poseterior.metrics.pose import joint_errors, mpjpe, pmpjpe


def test_mpjpe_by_hand_is_blind_to_position_and_broadcasts_over_hypotheses():
    truth = np.zeros((2, 17, 3))
    hypotheses = np.zeros((2, 5, 17, 3))
    hypotheses[1, 2, 3] = [3.0, 4.0, 0.0]
    hypotheses += 100.0
    expected = np.zeros((2, 5))
    expected[1, 2] = 5.0 / 17
    np.testing.assert_allclose(mpjpe(hypotheses, truth[:, None]), expected, atol=1e-12)
    assert joint_errors(hypotheses, truth[:, None]).shape == (2, 5, 17)


def test_a_moved_root_counts_on_all_other_joints():
    truth = np.random.default_rng(0).normal(size=(1, 17, 3))
    predicted = truth.copy()
    predicted[0, 0, 2] += 17.0
    assert mpjpe(predicted, truth)[0] == pytest.approx(16.0)


def test_pmpjpe_is_blind_to_similarities_but_not_to_mirroring():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(20, 17, 3))
    turned = 0.3 * truth @ Rotation.random(random_state=2).as_matrix().T + rng.normal(size=3)
    np.testing.assert_allclose(pmpjpe(turned, truth), 0.0, atol=1e-12)
    assert pmpjpe(turned * np.array([-1.0, 1.0, 1.0]), truth).min() > 0.1


def test_pmpjpe_agrees_with_scipys_procrustes():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(17, 3))
    predicted = truth + 0.1 * rng.normal(size=(17, 3))
    ours = pmpjpe(predicted[None], truth[None])[0]
    standard_truth, fitted, _ = procrustes(truth, predicted)
    size = np.linalg.norm(truth - truth.mean(axis=0))
    assert ours == pytest.approx(size * np.linalg.norm(standard_truth - fitted, axis=1).mean(), rel=1e-6)
