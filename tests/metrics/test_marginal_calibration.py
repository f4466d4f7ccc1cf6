import numpy as np
import pytest
from scipy.stats import chi, ncx2, norm

from poseterior.errors import InputError
from poseterior.metrics.calibration import reliability_curve
from poseterior.metrics.marginal_calibration import (
    ECE_LEVELS,
    QuantileCoverage,
    central_levels,
    expected_calibration_error,
    pit_moments,
    probability_integral_transform,
    quantile_hits,
)

PICTURES, SAMPLES = 1500, 200
INNER = slice(1, 20)


def _case(posterior_std: float, shift: float = 0.0, joints: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Truth N(0, I) for every joint; the posterior is N(shift, posterior_std^2 I)."""
    rng = np.random.default_rng(0)
    hypotheses = posterior_std * rng.normal(size=(PICTURES, SAMPLES, joints, 3)) + shift
    return hypotheses, rng.normal(size=(PICTURES, joints, 3))


def _literal_ece(hypotheses: np.ndarray, truth: np.ndarray) -> float:
    """METHOD section 8, word by word."""
    gaps = []
    for q in np.arange(21) * 0.05:
        per_joint = []
        for joint in range(truth.shape[1]):
            hits = 0
            for samples, real in zip(hypotheses[:, :, joint], truth[:, joint], strict=True):
                median = np.median(samples, axis=0)
                distances = np.linalg.norm(samples - median, axis=1)
                hits += np.linalg.norm(real - median) < np.quantile(distances, q)
            per_joint.append(hits / len(truth))
        gaps.append(abs(np.median(per_joint) - q))
    return float(np.mean(gaps))


def test_ece_is_the_literal_loop():
    hypotheses, truth = (poses[:15] for poses in _case(0.8, 0.3))
    assert expected_calibration_error(hypotheses, truth) == pytest.approx(_literal_ece(hypotheses, truth))


@pytest.mark.parametrize("std", [1.0, 0.6, 1.7])
def test_omega_of_gaussians_is_the_closed_form(std):
    """The distance of the truth is below the q-quantile of std * chi_3 with probability F(std F^-1(q))."""
    hypotheses, truth = _case(std)
    omega = quantile_hits(hypotheses, truth).mean(axis=0)
    expected = chi.cdf(std * chi.ppf(ECE_LEVELS[INNER], 3), 3)
    np.testing.assert_allclose(omega.mean(axis=0)[INNER], expected, atol=0.02)


def test_omega_of_a_biased_posterior_is_the_non_central_law():
    hypotheses, truth = _case(1.0, shift=0.9)
    omega = quantile_hits(hypotheses, truth).mean(axis=0)
    expected = ncx2.cdf(chi.ppf(ECE_LEVELS[INNER], 3) ** 2, 3, 3 * 0.9**2)
    np.testing.assert_allclose(omega.mean(axis=0)[INNER], expected, atol=0.02)


def test_calibrated_wide_narrow_and_biased_are_told_apart():
    curves, moments = {}, {}
    cases = {"calibrated": (1.0, 0.0), "wide": (1.6, 0.0), "narrow": (0.6, 0.0), "biased": (1.0, 0.9)}
    for name, (std, shift) in cases.items():
        hypotheses, truth = _case(std, shift)
        coverage = QuantileCoverage(root_index=0)
        # The root is dropped and must not matter, wherever it is.
        coverage.add(
            *(np.concatenate([np.zeros_like(p[..., :1, :]), p], axis=-2) for p in (hypotheses, truth))
        )
        curves[name] = coverage.curve()
        moments[name] = pit_moments(probability_integral_transform(np.moveaxis(hypotheses, 1, -1), truth))
    assert curves["calibrated"].error < 0.015
    assert min(curves[name].error for name in ("wide", "narrow", "biased")) > 0.1
    assert curves["wide"].overconfidence < -0.1
    assert curves["narrow"].overconfidence > 0.1
    assert curves["biased"].overconfidence > 0.1
    assert moments["calibrated"].bias == pytest.approx(0.0, abs=0.01)
    assert moments["calibrated"].dispersion == pytest.approx(1.0, abs=0.03)
    assert moments["wide"].dispersion < 0.7
    assert moments["narrow"].dispersion > 1.3
    for name in ("wide", "narrow"):
        assert moments[name].bias == pytest.approx(0.0, abs=0.01)
    # P(sample < truth) for N(0.9, 1) against N(0, 1)
    assert moments["biased"].bias == pytest.approx(norm.cdf(-0.9 / np.sqrt(2)) - 0.5, abs=0.01)


@pytest.mark.parametrize("std", [1.0, 0.6, 1.7])
def test_central_intervals_of_gaussians_cover_as_the_closed_form_says(std):
    hypotheses, truth = _case(std)
    pit = probability_integral_transform(np.moveaxis(hypotheses, 1, -1), truth)
    curve = reliability_curve(central_levels(pit))
    expected = 1 - 2 * norm.cdf(std * norm.ppf((1 - curve.nominal[INNER]) / 2))
    np.testing.assert_allclose(curve.observed[INNER], expected, atol=0.015)


def test_blocks_add_up_and_poses_are_taken_relative_to_the_root():
    hypotheses, truth = (poses[:40] for poses in _case(0.8))
    whole, pieces = QuantileCoverage(root_index=2), QuantileCoverage(root_index=2)
    whole.add(hypotheses, truth)
    for start in (0, 7, 20):
        stop = {0: 7, 7: 20, 20: 40}[start]
        pieces.add(hypotheses[start:stop] + 1e3, truth[start:stop] - 500.0)
    np.testing.assert_array_equal(whole.omega, pieces.omega)
    assert whole.omega.shape == (4, 21)
    relative = [np.delete(poses - poses[..., 2:3, :], 2, axis=-2) for poses in (hypotheses, truth)]
    assert whole.curve().error == pytest.approx(expected_calibration_error(relative[0], relative[1]))


def test_ties_in_the_rank_count_half():
    assert probability_integral_transform(np.array([[1.0, 2.0, 2.0, 3.0]]), np.array([2.0]))[0] == 0.5


def test_bad_input_is_refused():
    hypotheses, truth = np.zeros((3, 4, 5, 3)), np.zeros((3, 5, 3))
    with pytest.raises(InputError, match="do not fit"):
        quantile_hits(hypotheses, truth[:2])
    with pytest.raises(InputError, match="NaN or infinite"):
        quantile_hits(hypotheses, truth * np.nan)
    with pytest.raises(InputError, match="no picture was counted"):
        QuantileCoverage().curve()
