import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from poseterior.errors import InputError
from poseterior.metrics.pose import joint_errors, mpjpe, n_mpjpe, pmpjpe


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


def test_without_scale_pmpjpe_sees_the_scale_and_nothing_else_of_a_similarity():
    truth = np.random.default_rng(3).normal(size=(5, 17, 3))
    turned = truth @ Rotation.random(random_state=4).as_matrix().T + 3.0
    np.testing.assert_allclose(pmpjpe(turned, truth, with_scale=False), 0.0, atol=1e-12)
    from_middle = np.linalg.norm(truth - truth.mean(axis=1, keepdims=True), axis=-1).mean(axis=-1)
    np.testing.assert_allclose(pmpjpe(1.2 * turned, truth, with_scale=False), 0.2 * from_middle, rtol=1e-9)


def test_n_mpjpe_forgives_the_scale_but_not_the_orientation():
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(5, 17, 3))
    np.testing.assert_allclose(n_mpjpe(0.3 * truth + 8.0, truth), 0.0, atol=1e-12)
    turned = truth @ Rotation.from_euler("y", 0.2).as_matrix().T
    assert n_mpjpe(turned, truth).min() > 0.05


def test_n_mpjpe_takes_the_scale_of_least_squares():
    rng = np.random.default_rng(6)
    predicted, truth = rng.normal(size=(2, 17, 3)), rng.normal(size=(2, 17, 3))
    one, real = predicted - predicted[:, :1], truth - truth[:, :1]
    for number in range(2):
        scale = np.linalg.lstsq(one[number].reshape(-1, 1), real[number].ravel(), rcond=None)[0]
        expected = np.linalg.norm(scale * one[number] - real[number], axis=-1).mean()
        assert n_mpjpe(predicted, truth)[number] == pytest.approx(expected, rel=1e-12)


def test_coordinates_that_are_not_finite_are_refused():
    truth = np.zeros((2, 17, 3))
    truth[1, 3] = np.nan
    for metric in (pmpjpe, n_mpjpe):
        with pytest.raises(InputError, match="NaN or infinite"):
            metric(np.ones((2, 17, 3)), truth)
