import json
from dataclasses import replace

import numpy as np
import pytest
from _toy_evaluation import GaussianLifter, toy_set

from poseterior.errors import InputError, ModelError
from poseterior.evaluate.joints import LIMB_JOINTS
from poseterior.evaluate.measure import Settings
from poseterior.evaluate.report import chosen_rows, evaluate, write_report
from poseterior.geometry.normalise import pose_from_vector
from poseterior.metrics.pose import mpjpe, pmpjpe
from poseterior.skeleton import H36M_17

SETTINGS = Settings(samples=30, seed=4, batch=16)


@pytest.fixture(scope="module")
def data():
    return toy_set(50, seed=1, sequences=25)


@pytest.fixture(scope="module")
def found(data):
    return evaluate(GaussianLifter(), data, SETTINGS)


def _numbers(value, path=""):
    """Every number of a report by its path."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return {path: value} if isinstance(value, (int, float)) else {}
    return {key: number for name, entry in items for key, number in _numbers(entry, f"{path}/{name}").items()}


def _hypotheses_mm(data, seed=4, samples=30):
    """As the model gives them for the whole set at once."""
    model, inputs = GaussianLifter(), data.inputs()
    poses = pose_from_vector(model.sample(inputs, samples, seed).vectors)
    return 1000 * poses, 1000 * pose_from_vector(model.single(inputs))


def test_pose_errors_are_those_of_direct_computation(data, found):
    hypotheses, single = _hypotheses_mm(data)
    truth = 1000 * data.joints_m
    poses = found.report["subsets"]["all"]["poses"]
    for metric, error in (("mpjpe_mm", mpjpe), ("pmpjpe_mm", pmpjpe)):
        errors = error(hypotheses, truth[:, None])
        assert poses[metric]["oracle_best"]["mean"] == pytest.approx(errors.min(axis=1).mean(), rel=1e-9)
        assert poses[metric]["mean_value"]["mean"] == pytest.approx(errors.mean(), rel=1e-9)
        assert poses[metric]["z0"]["mean"] == pytest.approx(error(single, truth).mean(), rel=1e-9)
        best = found.report["subsets"]["all"]["oracle_best_of_first"]
        assert best["counts"] == [1, 2, 5, 10, 20, 30]
        for count, value in zip(best["counts"], best["model"][metric], strict=True):
            assert value["mean"] == pytest.approx(errors[:, :count].min(axis=1).mean(), rel=1e-6)
    joints = found.report["subsets"]["all"]["joints"]
    wrist = H36M_17.index("left_wrist")
    error = np.linalg.norm(
        (single[:, wrist] - single[:, 0]) - (truth[:, wrist] - truth[:, 0]), axis=-1
    ).mean()
    assert joints["left_wrist"]["z0_error_mm"] == pytest.approx(error, rel=1e-5)


def test_parts_are_summed_up_for_themselves(data, found):
    hypotheses, _ = _hypotheses_mm(data)
    best = mpjpe(hypotheses, 1000 * data.joints_m[:, None]).min(axis=1)
    ambiguous = data.ambiguous()
    assert ambiguous.sum() == 17
    parts = {
        ("subsets", "ambiguous"): ambiguous,
        ("actions", "walking"): np.arange(50) % 2 == 0,
        ("actions", "sitting"): np.arange(50) % 2 == 1,
    }
    for (group, name), mask in parts.items():
        summary = found.report[group][name]
        assert summary["num_pictures"] == mask.sum()
        assert summary["poses"]["mpjpe_mm"]["oracle_best"]["mean"] == pytest.approx(
            best[mask].mean(), rel=1e-9
        )
    means = [
        found.report["actions"][name]["poses"]["mpjpe_mm"]["z0"]["mean"] for name in ("walking", "sitting")
    ]
    assert found.report["mean_of_actions"]["mpjpe_mm"]["z0"] == pytest.approx(np.mean(means))
    by_setting = evaluate(
        GaussianLifter(),
        replace(data, extra={"setting": np.array(["outdoor", "studio"])[np.arange(50) // 25]}),
        SETTINGS,
    )
    summary = by_setting.report["settings_of_the_set"]["studio"]
    assert summary["poses"]["mpjpe_mm"]["oracle_best"]["mean"] == pytest.approx(best[25:].mean(), rel=1e-9)


def test_cutting_the_work_changes_nothing(data, found):
    reference = _numbers(found.report)
    for changes in ({"batch": 1}, {"batch": 7}, {"batch": 500}, {"overlap": False}):
        numbers = _numbers(evaluate(GaussianLifter(), data, replace(SETTINGS, **changes)).report)
        assert numbers.keys() == reference.keys()
        for path, number in numbers.items():
            assert number == pytest.approx(reference[path], abs=1e-4), path


def test_the_seed_decides_everything(data, found):
    again = evaluate(GaussianLifter(), data, SETTINGS).report
    assert json.dumps(again) == json.dumps(found.report)
    other = evaluate(GaussianLifter(), data, replace(SETTINGS, seed=5)).report
    best = [report["subsets"]["all"]["poses"]["mpjpe_mm"]["oracle_best"]["mean"] for report in (again, other)]
    assert best[0] != best[1]


def test_a_part_of_the_pictures_has_the_same_hypotheses(data, found):
    whole = found.measurements.poses.per_picture["mpjpe_mm"]["oracle_best"]
    some = evaluate(GaussianLifter(), data, SETTINGS, max_pictures=10)
    np.testing.assert_array_equal(some.measurements.rows, np.arange(0, 50, 5))
    np.testing.assert_allclose(some.measurements.poses.per_picture["mpjpe_mm"]["oracle_best"], whole[::5])
    ambiguous = evaluate(GaussianLifter(), data, SETTINGS, subset="ambiguous").report
    assert list(ambiguous["subsets"]) == ["ambiguous"]
    both = found.report["subsets"]["ambiguous"]
    for metric in ("mpjpe_mm", "cps_mm"):
        assert ambiguous["subsets"]["ambiguous"]["poses"][metric]["oracle_best"]["mean"] == pytest.approx(
            both["poses"][metric]["oracle_best"]["mean"]
        )
    assert ambiguous["dataset"]["num_evaluated"] == 17


def test_the_report_is_strict_json_and_says_what_it_is(found, tmp_path):
    path = tmp_path / "report.json"
    write_report(found.report, path)
    report = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert report["format"] == "poseterior-evaluation"
    assert report["dataset"]["checksum"] == "1" * 64
    assert report["settings"] == {"samples": 30, "seed": 4, "subset": "both", "max_pictures": None}
    assert report["model"]["weights_sha256"] == "0" * 64
    assert report["protocol"]["poses"]["metrics"]["pck"]["joints"][0] == "right_hip"
    assert {"numpy", "python", "poseterior"} <= report["versions"].keys()
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_every_answer_that_takes_the_truth_is_called_an_oracle(found):
    answers = found.report["subsets"]["all"]["poses"]["mpjpe_mm"]
    best = {name for name, value in answers.items() if value["mean"] < answers["mean_pose"]["mean"]}
    assert best and all("oracle" in name for name in best - {"z0", "median_pose"})
    assert "depth_sigma_mm_oracle" in found.report["noise_baseline"]


def test_only_limbs_are_known(data):
    """Errors are over the twelve limb joints, relative to the midpoint of the hips; there is no density."""
    has_joint = np.array([name in LIMB_JOINTS for name in H36M_17])
    joints_m = np.where(has_joint[:, None], data.joints_m, 0.0)
    limbs = replace(data, joints_m=joints_m, has_joint=np.tile(has_joint, (50, 1)))
    report = evaluate(GaussianLifter(), limbs, SETTINGS).report
    assert report["protocol"]["derived_joints"] == ["pelvis", "thorax"]
    summary = report["subsets"]["all"]
    assert summary["density"] is None
    hypotheses, _ = _hypotheses_mm(data)
    columns = [H36M_17.index(name) for name in LIMB_JOINTS]
    hips = [H36M_17.index(name) for name in ("left_hip", "right_hip")]
    truth = 1000 * data.joints_m
    truth = (truth - truth[:, hips].mean(axis=1, keepdims=True))[:, columns]
    errors = np.linalg.norm(hypotheses[:, :, columns] - truth[:, None], axis=-1).mean(axis=-1)
    assert summary["poses"]["mpjpe_mm"]["oracle_best"]["mean"] == pytest.approx(
        errors.min(axis=1).mean(), rel=1e-9
    )
    assert set(summary["joints"]) == set(LIMB_JOINTS)
    assert any("does not know pelvis and thorax" in warning for warning in report["warnings"])


def test_videos_have_bone_lengths_over_time(data):
    steady = replace(
        data,
        joints_m=np.tile(data.joints_m[:1], (50, 1, 1)),
        frame=np.arange(50) // 25,
    )
    found = evaluate(GaussianLifter(), steady, SETTINGS).report["over_time"]
    assert found["num_videos"] == 25
    assert found["mpsce_mm"]["truth"] == pytest.approx(0.0, abs=1e-3)
    assert found["mpsce_mm"]["z0"] > 1.0
    assert evaluate(GaussianLifter(), data, SETTINGS).report["over_time"] is None


def test_models_without_a_density_and_single_hypotheses(data):
    summary = evaluate(GaussianLifter(gives_log_prob=False), data, SETTINGS).report["subsets"]["all"]
    assert summary["density"] is None and summary["samples"] is not None
    alone = evaluate(GaussianLifter(), data, replace(SETTINGS, samples=1)).report["subsets"]["all"]
    assert alone["samples"] is None and alone["spread_mm"] is None
    assert alone["poses"]["mpjpe_mm"]["oracle_best"] == alone["poses"]["mpjpe_mm"]["oracle_worst"]


def test_what_a_reader_must_know_is_a_warning(data):
    few = evaluate(GaussianLifter(), toy_set(12, sequences=3), SETTINGS).report["warnings"]
    assert any("Only 3 sequences" in warning for warning in few)
    projected = replace(data, joints_2d_source="truth")
    assert any(
        "projections of the truth" in warning
        for warning in evaluate(GaussianLifter(), projected, SETTINGS).report["warnings"]
    )


class _Broken(GaussianLifter):
    def sample(self, inputs, num_samples, seed):
        draws = super().sample(inputs, num_samples, seed)
        draws.vectors[0, 0, 0] = np.nan
        return draws


def test_what_cannot_be_used_is_refused_in_a_sentence(data):
    with pytest.raises(ModelError, match="trained for the detector profile other, not for toy-detector"):
        evaluate(GaussianLifter(detector_profile="other"), data, SETTINGS)
    with pytest.raises(ModelError, match=r"model toy gave poses of shape .* NaN"):
        evaluate(_Broken(), data, SETTINGS)
    with pytest.raises(InputError, match="samples is 0; expected 1 to"):
        evaluate(GaussianLifter(), data, replace(SETTINGS, samples=0))
    with pytest.raises(InputError, match="seed is -1"):
        evaluate(GaussianLifter(), data, replace(SETTINGS, seed=-1))
    with pytest.raises(InputError, match="max_pictures is 0"):
        evaluate(GaussianLifter(), data, SETTINGS, max_pictures=0)
    unknown = data.has_joint.copy()
    unknown[7, H36M_17.index("left_knee")] = False
    with pytest.raises(InputError, match="set toy-set: has_joint says that left_knee is not known"):
        evaluate(GaussianLifter(), replace(data, has_joint=unknown), SETTINGS)
    clear = data.select(np.flatnonzero(~data.ambiguous()))
    with pytest.raises(InputError, match="set toy-set has no ambiguous pictures"):
        chosen_rows(clear, "ambiguous", None)
    assert evaluate(GaussianLifter(), clear, SETTINGS).report["subsets"]["ambiguous"] is None
    with pytest.raises(InputError, match="joints_m of picture 3 holds NaN"):
        broken = data.joints_m.copy()
        broken[3, 2, 1] = np.nan
        replace(data, joints_m=broken)
