import numpy as np
import pytest

from poseterior.metrics.answers import central_poses, over_hypotheses


def test_answers_by_hand_for_errors_and_for_scores():
    values = np.array([[4.0, 1.0, 10.0, 3.0]])
    errors = over_hypotheses(values, np.array([3]), higher_is_better=False)
    assert {name: value[0] for name, value in errors.items()} == {
        "oracle_best": 1.0,
        "oracle_worst": 10.0,
        "mean_value": 4.5,
        "median_value": 3.0,
        "random_one": 3.0,
    }
    scores = over_hypotheses(values, np.array([0]), higher_is_better=True)
    assert (scores["oracle_best"][0], scores["oracle_worst"][0], scores["random_one"][0]) == (10.0, 1.0, 4.0)


def test_the_median_is_torchs():
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).normal(size=(5, 200))
    median = over_hypotheses(values, np.zeros(5, int), higher_is_better=False)["median_value"]
    np.testing.assert_array_equal(median, torch.from_numpy(values).median(dim=1).values.numpy())


def test_central_poses_are_taken_after_root_centring():
    hypotheses = np.zeros((1, 3, 17, 3))
    hypotheses[0, :, 5, 0] = [1.0, 2.0, 9.0]
    hypotheses += np.array([0.0, 100.0, -700.0])[None, :, None, None]
    poses = central_poses(hypotheses)
    assert poses["mean_pose"][0, 5, 0] == pytest.approx(4.0)
    assert poses["median_pose"][0, 5, 0] == pytest.approx(2.0)
    assert np.abs(poses["mean_pose"][0, 0]).max() < 1e-12
