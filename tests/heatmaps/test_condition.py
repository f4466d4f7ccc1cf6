"""The condition against METHOD section 2, written out by hand, and under fuzzing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseterior.errors import InputError, ModelError
from poseterior.heatmaps.condition import condition_of, condition_vector
from poseterior.skeleton import CONDITION_13, MPII_16
from poseterior.types import DetectorProfile, FitStatus, JointGaussians

PROFILE = DetectorProfile("test", 64, 64, 2.0, MPII_16)


def random_gaussians(seed=0, sigma_range=(1.0, 6.0)):
    rng = np.random.default_rng(seed)
    mean = rng.uniform(5, 58, (16, 2))
    angle = rng.uniform(0, np.pi, 16)
    sigma = rng.uniform(*sigma_range, (16, 2))
    axes = np.stack(
        [np.stack([np.cos(angle), -np.sin(angle)], -1), np.stack([np.sin(angle), np.cos(angle)], -1)], -2
    )
    covariance = axes @ (sigma[..., None] ** 2 * np.swapaxes(axes, -1, -2))
    return rng.uniform(0.2, 1.1, 16), mean, covariance, sigma, angle


def by_hand(amplitude, mean, sigma, angle, sigma_gt, size, doubled):
    """METHOD section 2, joint by joint, from (sigma_x, theta, sigma_y)."""
    clipped = np.clip(mean, 0, size - 1)
    centred = (clipped - clipped.mean(0)) * [1, -1]
    normalised = centred / centred.std()
    out = []
    for joint, name in enumerate(MPII_16):
        if name in ("pelvis", "right_hip", "left_hip"):
            continue
        s = [min(max(v, sigma_gt / 10), 5 * sigma_gt) for v in sigma[joint]]
        if doubled:
            s = [2 * v if v > 1.05 * sigma_gt else v for v in s]
        s = [v / (10 * sigma_gt) for v in s]
        theta = -angle[joint]  # y up
        rotation = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
        cov = rotation @ np.diag(np.square(s)) @ rotation.T
        out += [
            min(max(amplitude[joint], 0), 1.2),
            *normalised[joint],
            cov[0, 0],
            cov[0, 1],
            cov[1, 1],
        ]
    return np.array(out)


@pytest.mark.parametrize("variant", ["paper", "official"])
@pytest.mark.parametrize("sigma_gt", [2.0, 1.3])
@pytest.mark.parametrize("sigma_range", [(0.05, 1.0), (1.0, 6.0), (5.0, 30.0)])
def test_matches_method_section_2(variant, sigma_gt, sigma_range):
    amplitude, mean, covariance, sigma, angle = random_gaussians(3, sigma_range)
    mean[0], mean[9] = (-3.0, 70.0), (63.5, -0.1)
    amplitude[4] = 1.7
    got = condition_vector(
        amplitude,
        mean,
        covariance,
        sigma_confident_cells=sigma_gt,
        heatmap_width=64,
        heatmap_height=64,
        variant=variant,
    )
    want = by_hand(amplitude, mean, sigma, angle, sigma_gt, 64, variant == "official")
    assert got.shape == (6 * len(CONDITION_13),)
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_the_same_detection_in_finer_cells_gives_the_same_condition():
    """Relative to the profile: heatmaps of twice the resolution with twice the sigma change nothing."""
    amplitude, mean, covariance, _, _ = random_gaussians(1)
    coarse = condition_vector(
        amplitude, mean, covariance, sigma_confident_cells=2.0, heatmap_width=64, heatmap_height=64
    )
    fine = condition_vector(
        amplitude, 2 * mean, 4 * covariance, sigma_confident_cells=4.0, heatmap_width=128, heatmap_height=128
    )
    np.testing.assert_allclose(coarse, fine, atol=1e-12)


def test_batches_equal_single_calls():
    singles = [random_gaussians(seed)[:3] for seed in range(5)]
    settings_ = {"sigma_confident_cells": 1.3, "heatmap_width": 64, "heatmap_height": 64}
    batched = condition_vector(*(np.stack(part) for part in zip(*singles, strict=True)), **settings_)
    for row, single in zip(batched, singles, strict=True):
        np.testing.assert_allclose(row, condition_vector(*single, **settings_), atol=1e-14)


def gaussians_of(amplitude, mean, covariance, names=MPII_16, status=None):
    status = np.zeros(16, np.uint8) if status is None else status
    return JointGaussians(names, amplitude, mean, covariance, np.zeros(16), status)


def test_nan_heatmaps_are_named():
    status = np.zeros(16, np.uint8)
    status[MPII_16.index("left_wrist")] = FitStatus.INVALID
    gaussians = gaussians_of(*random_gaussians()[:3], status=status)
    with pytest.raises(InputError, match="NaN or infinite values for left_wrist"):
        condition_of(gaussians, PROFILE)


def test_another_joint_order_is_refused():
    gaussians = gaussians_of(*random_gaussians()[:3], names=MPII_16[::-1])
    with pytest.raises(ModelError, match="needs the joints right_ankle"):
        condition_of(gaussians, PROFILE)


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_a_persons_condition_is_relative_to_the_detectors_profile(variant):
    """Map sides, confident sigma and variant reach the condition; y is of the means as they are, not clipped."""
    amplitude, mean, covariance, sigma, angle = random_gaussians(5)
    mean[0], mean[15] = (50.0, 90.0), (-4.0, 20.0)
    profile = DetectorProfile(
        "wide", heatmap_height=96, heatmap_width=40, sigma_confident_cells=1.7, joint_names=()
    )
    y, condition = condition_of(gaussians_of(amplitude, mean, covariance), profile, variant)
    sides = np.array([40, 96])
    np.testing.assert_allclose(
        condition, by_hand(amplitude, mean, sigma, angle, 1.7, sides, variant == "official"), atol=1e-12
    )
    centred = (mean - mean.mean(axis=0)) * [1, -1]
    np.testing.assert_allclose(y, (centred / centred.std()).T.ravel(), atol=1e-12)


def test_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="expected one of paper, official"):
        condition_vector(
            *random_gaussians()[:3],
            sigma_confident_cells=2.0,
            heatmap_width=64,
            heatmap_height=64,
            variant="mine",
        )


numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)


@settings(deadline=None, max_examples=200)
@given(
    arrays(np.float64, (16,), elements=numbers),
    arrays(np.float64, (16, 2), elements=numbers),
    arrays(np.float64, (16, 2, 2), elements=st.floats(-1e6, 1e6) | st.just(np.nan)),
    st.sampled_from(["paper", "official"]),
)
def test_any_numbers_give_a_bounded_condition_or_one_sentence(amplitude, mean, covariance, variant):
    try:
        condition = condition_vector(
            amplitude,
            mean,
            covariance,
            sigma_confident_cells=1.3,
            heatmap_width=64,
            heatmap_height=64,
            variant=variant,
        )
    except InputError as error:
        assert "\n" not in str(error)
        return
    joints = condition.reshape(13, 6)
    assert np.isfinite(joints).all()
    assert (joints[:, 0] >= 0).all() and (joints[:, 0] <= 1.2).all()
    assert (np.abs(joints[:, 1:3]) <= np.sqrt(32)).all()
    assert (joints[:, 3] * joints[:, 5] - joints[:, 4] ** 2 >= -1e-12).all()
    largest = 1.0 if variant == "official" else 0.25
    assert (joints[:, [3, 5]] > 0).all() and (joints[:, [3, 5]] <= largest + 1e-9).all()
