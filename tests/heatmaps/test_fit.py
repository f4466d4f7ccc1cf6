"""The batched Gaussian fit: against scipy's curve_fit as the authors use it, and where that fails."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.optimize import curve_fit

import poseterior.heatmaps._native as native
from poseterior.errors import InputError
from poseterior.heatmaps import fit as fit_module
from poseterior.heatmaps.fit import GaussianFit, covariance_from_sigmas, fit_gaussians, sigmas_and_theta
from poseterior.types import FitStatus

# curve_fit cannot estimate the parameters' covariance where the model is exact; it is not used here
pytestmark = pytest.mark.filterwarnings("ignore:Covariance of the parameters could not be estimated")

SIZE = 64
FITTED = (FitStatus.CONVERGED, FitStatus.AT_BOUND)


def authors_model(grid, amplitude, mx, my, sigma_x, theta, sigma_y):
    """METHOD section 2 as the authors' code writes it."""
    dx, dy = grid[0] - mx, grid[1] - my
    a = np.cos(theta) ** 2 / (2 * sigma_x**2) + np.sin(theta) ** 2 / (2 * sigma_y**2)
    b = -np.sin(2 * theta) / (4 * sigma_x**2) + np.sin(2 * theta) / (4 * sigma_y**2)
    c = np.sin(theta) ** 2 / (2 * sigma_x**2) + np.cos(theta) ** 2 / (2 * sigma_y**2)
    return amplitude * np.exp(-(a * dx**2 + 2 * b * dx * dy + c * dy**2))


def grid_of(heatmap):
    rows, columns = np.mgrid[: heatmap.shape[0], : heatmap.shape[1]].astype(float)
    return np.stack([columns.ravel(), rows.ravel()])


def sum_of_squares(heatmap, parameters):
    return np.sum((authors_model(grid_of(heatmap), *parameters) - heatmap.ravel()) ** 2)


def authors_fit(heatmap):
    """(amplitude, mean, covariance in image axes, rmse) of curve_fit, started as the authors do."""
    values, grid = np.clip(heatmap, 0, 1).ravel(), grid_of(heatmap)
    row, column = divmod(int(values.argmax()), heatmap.shape[1])
    found = curve_fit(authors_model, grid, values, p0=(values.max(), column, row, 2.0, 0.0, 2.0))[0]
    rmse = np.sqrt(np.mean((authors_model(grid, *found) - values) ** 2))
    theta = found[4]
    turn = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
    y_up = turn @ np.diag(found[[3, 5]] ** 2) @ turn.T
    return found[0], found[1:3], y_up * [[1, -1], [-1, 1]], rmse


def blob(amplitude, mean, covariance, height=SIZE, width=SIZE):
    rows, columns = np.mgrid[:height, :width]
    offset = np.stack([columns - mean[0], rows - mean[1]], axis=-1)
    return amplitude * np.exp(-0.5 * np.einsum("...i,ij,...j", offset, np.linalg.inv(covariance), offset))


def random_covariance(rng, low, high):
    angle, sigmas = rng.uniform(0, np.pi), rng.uniform(low, high, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.diag(sigmas**2) @ turn.T


def isotropic(rng):
    return blob(rng.uniform(0.2, 1), rng.uniform(8, 56, 2), np.eye(2) * rng.uniform(1, 4) ** 2)


def rotated(rng):
    return blob(rng.uniform(0.2, 1), rng.uniform(14, 50, 2), random_covariance(rng, 0.8, 6))


def truncated_inside(rng):
    mean = (rng.uniform(-0.4, 2), rng.uniform(0, 63))
    return blob(rng.uniform(0.2, 1), mean, random_covariance(rng, 1, 5))


def truncated_outside(rng):
    mean = (rng.uniform(4, 60), SIZE + rng.uniform(0, 3))
    return blob(rng.uniform(0.3, 1), mean, random_covariance(rng, 2, 5))


def noisy(rng):
    clean = blob(rng.uniform(0.3, 1), rng.uniform(4, 60, 2), random_covariance(rng, 1, 4))
    return clean + rng.uniform(0.002, 0.05) * rng.standard_normal(clean.shape)


def saturated(rng):
    return blob(rng.uniform(1.1, 3), rng.uniform(10, 54, 2), random_covariance(rng, 1, 4))


def on_a_tail(rng):
    mean = rng.uniform(10, 54, 2)
    tail = blob(rng.uniform(0.05, 0.15), mean + rng.uniform(-2, 2, 2), random_covariance(rng, 3, 10))
    return blob(rng.uniform(0.3, 0.8), mean, np.eye(2) * rng.uniform(1, 2) ** 2) + tail


def bimodal(rng):
    first = blob(rng.uniform(0.3, 1), rng.uniform(6, 58, 2), random_covariance(rng, 1, 4))
    return first + blob(rng.uniform(0.2, 0.9), rng.uniform(6, 58, 2), random_covariance(rng, 1, 4))


def bimodal_close(rng):
    mean = rng.uniform(14, 50, 2)
    first = blob(rng.uniform(0.3, 1), mean, random_covariance(rng, 1, 4))
    return first + blob(rng.uniform(0.2, 0.9), mean + rng.uniform(-9, 9, 2), random_covariance(rng, 1, 4))


UNIMODAL = [isotropic, rotated, truncated_inside, truncated_outside, noisy, saturated, on_a_tail]


def weak(rng):
    """Amplitude 0.05-0.1, up to 10 cells wide, anywhere up to the border, with little noise."""
    clean = blob(rng.uniform(0.05, 0.1), rng.uniform(-0.5, 63.5, 2), random_covariance(rng, 1.3, 10))
    return clean + rng.uniform(0.0005, 0.008) * rng.standard_normal(clean.shape)


def white_noise(rng):
    return rng.uniform(0.001, 0.3) * rng.standard_normal((SIZE, SIZE))


def uniform_noise(rng):
    return rng.uniform(0.05, 1) * rng.random((SIZE, SIZE))


def noise_on_a_level(rng):
    return rng.uniform(0.1, 0.5) + rng.uniform(0.001, 0.1) * rng.standard_normal((SIZE, SIZE))


def smooth_noise(rng):
    field = gaussian_filter(rng.standard_normal((SIZE, SIZE)), rng.uniform(0.7, 1.5), mode="wrap")
    return rng.uniform(0, 0.3) + field / field.std() * rng.uniform(0.01, 0.1)


def maps_of(kind, count, seed=0):
    rng = np.random.default_rng([seed, *kind.__name__.encode()])
    return np.stack([kind(rng) for _ in range(count)])


def assert_defined(fit: GaussianFit):
    """Finite everywhere, covariances symmetric positive definite, amplitudes and RMSE not negative."""
    for values in (fit.amplitude, fit.mean_cell, fit.covariance_cell2, fit.rmse):
        assert np.isfinite(values).all()
        assert values.dtype == np.float64
    assert (fit.amplitude >= 0).all()
    assert (fit.rmse >= 0).all()
    assert (np.linalg.eigvalsh(fit.covariance_cell2) > 0).all()
    np.testing.assert_array_equal(fit.covariance_cell2, np.swapaxes(fit.covariance_cell2, -1, -2))
    assert fit.status.dtype == np.uint8
    assert fit.iterations.dtype == np.int32


@pytest.mark.parametrize("kind", [*UNIMODAL, bimodal, bimodal_close])
def test_rmse_is_never_worse_than_curve_fits_by_one_percent(kind):
    maps = maps_of(kind, 12)
    fit = fit_gaussians(maps)
    assert_defined(fit)
    theirs = np.array([authors_fit(heatmap)[3] for heatmap in maps])
    assert np.isin(fit.status, FITTED).all()
    # where the model is exact both residuals are rounding: 1e-12 of a map in [0, 1]
    assert (fit.rmse <= 1.01 * theirs + 1e-12).all()


@pytest.mark.parametrize("kind", UNIMODAL)
def test_parameters_equal_curve_fits_on_unimodal_maps(kind):
    maps = maps_of(kind, 12, seed=1)
    fit = fit_gaussians(maps)
    for i, heatmap in enumerate(maps):
        amplitude, mean, covariance, _ = authors_fit(heatmap)
        np.testing.assert_allclose(fit.mean_cell[i], mean, rtol=0, atol=1e-3)
        np.testing.assert_allclose(
            fit.covariance_cell2[i], covariance, rtol=0, atol=1e-3 * np.trace(covariance) / 2
        )
        np.testing.assert_allclose(fit.amplitude[i], amplitude, rtol=1e-3)


@pytest.mark.parametrize("kind", [isotropic, rotated, truncated_inside, truncated_outside])
def test_an_exact_gaussian_is_recovered(kind):
    rng = np.random.default_rng(3)
    for _ in range(10):
        heatmap = kind(rng)
        fit = fit_gaussians(heatmap)
        rebuilt = blob(fit.amplitude, fit.mean_cell, fit.covariance_cell2)
        np.testing.assert_allclose(rebuilt, heatmap, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", [noisy, bimodal_close, on_a_tail])
def test_the_fit_is_a_stationary_point_of_the_sum_of_squares(kind):
    maps = np.clip(maps_of(kind, 6, seed=2), 0, 1)
    fit = fit_gaussians(maps)
    for i, heatmap in enumerate(maps):
        sigma_x, theta, sigma_y = sigmas_and_theta(fit.covariance_cell2[i])
        found = np.array([fit.amplitude[i], *fit.mean_cell[i], sigma_x, theta, sigma_y])

        least = sum_of_squares(heatmap, found)
        assert np.sqrt(least / heatmap.size) == pytest.approx(fit.rmse[i], rel=1e-6)
        for k, scale in enumerate([fit.amplitude[i], sigma_x, sigma_y, sigma_x, 1.0, sigma_y]):
            step = np.zeros(6)
            step[k] = 1e-3 * scale
            ahead, behind = sum_of_squares(heatmap, found + step), sum_of_squares(heatmap, found - step)
            slope = (ahead - behind) / (2 * least)
            # a thousandth of a parameter's scale changes the cost by less than a millionth
            assert abs(slope) < 1e-6


@pytest.mark.parametrize("kind", [white_noise, uniform_noise, noise_on_a_level, smooth_noise])
def test_pure_noise_is_no_signal_and_as_wide_as_the_map(kind):
    fit = fit_gaussians(maps_of(kind, 40))
    assert_defined(fit)
    assert (fit.status == FitStatus.NO_SIGNAL).all()
    np.testing.assert_array_equal(fit.mean_cell, np.full((40, 2), 31.5))
    np.testing.assert_array_equal(fit.covariance_cell2, np.broadcast_to(np.eye(2) * 32.0**2, (40, 2, 2)))
    assert (fit.amplitude <= 1).all()


def test_weak_blobs_are_signal():
    fit = fit_gaussians(maps_of(weak, 200))
    assert np.isin(fit.status, FITTED).all()


def test_blobs_that_stray_pixels_outshine_are_not_taken_for_noise():
    rng = np.random.default_rng(5)
    for _ in range(20):
        mean = rng.uniform(12, 52, 2)
        heatmap = blob(0.3, mean, np.eye(2) * 6) + 0.01 * rng.standard_normal((SIZE, SIZE))
        heatmap[rng.integers(SIZE), rng.integers(SIZE)] += 0.5
        fit = fit_gaussians(heatmap, start_mean_cell=mean + rng.uniform(-2, 2, 2))
        assert fit.status in FITTED
        assert np.hypot(*(fit.mean_cell - mean)) < 0.2


@pytest.mark.parametrize("level", [0.0, 1e-300, 0.3, 1.0])
def test_constant_maps_are_no_signal(level):
    fit = fit_gaussians(np.full((2, 48, 64), level), start_mean_cell=np.array([[3.0, 4.0], [70.0, -2.0]]))
    assert_defined(fit)
    assert (fit.status == FitStatus.NO_SIGNAL).all()
    np.testing.assert_array_equal(fit.mean_cell, [[3.0, 4.0], [70.0, -2.0]])
    np.testing.assert_array_equal(fit.covariance_cell2[0], np.diag([32.0**2, 24.0**2]))
    assert (fit.amplitude <= 3 * level).all()
    assert (fit.rmse <= level).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_map_that_is_not_finite_is_invalid_and_harms_no_other(bad):
    maps = maps_of(rotated, 3)
    expected = fit_gaussians(maps)
    maps[1, 7, 60] = bad
    fit = fit_gaussians(maps)
    assert_defined(fit)
    assert fit.status.tolist() == [FitStatus.CONVERGED, FitStatus.INVALID, FitStatus.CONVERGED]
    assert fit.amplitude[1] == 0
    np.testing.assert_array_equal(fit.covariance_cell2[1], np.eye(2) * 32.0**2)
    np.testing.assert_array_equal(fit.mean_cell[[0, 2]], expected.mean_cell[[0, 2]])


def test_the_start_chooses_the_blob():
    heatmap = blob(0.9, (15, 20), np.eye(2) * 4) + blob(0.6, (45, 40), np.eye(2) * 6)
    assert np.allclose(fit_gaussians(heatmap).mean_cell, (15, 20), atol=0.05)
    fit = fit_gaussians(heatmap, start_mean_cell=np.array([46.0, 41.5]))
    assert np.allclose(fit.mean_cell, (45, 40), atol=0.05)
    assert np.allclose(fit.covariance_cell2, np.eye(2) * 6, atol=0.05)


def test_a_start_far_from_the_only_blob_still_finds_it():
    rng = np.random.default_rng(1)
    maps = np.stack([rotated(rng) for _ in range(300)])
    fit = fit_gaussians(maps, start_mean_cell=rng.uniform(0, 63, (300, 2)))
    assert (fit.status == FitStatus.CONVERGED).all()
    assert fit.rmse.max() < 1e-9
    cut_off = np.stack([truncated_outside(rng) for _ in range(300)])
    fit = fit_gaussians(cut_off, start_mean_cell=rng.uniform(0, 63, (300, 2)))
    assert np.mean(fit.rmse < 1e-9) > 0.92  # 0.90 without the fit from the peak


def test_bounds_hold_and_are_told():
    """Ramps want a Gaussian wider or further away than the bounds allow; one pixel wants a narrower one."""
    rows, columns = np.mgrid[:30, :40] / 39.0
    far = (
        np.exp((columns - 1) * 2),
        columns,
        columns**2,
        columns**3,
        rows**2,
        np.exp(4 * (columns + rows - 2)),
    )
    fit = fit_gaussians(np.stack(far))
    sigma = np.sqrt(np.linalg.eigvalsh(fit.covariance_cell2))
    on_bound = (
        (sigma[:, 1] > 80 - 1e-9) | (fit.mean_cell[:, 0] > 60 - 1e-9) | (fit.mean_cell[:, 1] > 45 - 1e-9)
    )
    np.testing.assert_array_equal(fit.status == FitStatus.AT_BOUND, on_bound)
    assert on_bound.sum() >= 4
    assert (sigma <= 80 + 1e-9).all()
    assert (np.abs(fit.mean_cell - (20, 15)) <= (40 + 1e-9, 30 + 1e-9)).all()
    pixel = np.zeros((20, 20))
    pixel[12, 10] = 1
    fit = fit_gaussians(pixel)
    np.testing.assert_allclose(fit.mean_cell, (10, 12), atol=0.01)
    assert fit.rmse < 1e-6
    assert (np.linalg.eigvalsh(fit.covariance_cell2) >= 0.1**2 - 1e-12).all()


def test_the_better_of_several_starts_wins():
    """Maps on which curve_fit, and so the first start, gets stuck in a minimum with a much larger residual."""
    for seed, number in ((1, 20), (1, 54), (2, 26)):
        rng = np.random.default_rng(seed)
        heatmap = [bimodal_close(rng) for _ in range(number + 1)][-1]
        assert fit_gaussians(heatmap).rmse < 0.9 * authors_fit(heatmap)[3]


def test_a_turned_blob_is_reached_in_few_iterations():
    """The start has the blob's own width in every direction; with the tilt mirrored it takes 5.5."""
    assert fit_gaussians(maps_of(rotated, 100)).iterations.mean() < 4.5


def test_values_are_clamped_to_0_and_1():
    heatmap = blob(1.7, (30, 30), np.eye(2) * 9) - 0.1
    fit, clamped = fit_gaussians(heatmap), fit_gaussians(np.clip(heatmap, 0, 1))
    np.testing.assert_array_equal(fit.covariance_cell2, clamped.covariance_cell2)
    assert fit.rmse == clamped.rmse


def test_shapes_layouts_and_dtypes():
    maps = maps_of(noisy, 6).astype(np.float32)
    expected = fit_gaussians(maps)
    fit = fit_gaussians(maps.reshape(2, 3, SIZE, SIZE))
    assert (fit.amplitude.shape, fit.mean_cell.shape, fit.covariance_cell2.shape) == (
        (2, 3),
        (2, 3, 2),
        (2, 3, 2, 2),
    )
    channels_last = np.ascontiguousarray(maps.transpose(1, 2, 0)).transpose(2, 0, 1)
    for same in (maps.reshape(2, 3, SIZE, SIZE), channels_last, maps.astype(np.float64), maps.astype(">f4")):
        np.testing.assert_allclose(
            fit_gaussians(same).mean_cell.reshape(6, 2), expected.mean_cell, rtol=0, atol=1e-12
        )
    assert fit_gaussians(maps[0]).amplitude.shape == ()
    assert fit_gaussians(maps[:0]).covariance_cell2.shape == (0, 2, 2)


def test_the_result_depends_neither_on_threads_nor_on_the_batch():
    maps = np.concatenate([maps_of(kind, 30) for kind in (noisy, bimodal, white_noise, truncated_outside)])
    one = fit_gaussians(maps)
    for other in (
        fit_gaussians(maps, num_threads=2),
        fit_gaussians(maps, num_threads=5),
        fit_gaussians(maps[::-1]),
    ):
        flip = -1 if other.amplitude[0] != one.amplitude[0] else 1
        for name in ("amplitude", "mean_cell", "covariance_cell2", "rmse", "status", "iterations"):
            np.testing.assert_array_equal(getattr(other, name)[::flip], getattr(one, name))


@pytest.mark.parametrize("older", [0, 1])
def test_processors_without_the_newest_instructions_get_the_same_answer(older, monkeypatch):
    if older > native.variant():
        pytest.skip("this processor has no AVX2")
    maps = np.concatenate([maps_of(kind, 8) for kind in (*UNIMODAL, bimodal, white_noise)])
    expected = fit_gaussians(maps)
    monkeypatch.setattr(fit_module, "variant", lambda: older)
    fit = fit_gaussians(maps)
    np.testing.assert_array_equal(fit.status, expected.status)
    np.testing.assert_allclose(fit.mean_cell, expected.mean_cell, rtol=0, atol=1e-6)
    np.testing.assert_allclose(fit.covariance_cell2, expected.covariance_cell2, rtol=1e-5, atol=1e-6)


def test_sigmas_and_theta_are_the_authors():
    rng = np.random.default_rng(7)
    covariances = np.stack([random_covariance(rng, 0.5, 9) for _ in range(50)])
    sigma_x, theta, sigma_y = sigmas_and_theta(covariances)
    np.testing.assert_allclose(covariance_from_sigmas(sigma_x, theta, sigma_y), covariances, rtol=1e-12)
    assert (np.abs(theta) <= np.pi / 4 + 1e-12).all()
    for i in range(5):
        heatmap = blob(0.7, (30, 28), covariances[i])
        model = authors_model(grid_of(heatmap), 0.7, 30, 28, sigma_x[i], theta[i], sigma_y[i])
        np.testing.assert_allclose(model, heatmap.ravel(), rtol=0, atol=1e-12)


def test_a_blob_that_rises_to_the_right_has_negative_covariance_in_image_axes_and_positive_theta():
    covariance = np.array([[9.0, -4.0], [-4.0, 5.0]])
    sigma_x, theta, sigma_y = sigmas_and_theta(covariance)
    assert sigma_x > sigma_y
    assert 0 < theta < np.pi / 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"heatmaps": np.zeros((3, 0, 5))}, "height, width"),
        ({"start_mean_cell": np.full((2, 2), np.nan)}, "start_mean_cell"),
        ({"start_sigma_cell": 0.0}, "start_sigma_cell"),
        ({"start_sigma_cell": float("nan")}, "start_sigma_cell"),
        ({"num_threads": 0}, "num_threads"),
    ],
)
def test_input_that_cannot_be_used_is_named(changes, words):
    arguments = {"heatmaps": np.zeros((2, 8, 8)), **changes}
    with pytest.raises(InputError, match=words):
        fit_gaussians(**arguments)
