"""The authors' Gaussian parameters: our Gaussians have the values of their formula, our condition those of theirs."""

import numpy as np
import pytest

from poseterior.data.h36m.fits import gaussians_from_fits
from poseterior.heatmaps.condition import condition_vector


def random_fits(pictures=40, seed=0):
    rng = np.random.default_rng(seed)
    fits = np.empty((pictures, 16, 7))
    fits[..., 0] = rng.uniform(-0.2, 1.5, (pictures, 16))
    fits[..., 1:3] = rng.uniform(-5, 70, (pictures, 16, 2))
    fits[..., [3, 5]] = rng.uniform(0.5, 9.5, (pictures, 16, 2))
    fits[..., 4] = rng.uniform(-9, 9, (pictures, 16))
    fits[..., 6] = 0.01
    return fits


def authors_gaussian(x, y, amplitude, x0, y0, sigma_x, theta, sigma_y):
    """METHOD section 2's A exp(-(a dx^2 + 2 b dx dy + c dy^2)) with the coefficients of the authors' fit."""
    dx, dy = x - x0, y - y0
    a = np.cos(theta) ** 2 / (2 * sigma_x**2) + np.sin(theta) ** 2 / (2 * sigma_y**2)
    b = -np.sin(2 * theta) / (4 * sigma_x**2) + np.sin(2 * theta) / (4 * sigma_y**2)
    c = np.sin(theta) ** 2 / (2 * sigma_x**2) + np.cos(theta) ** 2 / (2 * sigma_y**2)
    return amplitude * np.exp(-(a * dx**2 + 2 * b * dx * dy + c * dy**2))


def test_gaussians_have_the_values_of_the_authors_formula():
    fits = random_fits()
    gaussians = gaussians_from_fits(fits)
    rng = np.random.default_rng(1)
    for picture, joint in [(0, 0), (3, 7), (11, 15), (39, 4)]:
        away = rng.normal(0, 4, (50, 2))
        x, y = (gaussians.mean_cell[picture, joint] + away).T
        precision = np.linalg.inv(gaussians.covariance_cell2[picture, joint])
        ours = gaussians.amplitude[picture, joint] * np.exp(
            -0.5 * np.einsum("ni,ij,nj->n", away, precision, away)
        )
        np.testing.assert_allclose(ours, authors_gaussian(x, y, *fits[picture, joint, :6]), rtol=1e-10)


def test_theta_turns_counter_clockwise_in_the_picture():
    fit = np.array([1.0, 20.0, 30.0, 4.0, np.pi / 6, 2.0, 0.0])
    covariance = gaussians_from_fits(np.tile(fit, (1, 16, 1))).covariance_cell2[0, 0]
    long_axis = np.linalg.eigh(covariance)[1][:, 1]
    # up and to the right: x grows, y (down) shrinks
    np.testing.assert_allclose(
        long_axis * np.sign(long_axis[0]), [np.cos(np.pi / 6), -np.sin(np.pi / 6)], atol=1e-12
    )


@pytest.mark.parametrize(("raw", "used"), [(-3.0, 0.2), (0.01, 0.2), (4000.0, 10.0), (3.5, 3.5)])
def test_sigmas_are_clipped_as_the_authors_clip_them(raw, used):
    fit = np.array([1.0, 20.0, 30.0, raw, 0.0, 2.0, 0.0])
    covariance = gaussians_from_fits(np.tile(fit, (1, 16, 1))).covariance_cell2[0, 0]
    np.testing.assert_allclose(covariance, [[used**2, 0], [0, 4.0]], atol=1e-12)


def literal_condition(fits, doubled):
    """METHOD section 2, joint by joint."""
    rows = []
    for picture in fits:
        means = np.clip(picture[:, 1:3], 0, 63) - np.clip(picture[:, 1:3], 0, 63).mean(axis=0)
        means = means * [1, -1]
        means = means / means.std()
        row = []
        for joint in (0, 1, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15):
            amplitude, _, _, sigma_x, theta, sigma_y, _ = picture[joint]
            sigmas = [min(max(sigma, 0.2), 10.0) for sigma in (sigma_x, sigma_y)]
            if doubled:
                sigmas = [2 * sigma if sigma > 2.1 else sigma for sigma in sigmas]
            axes = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
            covariance = axes @ np.diag([(sigma / 20) ** 2 for sigma in sigmas]) @ axes.T
            row += [
                min(max(amplitude, 0), 1.2),
                *means[joint],
                covariance[0, 0],
                covariance[0, 1],
                covariance[1, 1],
            ]
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize(("variant", "doubled"), [("official", True), ("paper", False)])
def test_the_condition_is_the_authors(variant, doubled):
    fits = random_fits()
    fits[0, 0, 3], fits[1, 1, 5], fits[2, 2, 3], fits[3, 4, 5] = -2.5, 1e9, 0.05, -1e9
    gaussians = gaussians_from_fits(fits)
    condition = condition_vector(
        gaussians.amplitude,
        gaussians.mean_cell,
        gaussians.covariance_cell2,
        sigma_confident_cells=2.0,
        heatmap_width=64,
        heatmap_height=64,
        variant=variant,
    )
    np.testing.assert_allclose(condition, literal_condition(fits, doubled), atol=1e-12)
