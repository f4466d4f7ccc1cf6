import json

import numpy as np
import pytest
from sklearn.metrics import auc

from poseterior.errors import InputError
from poseterior.metrics import protocol as module
from poseterior.metrics.pose import mpjpe, n_mpjpe, pmpjpe
from poseterior.metrics.protocol import METRICS, Metric, PoseProtocol, hypothesis_scores, mean_error
from poseterior.skeleton import H36M_17


def _case(pictures: int = 9, hypotheses: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(pictures, 17, 3)) * [150, 400, 120] + [0, 0, 5000]
    return truth[:, None] + rng.normal(size=(pictures, hypotheses, 17, 3)) * [40, 40, 90], truth


def test_every_metric_is_its_plain_function_for_every_hypothesis():
    hypotheses, truth = _case()
    scores = hypothesis_scores(hypotheses, truth)
    assert list(scores) == [metric.name for metric in METRICS]
    real = truth[:, None]
    np.testing.assert_allclose(scores["mpjpe_mm"], mpjpe(hypotheses, real), atol=1e-9)
    np.testing.assert_allclose(scores["pmpjpe_mm"], pmpjpe(hypotheses, real), atol=1e-9)
    np.testing.assert_allclose(
        scores["pmpjpe_rigid_mm"], pmpjpe(hypotheses, real, with_scale=False), atol=1e-9
    )
    np.testing.assert_allclose(scores["n_mpjpe_mm"], n_mpjpe(hypotheses, real), atol=1e-9)
    kept = [i for i, name in enumerate(H36M_17) if name not in ("pelvis", "spine", "neck")]
    distances = np.linalg.norm((hypotheses - hypotheses[:, :, :1]) - (real - real[:, :, :1]), axis=-1)[
        ..., kept
    ]
    np.testing.assert_allclose(scores["pck"], (distances < 150).mean(axis=-1))
    literal = np.mean([(distances < t).mean(axis=-1) for t in range(0, 151, 5)], axis=0)
    np.testing.assert_allclose(scores["auc"], literal)
    thresholds = np.arange(1, 301)
    for largest, area in zip(scores["largest_error_mm"].ravel(), scores["cps_mm"].ravel(), strict=True):
        assert area == pytest.approx(auc(thresholds, (largest < thresholds).astype(float)))


@pytest.mark.parametrize("poses_at_once", [1, 13, 10_000])
def test_the_size_of_the_blocks_changes_nothing(monkeypatch, poses_at_once):
    hypotheses, truth = _case()
    reference = hypothesis_scores(hypotheses, truth)
    monkeypatch.setattr(module, "_POSES_AT_ONCE", poses_at_once)
    for name, values in hypothesis_scores(hypotheses, truth).items():
        np.testing.assert_allclose(values, reference[name], atol=1e-9)


def test_joints_in_another_order_are_found_by_name():
    hypotheses, truth = _case()
    order = np.random.default_rng(1).permutation(17)
    shuffled = PoseProtocol(joint_names=tuple(H36M_17[i] for i in order))
    reference = hypothesis_scores(hypotheses, truth)
    for name, values in hypothesis_scores(hypotheses[:, :, order], truth[:, order], shuffled).items():
        np.testing.assert_allclose(values, reference[name], atol=1e-9)


def test_the_choices_of_joints_are_in_the_report():
    choices = json.loads(json.dumps(PoseProtocol().to_dict()))
    assert len(choices["metrics"]["mpjpe_mm"]["joints"]) == 17
    assert choices["metrics"]["pck"]["joints"] == [n for n in H36M_17 if n not in ("pelvis", "spine", "neck")]
    assert choices["metrics"]["cps_mm"]["joints"] == [n for n in H36M_17 if n != "spine"]
    assert choices["metrics"]["cps_mm"]["alignment"] == "similarity"
    assert choices["cps_thresholds_mm"][0] == 1.0
    assert choices["cps_thresholds_mm"][-1] == 300.0
    assert choices["pck_threshold_mm"] == 150.0


def test_other_metrics_can_be_asked_for():
    hypotheses, truth = _case()
    wrists = ("left_wrist", "right_wrist")
    protocol = PoseProtocol(metrics=(Metric("wrists_mm", "root", mean_error, wrists),))
    found = hypothesis_scores(hypotheses, truth, protocol)["wrists_mm"]
    relative = [poses - poses[..., :1, :] for poses in (hypotheses, truth[:, None])]
    kept = [H36M_17.index(name) for name in wrists]
    expected = np.linalg.norm(relative[0] - relative[1], axis=-1)[..., kept].mean(axis=-1)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_bad_input_is_refused_in_a_sentence():
    hypotheses, truth = _case(2, 3)
    with pytest.raises(InputError, match=r"hypotheses_mm has the shape \(2, 3, 16, 3\); expected"):
        hypothesis_scores(hypotheses[:, :, 1:], truth)
    with pytest.raises(InputError, match="at least one hypothesis"):
        hypothesis_scores(hypotheses[:, :0], truth)
    with pytest.raises(InputError, match=r"truth_mm has the shape \(1, 17, 3\); expected \(2, 17, 3\)"):
        hypothesis_scores(hypotheses, truth[:1])
    with pytest.raises(InputError, match="lacks neck"):
        hypothesis_scores(hypotheses, truth, PoseProtocol(joint_names=(*H36M_17[:9], "nose", *H36M_17[10:])))
    truth[1, 2, 0] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        hypothesis_scores(hypotheses, truth)
