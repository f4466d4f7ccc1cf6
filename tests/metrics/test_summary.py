import json
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from poseterior.errors import InputError
from poseterior.metrics.cps import cps_curve
from poseterior.metrics.k_means import k_means
from poseterior.metrics.pose import mpjpe, pmpjpe
from poseterior.metrics.protocol import PoseProtocol
from poseterior.metrics.spread import axis_spread, diversity
from poseterior.metrics.summary import PoseEvaluation
from poseterior.metrics.symmetry import symmetry_errors


def _case(pictures: int = 11, hypotheses: int = 20) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(pictures, 17, 3)) * [150, 400, 120]
    return truth[:, None] + rng.normal(size=(pictures, hypotheses, 17, 3)) * [40, 40, 90], truth


def _report(hypotheses, truth, z0=None, cuts=(), protocol=None):
    evaluation = PoseEvaluation(protocol)
    edges = [0, *cuts, len(truth)]
    for start, stop in pairwise(edges):
        part = z0[start:stop] if isinstance(z0, np.ndarray) else z0
        evaluation.add(hypotheses[start:stop], truth[start:stop], part)
    return evaluation.report()


def test_answers_are_what_their_names_say():
    hypotheses, truth = _case()
    values = _report(hypotheses, truth, z0=4).per_picture
    errors, relative = mpjpe(hypotheses, truth[:, None]), hypotheses - hypotheses[:, :, :1]
    found = values["mpjpe_mm"]
    np.testing.assert_allclose(found["oracle_best"], errors.min(axis=1))
    np.testing.assert_allclose(found["oracle_worst"], errors.max(axis=1))
    np.testing.assert_allclose(found["mean_value"], errors.mean(axis=1))
    np.testing.assert_allclose(found["median_value"], np.sort(errors, axis=1)[:, 9])
    np.testing.assert_allclose(found["z0"], errors[:, 4])
    np.testing.assert_allclose(found["mean_pose"], mpjpe(relative.mean(axis=1), truth))
    np.testing.assert_allclose(found["median_pose"], mpjpe(np.median(relative, axis=1), truth))
    centres = k_means(relative.reshape(11, 20, -1), 5).reshape(11, 5, 17, 3)
    best = pmpjpe(centres, truth[:, None]).min(axis=1)
    np.testing.assert_allclose(values["pmpjpe_mm"]["k_means_5_oracle_best"], best)
    assert (np.abs(errors - found["random_one"][:, None]).min(axis=1) < 1e-9).all()
    assert (values["cps_mm"]["oracle_best"] >= values["cps_mm"]["oracle_worst"]).all()
    np.testing.assert_allclose(values["symmetry_mm"]["truth"], symmetry_errors(truth).mean(axis=1))
    np.testing.assert_allclose(
        values["symmetry_mm"]["mean_value"], symmetry_errors(hypotheses).mean(axis=(1, 2))
    )


def test_the_best_per_threshold_gives_the_reported_score():
    hypotheses, truth = _case()
    report = _report(hypotheses, truth)
    curve = cps_curve(report.per_picture["largest_error_mm"]["oracle_best"])
    assert report.means()["cps_mm"]["oracle_best"] == pytest.approx(np.trapezoid(curve))


def test_spread_and_diversity():
    hypotheses, truth = _case()
    report = _report(hypotheses, truth)
    spread = axis_spread(hypotheses)
    np.testing.assert_allclose(report.spread_mm, spread.mean(axis=0))
    for number, axis in enumerate(("x", "y", "depth")):
        assert report.means()["std_mm"][axis] == pytest.approx(spread[..., number].mean())
    np.testing.assert_allclose(report.per_picture["diversity_mm"]["pairs"], diversity(hypotheses))


def test_the_random_one_is_random_and_repeatable():
    hypotheses, truth = _case(200, 7)
    errors = mpjpe(hypotheses, truth[:, None])
    chosen = {}
    for seed in (0, 1):
        found = _report(hypotheses, truth, protocol=PoseProtocol(seed=seed)).per_picture["mpjpe_mm"][
            "random_one"
        ]
        chosen[seed] = np.abs(errors - found[:, None]).argmin(axis=1)
        assert np.bincount(chosen[seed], minlength=7).min() > 10
    assert (chosen[0] != chosen[1]).any()


def test_how_the_pictures_are_cut_changes_nothing(monkeypatch):
    hypotheses, truth = _case()
    z0 = truth + 10.0 * np.random.default_rng(1).normal(size=truth.shape)
    reference = _report(hypotheses, truth, z0)
    monkeypatch.setattr("poseterior.metrics.summary._POSES_AT_ONCE", 45)
    for cuts in ((), (1, 2, 9), range(1, 11)):
        found = _report(hypotheses, truth, z0, cuts)
        np.testing.assert_allclose(found.spread_mm, reference.spread_mm, rtol=1e-12)
        for metric, answers in reference.per_picture.items():
            for answer, values in answers.items():
                np.testing.assert_allclose(found.per_picture[metric][answer], values, atol=1e-7)


def test_the_report_is_json_and_names_its_choices():
    report = json.loads(json.dumps(_report(*_case(), z0=0).to_dict()))
    assert report["num_pictures"] == 11
    assert report["num_hypotheses"] == 20
    assert report["protocol"]["spread_joints"][0] == "pelvis"
    assert set(report["means"]["pmpjpe_mm"]) == {
        "oracle_best",
        "oracle_worst",
        "mean_value",
        "median_value",
        "random_one",
        "mean_pose",
        "median_pose",
        "z0",
        "k_means_5_oracle_best",
    }
    assert report["spread_mm"]["head"]["depth"] == pytest.approx(np.hypot(90, 90), rel=0.1)


def test_one_hypothesis_is_every_answer_and_has_no_spread():
    hypotheses, truth = _case(4, 1)
    report = _report(hypotheses, truth)
    assert report.spread_mm is None
    assert not {"std_mm", "diversity_mm"} & set(report.means())
    expected = mpjpe(hypotheses[:, 0], truth).mean()
    assert report.means()["mpjpe_mm"] == pytest.approx(dict.fromkeys(report.means()["mpjpe_mm"], expected))
    assert "k_means_5_oracle_best" not in report.means()["mpjpe_mm"]


def test_memory_does_not_grow_with_the_pictures():
    """Four times as many pictures (a view, so that they take no memory themselves) need hardly more."""
    peaks = {}
    for pictures in (400, 1600):
        hypotheses = np.broadcast_to(_case(1, 200)[0], (pictures, 200, 17, 3))
        truth = np.broadcast_to(_case(1, 200)[1], (pictures, 17, 3))
        evaluation = PoseEvaluation(PoseProtocol(clusters=0))
        tracemalloc.start()
        evaluation.add(hypotheses, truth)
        peaks[pictures] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    kept_of_a_picture = 1000
    assert peaks[1600] - peaks[400] < 1200 * kept_of_a_picture


def test_bad_input_is_refused_in_a_sentence():
    hypotheses, truth = _case(3, 4)
    evaluation = PoseEvaluation(PoseProtocol(clusters=2))
    with pytest.raises(InputError, match="no picture was evaluated"):
        evaluation.report()
    evaluation.add(hypotheses, truth, z0=3)
    with pytest.raises(InputError, match="hypotheses_mm holds 3 per picture; expected 4"):
        evaluation.add(hypotheses[:, :3], truth, z0=0)
    with pytest.raises(InputError, match="z0 was given for some pictures only"):
        evaluation.add(hypotheses, truth)
    with pytest.raises(InputError, match="z0 is 4; expected the index of one of 4"):
        evaluation.add(hypotheses, truth, z0=4)
    with pytest.raises(InputError, match=r"z0 has the shape \(2, 17, 3\)"):
        evaluation.add(hypotheses, truth, z0=truth[:2])
    with pytest.raises(InputError, match="truth_mm has the shape"):
        evaluation.add(hypotheses, truth[:2], z0=0)
    with pytest.raises(InputError, match="NaN or infinite"):
        evaluation.add(hypotheses, truth * np.nan, z0=0)
    assert evaluation.report().num_pictures == 3
