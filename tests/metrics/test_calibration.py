import numpy as np
import pytest
from scipy.stats import chi2, norm

from poseterior.metrics.calibration import calibration_error, region_coverage, truth_levels

NOMINAL = np.array([0.5, 0.9])


def _levels(truth_std: float, seed: int = 0) -> np.ndarray:
    """A posterior N(0, I) in 5 dimensions, while the truth has another spread."""
    rng = np.random.default_rng(seed)
    truth, samples = truth_std * rng.normal(size=(4000, 5)), rng.normal(size=(4000, 200, 5))
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
