import numpy as np
import pytest
from _toy_evaluation import GaussianLifter, toy_set

from poseterior.errors import InputError, ModelError
from poseterior.geometry.normalise import pose_from_vector
from poseterior.models.interface import LiftingModel
from poseterior.models.noise_baseline import NoiseBaseline, depth_sigma_from_truth, joint_covariance_m2
from poseterior.skeleton import FLOW_16, MPII_16


def _baseline(data, depth_sigma_m=0.1):
    covariance_m2 = joint_covariance_m2(
        data.gaussians.covariance_cell2, data.metres_per_cell, data.profile.sigma_confident_cells
    )
    return NoiseBaseline(GaussianLifter(), covariance_m2, depth_sigma_m)


def test_hypotheses_spread_around_the_single_answer_as_the_gaussians_say():
    data = toy_set(3)
    baseline, inputs = _baseline(data), data.inputs()
    assert isinstance(baseline, LiftingModel)
    draws = baseline.sample(inputs, 40_000, seed=0)
    assert draws.log_prob is None
    offsets = draws.vectors.astype(np.float64) - baseline.single(inputs)[:, None]
    np.testing.assert_allclose(offsets.mean(axis=1), 0, atol=0.003)
    # picture 0 has a wide Gaussian with covariance at the right wrist; cells to metres squared, y up
    wrist = FLOW_16.index("right_wrist")
    found = np.cov(offsets[0][:, [wrist, 16 + wrist, 32 + wrist]].T)
    expected = np.zeros((3, 3))
    expected[:2, :2] = np.array([[20.0, -3.0], [-3.0, 6.0]]) * 0.03**2
    expected[2, 2] = 0.1**2
    # centring takes 2/16 of a joint's own variance and gives the mean of all variances, / 16
    others = np.diag([1.5**2 * 0.03**2] * 2 + [0.1**2])
    centred = expected * (1 - 2 / 16) + (expected + 15 * others) / 256
    np.testing.assert_allclose(found, centred, atol=3e-4)
    # mean-centred vectors, so that the pose is one of the flow's
    np.testing.assert_allclose(draws.vectors[:, :9].reshape(3, 9, 3, 16).mean(axis=-1), 0, atol=1e-6)
    assert pose_from_vector(draws.vectors[0, :1]).shape == (1, 17, 3)


def test_noise_is_that_of_picture_and_seed():
    data = toy_set(6)
    baseline, inputs = _baseline(data), data.inputs()
    whole = baseline.sample(inputs, 4, seed=1).vectors
    part = type(inputs)(*(values[2:4] for values in inputs))
    np.testing.assert_array_equal(baseline.sample(part, 4, seed=1).vectors, whole[2:4])
    assert (baseline.sample(inputs, 4, seed=2).vectors != whole).any()


def test_covariances_by_joint():
    covariance = np.tile(np.eye(2), (1, 16, 1, 1)) * np.arange(1.0, 17.0)[None, :, None, None]
    found = joint_covariance_m2(covariance, np.array([0.5]), 2.0)
    for row, name in enumerate(FLOW_16):
        parts = [MPII_16.index(part) + 1 for part in (("thorax", "head") if name == "neck" else (name,))]
        np.testing.assert_allclose(found[0, row], 0.25 * np.mean(parts) * np.eye(2))
    # without a camera: 2 cells are a confident sigma, which the paper takes for 20 mm
    unknown = joint_covariance_m2(covariance, np.array([np.nan]), 2.0)
    np.testing.assert_allclose(unknown[0, FLOW_16.index("right_ankle")], 0.01**2 * np.eye(2))


def test_depth_sigma_is_the_root_mean_square_relative_to_the_root():
    truth = np.zeros((2, 3, 3))
    single = truth.copy()
    single[0, :, 2] = [1.0, 4.0, 1.0]
    single[1, :, :2] = 7.0
    assert depth_sigma_from_truth(single, truth) == pytest.approx(np.sqrt(9 / 4))
    with pytest.raises(InputError, match="shape"):
        depth_sigma_from_truth(single, truth[:1])


def test_it_says_what_it_is_and_has_no_density():
    data = toy_set(3)
    baseline, inputs = _baseline(data, 0.0425), data.inputs()
    assert baseline.identity["method"] == "noise-baseline"
    assert baseline.identity["depth_sigma_mm"] == "42.5"
    assert not baseline.gives_log_prob
    with pytest.raises(ModelError, match="noise around toy has no density"):
        baseline.log_prob(inputs, baseline.single(inputs)[:, None])
