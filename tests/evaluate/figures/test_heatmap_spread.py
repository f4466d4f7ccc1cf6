from dataclasses import replace

import numpy as np
import pytest
from _toy_evaluation import GaussianLifter, root_m, toy_set
from scipy.stats import pearsonr

from poseterior.errors import InputError
from poseterior.evaluate.figures.heatmap_spread import (
    JOINTS,
    InPlane,
    agreement,
    by_papers_constant,
    gaussians_in_plane,
    joints_in_plane,
    measure_in_plane,
    reads_condition,
    root_trace_ratio,
)
from poseterior.flow.centred import centred_basis
from poseterior.geometry.normalise import vector_from_pose
from poseterior.models.interface import Draws
from poseterior.skeleton import H36M_17, MPII_16

KNEE = JOINTS.index("left_knee")


def in_plane(hypotheses_m2, covariance_m2):
    """Of one joint in many pictures, the others left at unit covariances."""
    whole = [np.tile(np.eye(2), (len(hypotheses_m2), 13, 1, 1)) for _ in range(2)]
    for of, values in zip(whole, (hypotheses_m2, covariance_m2), strict=True):
        of[:, KNEE] = values
    zeros = np.zeros((len(hypotheses_m2), 13))
    return InPlane(np.zeros((*zeros.shape, 2)), whole[1], zeros, whole[0])


def only_knee(count):
    mask = np.zeros((count, 13), bool)
    mask[:, KNEE] = True
    return mask


def turned(sigmas, angle_degrees):
    angle = np.radians(angle_degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.diag(np.square(sigmas)) @ turn.T


class Blind(GaussianLifter):
    """Sees the 2D pose alone, as the toy does."""


class Told(GaussianLifter):
    """Moves with the condition."""

    def single(self, inputs):
        return super().single(inputs) + inputs.condition.sum(axis=1, keepdims=True)


def test_joints_are_those_of_the_pose_with_y_up_and_no_depth():
    rng = np.random.default_rng(0)
    pose = rng.normal(size=(17, 3))
    pose[H36M_17.index("pelvis")] = pose[[H36M_17.index(f"{side}_hip") for side in ("left", "right")]].mean(0)
    found = joints_in_plane(vector_from_pose(pose)[None, None])[0, 0]
    expected = np.array([[pose[H36M_17.index(name), 0], -pose[H36M_17.index(name), 1]] for name in MPII_16])
    np.testing.assert_allclose(found, expected - expected.mean(axis=0), atol=1e-12)


def test_gaussians_become_metres_with_y_up_and_clipped_sigmas():
    data = toy_set(6)
    confident = data.profile.sigma_confident_cells
    data.gaussians.covariance_cell2[0, 3] = turned((2.0 * confident, 1.0 * confident), 30.0)
    data.gaussians.covariance_cell2[1, 3] = turned((90.0 * confident, 1.0 * confident), 30.0)
    data = replace(data, metres_per_cell=np.full(6, 0.05))
    mean_m, covariance_m2 = gaussians_in_plane(data)
    step = 0.05 * confident
    np.testing.assert_allclose(covariance_m2[0, 3], turned((2.0 * step, step), -30.0), atol=1e-12)
    np.testing.assert_allclose(covariance_m2[1, 3], turned((5.0 * step, step), -30.0), atol=1e-9)
    cells = data.gaussians.mean_cell[2]
    np.testing.assert_allclose(mean_m[2, 0] - mean_m[2, 1], 0.05 * np.array([1, -1]) * (cells[0] - cells[1]))
    np.testing.assert_allclose(mean_m.mean(axis=1), 0.0, atol=1e-12)
    with pytest.raises(InputError, match="metres_per_cell is not known"):
        gaussians_in_plane(replace(data, metres_per_cell=np.full(6, np.nan)))


def test_the_spread_is_that_of_a_gaussian_known_in_closed_form():
    data = replace(toy_set(2), metres_per_cell=np.full(2, 0.04))
    found = measure_in_plane(GaussianLifter(), data, 4000, seed=1)
    # as a linear map of the latent: basis, then the joints in the plane
    columns = joints_in_plane((centred_basis() @ root_m()).T[None])[0]
    knee = columns[:, MPII_16.index("left_knee")]
    # each picture has noise of its own
    np.testing.assert_allclose(found.hypotheses_m2[:, KNEE].mean(axis=0), knee.T @ knee, rtol=0.08, atol=1e-4)
    assert not np.array_equal(found.hypotheses_m2[0], found.hypotheses_m2[1])
    with pytest.raises(InputError, match="samples is 1"):
        measure_in_plane(GaussianLifter(), data, 1, seed=1)


def test_a_picture_s_numbers_do_not_depend_on_the_block_it_is_lifted_in():
    data = replace(toy_set(70), metres_per_cell=np.full(70, 0.04))
    found = measure_in_plane(GaussianLifter(), data, 5, seed=0).hypotheses_m2
    inputs = data.inputs("paper")
    draws = GaussianLifter().sample(inputs, 5, 0)
    assert isinstance(draws, Draws)
    joints = joints_in_plane(draws.vectors)[69, :, MPII_16.index("left_knee")]
    np.testing.assert_allclose(found[69, KNEE], np.cov(joints.T), rtol=1e-5)


def test_the_paper_s_constant_stands_for_two_centimetres_a_confident_sigma():
    data = replace(toy_set(3), metres_per_cell=np.full(3, 0.5))
    found = by_papers_constant(measure_in_plane(GaussianLifter(), data, 4, 0), data)
    data.gaussians.covariance_cell2[:] = data.profile.sigma_confident_cells**2 * np.eye(2)
    found = by_papers_constant(found, data)
    np.testing.assert_allclose(found.covariance_m2, np.tile(0.02**2 * np.eye(2), (3, 13, 1, 1)))


def test_agreement_of_spreads_that_are_scaled_copies():
    sigmas = np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 9.0], [1.5, 2.5]])
    gaussian = np.stack([turned(pair, 20.0) for pair in sigmas])
    found = agreement(in_plane(0.49 * gaussian, gaussian), only_knee(4))
    assert found["joints"] == 4
    assert found["ratio_median"] == pytest.approx(0.7)
    assert found["ratio_quartiles"] == pytest.approx([0.7, 0.7])
    assert found["at_least_as_wide"] == 0.0
    assert found["sigma_correlation"] == pytest.approx(1.0)
    assert found["major_axis_degrees"] == pytest.approx(0.0, abs=1e-4)


def test_agreement_of_spreads_that_differ():
    rng = np.random.default_rng(3)
    first, second = rng.uniform(0.5, 3.0, (2, 40))
    hypotheses = np.stack([turned((3 * s, s), 75.0) for s in first])
    gaussian = np.stack([turned((3 * s, s), -15.0) for s in second])
    found = agreement(in_plane(hypotheses, gaussian), only_knee(40))
    ratio = first / second
    assert found["ratio_median"] == pytest.approx(np.median(ratio))
    assert found["at_least_as_wide"] == pytest.approx((ratio >= 1).mean())
    assert found["sigma_correlation"] == pytest.approx(pearsonr(np.log(first), np.log(second))[0])
    assert found["major_axis_degrees"] == pytest.approx(90.0)
    assert found["major_axis_joints"] == 40


def test_round_ellipses_have_no_direction_and_equal_ones_no_correlation():
    gaussian = np.tile(np.eye(2), (5, 1, 1))
    found = agreement(in_plane(4 * gaussian, gaussian), only_knee(5))
    assert found["major_axis_degrees"] is None and found["sigma_correlation"] is None
    assert found["ratio_median"] == 2.0
    with pytest.raises(InputError, match="there are 2 uncertain joints"):
        agreement(in_plane(gaussian[:2], gaussian[:2]), only_knee(2))


def test_the_ratio_is_of_standard_deviations():
    hypotheses = np.stack([np.diag([9.0, 16.0]), 4.0 * np.eye(2)])
    gaussian = np.stack([np.diag([4.0, 21.0]), np.eye(2)])
    np.testing.assert_allclose(root_trace_ratio(hypotheses, gaussian), [1.0, 2.0])


def test_whether_a_model_reads_the_condition_is_seen():
    data = toy_set(6)
    assert reads_condition(Told(), data)
    assert not reads_condition(Blind(), data)
