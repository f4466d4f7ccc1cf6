"""The whole way from a model to the report, where the posterior is known in closed form."""

import numpy as np
import pytest
from _toy_evaluation import BASIS, GaussianLifter, mean_m, root_m, toy_set
from scipy.stats import multivariate_normal

from poseterior.evaluate.measure import Settings
from poseterior.evaluate.report import evaluate
from poseterior.geometry.normalise import vector_from_pose

PICTURES, SAMPLES = 240, 80


@pytest.fixture(scope="module")
def data():
    return toy_set(PICTURES, seed=3)


@pytest.fixture(scope="module")
def summaries(data):
    models = {
        "right": GaussianLifter(),
        "too narrow": GaussianLifter(scale=0.7),
        "too wide": GaussianLifter(scale=1.5),
        "biased": GaussianLifter(shift_m=0.12),
    }
    return {
        name: evaluate(model, data, Settings(samples=SAMPLES)).report["subsets"]["all"]
        for name, model in models.items()
    }


def test_the_right_posterior_is_found_to_be_calibrated(summaries):
    density, samples = summaries["right"]["density"], summaries["right"]["samples"]
    # the truth's level is uniform; of 80 samples it takes 81 values, which lifts coverage by up to 1 / 81
    for level in (0.5, 0.9):
        deviation = np.sqrt(level * (1 - level) / PICTURES)
        found = density[f"hdr_coverage_{100 * level:.0f}"]["mean"]
        assert found == pytest.approx(level, abs=3 * deviation + 1 / 81)
    deviation = 1 / np.sqrt(12 * PICTURES)
    overconfidence = density["hdr_overconfidence"]
    assert overconfidence["mean"] == pytest.approx(0.0, abs=3 * deviation + 0.5 / 81)
    low, high = overconfidence["interval"]
    assert high - low == pytest.approx(2 * 1.96 * deviation, rel=0.15)
    assert density["hdr_calibration_error"]["mean"] < 0.06
    assert samples["central_coverage_50"]["mean"] == pytest.approx(0.5, abs=0.03)
    assert samples["ece"]["mean"] < 0.04
    assert samples["pit_dispersion"]["all"]["mean"] == pytest.approx(1.0, abs=0.06)
    assert max(abs(bias["mean"]) for bias in samples["pit_bias"].values()) < 0.03


def test_its_likelihood_is_that_of_scipy_in_millimetres(data, summaries):
    coordinates_mm = 1000 * vector_from_pose(data.joints_m) @ BASIS
    covariance_mm2 = 1e6 * root_m() @ root_m().T
    means_mm = 1000 * mean_m(data.inputs().y)
    oracle = [
        -multivariate_normal(mean, covariance_mm2).logpdf(truth)
        for mean, truth in zip(means_mm, coordinates_mm, strict=True)
    ]
    found = summaries["right"]["density"]
    assert found["nll_nats_mm"]["mean"] == pytest.approx(np.mean(oracle), abs=1e-6)
    assert found["nll_nats_mm_median"] == pytest.approx(np.median(oracle), abs=1e-6)
    entropy = multivariate_normal(means_mm[0], covariance_mm2).entropy()
    assert found["entropy_nats_mm"]["mean"] == pytest.approx(entropy, abs=0.1)


def test_wrong_posteriors_are_told_apart(summaries):
    def hdr(name):
        return summaries[name]["density"]["hdr_overconfidence"]["interval"]

    def dispersion(name):
        return summaries[name]["samples"]["pit_dispersion"]["all"]["interval"]

    def bias(name):
        return summaries[name]["joints"]["head"]["pit_bias"]["depth"]

    assert hdr("too narrow")[0] > 0.2 and dispersion("too narrow")[0] > 1.2
    assert hdr("too wide")[1] < -0.2 and dispersion("too wide")[1] < 0.8
    assert hdr("biased")[0] > 0.1
    # z towards the camera in the flow's frame: the model puts the head too near, the truth lies deeper
    assert bias("biased") > 0.25
    assert max(abs(bias(name)) for name in ("right", "too narrow", "too wide")) < 0.05
    low, high = dispersion("biased")
    assert low > 0.9 and high < 1.15


def test_the_right_posterior_wins_by_every_proper_score(summaries):
    for part, score in (
        ("density", "nll_nats_mm"),
        ("samples", "energy_score_mm"),
        ("samples", "crps_mm"),
    ):
        values = {name: summary[part][score]["mean"] for name, summary in summaries.items()}
        assert min(values, key=values.__getitem__) == "right", (score, values)


def test_spread_is_that_of_the_posterior(summaries):
    """Of the root-relative right wrist, from the covariance."""
    poses = BASIS @ root_m()
    wrist, hips = 15, (0, 3)
    spread_mm = summaries["right"]["spread_mm"]["right_wrist"]
    for axis, name in enumerate(("x", "y", "depth")):
        relative = poses[16 * axis + wrist] - (poses[16 * axis + hips[0]] + poses[16 * axis + hips[1]]) / 2
        assert spread_mm[name] == pytest.approx(1000 * np.linalg.norm(relative), rel=0.01)
