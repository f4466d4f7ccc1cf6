import numpy as np
import pytest
from scipy.stats import chi2, ncx2, norm

from poseterior.errors import InputError
from poseterior.metrics.calibration import (
    calibration_error,
    entropy_nats,
    interval_width,
    region_coverage,
    reliability_curve,
    truth_levels,
)

NOMINAL = np.array([0.5, 0.9])


def _levels(truth_std: float, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    """A posterior N(0, I) in 5 dimensions, while the truth has another spread, or another mean."""
    rng = np.random.default_rng(seed)
    truth, samples = truth_std * rng.normal(size=(4000, 5)) + shift, rng.normal(size=(4000, 200, 5))
    return truth_levels(norm.logpdf(truth).sum(-1), norm.logpdf(samples).sum(-1))


def test_levels_of_a_gaussian_are_those_of_the_chi_squared_law():
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(1, 200_000, 3))
    truth = np.array([[1.0, -0.5, 2.0]])
    level = truth_levels(norm.logpdf(truth).sum(-1), norm.logpdf(samples).sum(-1))
    assert level[0] == pytest.approx(chi2.cdf((truth**2).sum(), 3), abs=0.005)


def test_a_right_posterior_is_covered_as_announced():
    level = _levels(1.0)
    np.testing.assert_allclose(region_coverage(level, NOMINAL), NOMINAL, atol=0.025)
    assert calibration_error(level) < 0.02


def test_overconfident_and_timid_posteriors_are_told_apart():
    overconfident, timid = _levels(1.5), _levels(0.7)
    expected = chi2.cdf(chi2.ppf(NOMINAL, 5) / 1.5**2, 5)
    np.testing.assert_allclose(region_coverage(overconfident, NOMINAL), expected, atol=0.025)
    expected = chi2.cdf(chi2.ppf(NOMINAL, 5) / 0.7**2, 5)
    np.testing.assert_allclose(region_coverage(timid, NOMINAL), expected, atol=0.025)
    assert calibration_error(overconfident) > 0.1
    assert calibration_error(timid) > 0.1


def test_ties_count_half():
    level = truth_levels(np.array([0.0]), np.array([[0.0, 0.0, 1.0, -1.0]]))
    assert level[0] == pytest.approx(0.5)


def test_a_biased_posterior_covers_as_the_non_central_law_says():
    level = _levels(1.0, shift=0.7)
    expected = ncx2.cdf(chi2.ppf(NOMINAL, 5), 5, 5 * 0.7**2)
    np.testing.assert_allclose(region_coverage(level, NOMINAL), expected, atol=0.025)
    assert reliability_curve(level).overconfidence > 0.1


def test_the_reliability_curve_says_how_far_and_on_which_side():
    right, overconfident, timid = (reliability_curve(_levels(std)) for std in (1.0, 1.5, 0.7))
    assert (np.abs(right.observed - right.nominal) < 4 * right.standard_error + 0.005).all()
    assert abs(right.overconfidence) < 0.02
    assert overconfident.error > 0.1
    assert overconfident.overconfidence == pytest.approx(overconfident.error, abs=1e-3)
    assert timid.error > 0.1
    assert timid.overconfidence == pytest.approx(-timid.error, abs=1e-3)
    assert right.count == 4000
    assert right.standard_error[10] == pytest.approx(np.sqrt(0.25 / 4000))


def test_levels_outside_of_the_unit_interval_are_refused():
    for level in (np.array([]), np.array([0.5, np.nan]), np.array([1.1])):
        with pytest.raises(InputError, match="truth_level is empty, NaN or outside"):
            reliability_curve(level)


def test_entropy_of_a_gaussian():
    samples = 3.0 * np.random.default_rng(1).normal(size=(1, 50_000, 4))
    expected = 4 * (0.5 * np.log(2 * np.pi * np.e) + np.log(3.0))
    assert entropy_nats(norm.logpdf(samples, scale=3.0).sum(-1))[0] == pytest.approx(expected, abs=0.03)


def test_interval_width_of_a_gaussian():
    samples = 20.0 * np.random.default_rng(2).normal(size=(3, 50_000)) + 1000.0
    np.testing.assert_allclose(interval_width(samples, 0.9), 40.0 * norm.ppf(0.95), rtol=0.02)
    np.testing.assert_allclose(interval_width(samples, 0.5), 40.0 * norm.ppf(0.75), rtol=0.02)
    with pytest.raises(InputError, match="level is 1"):
        interval_width(samples, 1.0)
