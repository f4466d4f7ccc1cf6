import math

import numpy as np
import pytest
import scoringrules
from scipy.stats import multivariate_normal, norm

from poseterior.errors import InputError
from poseterior.metrics.scores import crps, energy_score, mean_pair_distance, nll_nats_mm


@pytest.fixture
def forecast():
    """Truth (6, 51) and samples (6, 40, 51), far from the origin."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(6, 51)) * 100 + 5000
    return truth, truth[:, None] + rng.normal(size=(6, 40, 51)) * 40 + rng.normal(size=(6, 1, 51)) * 30


@pytest.mark.parametrize(("fair", "estimator"), [(False, "nrg"), (True, "fair")])
def test_energy_score_is_scoringrules(forecast, fair, estimator):
    truth, samples = forecast
    expected = scoringrules.es_ensemble(truth, samples, m_axis=1, v_axis=2, estimator=estimator)
    np.testing.assert_allclose(energy_score(samples, truth, fair=fair), expected, rtol=1e-9)
    one_by_one = [energy_score(s, t, fair=fair) for s, t in zip(samples, truth, strict=True)]
    np.testing.assert_allclose(one_by_one, expected, rtol=1e-9)


@pytest.mark.parametrize(("fair", "estimator"), [(False, "nrg"), (True, "fair")])
def test_crps_is_scoringrules(forecast, fair, estimator):
    truth, samples = forecast
    expected = scoringrules.crps_ensemble(truth, samples, m_axis=1, estimator=estimator)
    np.testing.assert_allclose(crps(np.moveaxis(samples, 1, -1), truth, fair=fair), expected, rtol=1e-9)


def test_crps_of_a_gaussian_is_the_closed_form():
    rng = np.random.default_rng(1)
    samples = rng.normal(3.0, 2.0, size=(1, 200_000))
    expected = scoringrules.crps_normal(4.0, 3.0, 2.0)
    assert crps(samples, np.array([4.0]))[0] == pytest.approx(expected, rel=0.01)


def test_the_fair_score_does_not_depend_on_the_number_of_samples():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(20_000, 3))
    few, many = rng.normal(size=(20_000, 2, 3)), rng.normal(size=(20_000, 12, 3))
    exact = math.gamma(2) / math.gamma(1.5) * 2 / 2  # E|X - X'| / 2 with X - X' ~ N(0, 2 I_3)
    assert energy_score(few, truth, fair=True).mean() == pytest.approx(exact, abs=0.02)
    assert energy_score(many, truth, fair=True).mean() == pytest.approx(exact, abs=0.02)
    assert energy_score(few, truth).mean() > exact + 0.3


@pytest.mark.parametrize("scale_and_shift", [(0.6, 0.0), (1.6, 0.0), (1.0, 0.8)])
def test_proper_scores_prefer_the_right_forecast(scale_and_shift):
    scale, shift = scale_and_shift
    rng = np.random.default_rng(3)
    truth, samples = rng.normal(size=(3000, 3)), rng.normal(size=(3000, 30, 3))
    wrong = scale * samples + shift
    assert (
        energy_score(samples, truth, fair=True).mean() < energy_score(wrong, truth, fair=True).mean() - 0.02
    )
    right_crps = crps(samples[..., 0], truth[:, 0], fair=True).mean()
    assert right_crps < crps(wrong[..., 0], truth[:, 0], fair=True).mean() - 0.01


def test_coincident_samples_have_no_distance_even_far_away():
    assert mean_pair_distance(np.full((1, 30, 48), 123456.789))[0] == 0.0
    pair = np.array([[[1e6, 0.0], [1e6 + 3.0, 4.0]]])
    assert mean_pair_distance(pair)[0] == pytest.approx(2.5, rel=1e-9)


def test_nll_of_a_gaussian_in_millimetres():
    """The model sees metres, centred and divided by a scale per dimension."""
    rng = np.random.default_rng(4)
    mean_mm, scale_m = rng.normal(size=48) * 300, rng.uniform(0.02, 0.3, size=48)
    truth_mm = mean_mm + rng.normal(size=(5, 48)) * scale_m * 1000
    normalised = (truth_mm - mean_mm) / 1000 / scale_m
    model = norm.logpdf(normalised).sum(axis=1)
    found = nll_nats_mm(
        model, mm_per_unit=1000.0, dimensions=48, normalisation_log_det=float(-np.log(scale_m).sum())
    )
    expected = -multivariate_normal(mean_mm, np.diag((1000 * scale_m) ** 2)).logpdf(truth_mm)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_metres_to_millimetres_adds_dimensions_times_log_1000():
    log_prob = np.array([3.0, -np.inf])
    found = nll_nats_mm(log_prob, mm_per_unit=1000.0, dimensions=45)
    assert found[0] == pytest.approx(45 * np.log(1000) - 3.0)
    assert found[1] == np.inf


def test_input_that_cannot_be_scored_is_refused():
    samples, truth = np.zeros((4, 10, 3)), np.zeros((4, 3))
    spoiled = samples.copy()
    spoiled[2, 3, 1] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        energy_score(spoiled, truth)
    with pytest.raises(InputError, match="NaN or infinite"):
        crps(np.moveaxis(spoiled, 1, -1), truth)
    with pytest.raises(InputError, match=r"expected the truth without the samples' axis, \(4, 3\)"):
        energy_score(samples, np.zeros((3, 3)))
    with pytest.raises(InputError, match=r"expected the truth without the samples' axis, \(4, 10\)"):
        crps(samples, truth)
    with pytest.raises(InputError, match="at least 2 samples"):
        energy_score(samples[:, :1], truth, fair=True)
    with pytest.raises(InputError, match="log_prob holds NaN"):
        nll_nats_mm(np.array([np.nan]), mm_per_unit=1000.0, dimensions=48)
    with pytest.raises(InputError, match="mm_per_unit is 0"):
        nll_nats_mm(np.array([1.0]), mm_per_unit=0.0, dimensions=48)
