"""Training pairs of sets with truth, against arithmetic written out picture by picture."""

import numpy as np
import pytest
from _toy_evaluation import toy_set, write_synth_folder

from poseterior.data.open_set import load_open_set
from poseterior.data.synthesis.pairs import load_open_data
from poseterior.data.training_pairs import training_pairs
from poseterior.errors import InputError
from poseterior.heatmaps.derive_batch import MpiiGaussians

SIGMA = 1.5
"""Confident sigma of the toy detector, cells."""
FLOW_JOINTS = np.arange(1, 17)


def leaning_set(pictures=40, **changes):
    """Gaussians of all shapes, some too narrow and some too wide for the condition; 2D joints beside their means."""
    rng = np.random.default_rng(3)
    axis = rng.uniform(0, np.pi, (pictures, 16))
    turn = np.stack([np.cos(axis), -np.sin(axis), np.sin(axis), np.cos(axis)], -1).reshape(pictures, 16, 2, 2)
    sigma = SIGMA * np.exp(rng.uniform(np.log(0.05), np.log(8.0), (pictures, 16, 2)))
    gaussians = MpiiGaussians(
        rng.uniform(0.1, 1.4, (pictures, 16)),
        rng.uniform(5, 59, (pictures, 16, 2)),
        (turn * sigma[:, :, None] ** 2) @ np.swapaxes(turn, -1, -2),
    )
    fields = {
        "gaussians": gaussians,
        "joints_2d": 7.0 * gaussians.mean_cell + rng.normal(0, 5, (pictures, 16, 2)),
        "metres_per_cell": rng.uniform(0.02, 0.05, pictures),
    }
    return toy_set(pictures, **{**fields, **changes})


def covariance_m2_by_hand(covariance_cell2, metres_per_cell, variant):
    """Principal sigmas clipped to [0.1, 5] confident sigmas, the authors' doubled above 1.05; y up."""
    variances, axes = np.linalg.eigh(covariance_cell2)
    sigma = np.clip(np.sqrt(variances) / SIGMA, 0.1, 5.0)
    if variant == "official":
        sigma = np.where(sigma > 1.05, 2 * sigma, sigma)
    limited = axes @ np.diag((sigma * SIGMA * metres_per_cell) ** 2) @ axes.T
    return limited * np.array([[1, -1], [-1, 1]])


@pytest.mark.parametrize("variant", ["paper", "official"])
@pytest.mark.parametrize("heatmap_metres", ["paper", "geometry"])
def test_every_array_is_what_arithmetic_gives(variant, heatmap_metres):
    data = leaning_set()
    pairs = training_pairs(data, variant=variant, heatmap_metres=heatmap_metres)
    assert len(pairs) == 40
    for row in range(40):
        centred = data.joints_m[row, FLOW_JOINTS] - data.joints_m[row, FLOW_JOINTS].mean(axis=0)
        np.testing.assert_allclose(
            pairs.x[row], np.concatenate([centred[:, 0], -centred[:, 1], -centred[:, 2]]), atol=1e-6
        )
        seen = (data.joints_2d[row] - data.joints_2d[row].mean(axis=0)) * [1, -1]
        np.testing.assert_allclose(pairs.y[row], (seen / seen.std()).T.ravel(), atol=1e-6)
        # sigma_gt is 2 px of 10 mm each in the paper, 10 mm together in the authors' code
        constant = {"paper": 0.020, "official": 0.010}[variant] / SIGMA
        metres_per_cell = data.metres_per_cell[row] if heatmap_metres == "geometry" else constant
        for joint in range(16):
            covariance = data.gaussians.covariance_cell2[row, joint]
            by_hand = covariance_m2_by_hand(covariance, metres_per_cell, variant)
            np.testing.assert_allclose(
                pairs.heatmap_covariance_m2[row, joint], by_hand, rtol=1e-5, atol=1e-6 * np.trace(by_hand)
            )
            sure = max(covariance[0, 0], covariance[1, 1]) <= (1.05 * SIGMA) ** 2
            assert pairs.uncertain[row, joint] == (not sure)
    assert 0.2 < pairs.uncertain.mean() < 0.9


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_what_is_learnt_from_is_what_methods_are_shown(variant):
    for data in (leaning_set(), leaning_set(joints_2d=None)):
        pairs, shown = training_pairs(data, variant=variant), data.inputs(variant)
        np.testing.assert_array_equal(pairs.y, shown.y)
        np.testing.assert_array_equal(pairs.condition, shown.condition)
    # the detected joints, where there are any, and not the means of the Gaussians
    assert np.abs(training_pairs(leaning_set()).y - pairs.y).max() > 0.05


@pytest.mark.parametrize("heatmap_metres", ["paper", "geometry"])
def test_a_synthetic_set_gives_the_same_pairs_by_both_roads(tmp_path, heatmap_metres):
    folder = write_synth_folder(tmp_path / "set")
    straight = load_open_data(folder, "test", heatmap_metres=heatmap_metres)
    by_schema = training_pairs(load_open_set(folder, "test"), heatmap_metres=heatmap_metres)
    for name, values in vars(straight).items():
        np.testing.assert_array_equal(getattr(by_schema, name), values)


def test_the_threshold_is_in_confident_sigmas():
    data = leaning_set()
    widest = np.sqrt(data.gaussians.covariance_cell2[:, :, [0, 1], [0, 1]].max(axis=-1))
    for threshold in (0.5, 3.0):
        uncertain = training_pairs(data, uncertain_from=threshold).uncertain
        np.testing.assert_array_equal(uncertain, widest > threshold * SIGMA)


def test_metres_that_are_not_known_are_asked_for_in_vain():
    metres_per_cell = np.full(40, 0.03)
    metres_per_cell[[5, 9]] = np.nan
    data = leaning_set(metres_per_cell=metres_per_cell)
    with pytest.raises(InputError, match=r"toy-set: metres_per_cell is not known for 2 of 40 .* picture 5"):
        training_pairs(data, heatmap_metres="geometry")
    assert np.isfinite(training_pairs(data, heatmap_metres="paper").heatmap_covariance_m2).all()


def test_a_set_that_knows_limbs_only_cannot_be_learnt_from():
    has_joint = np.ones((40, 17), bool)
    has_joint[:, 0] = False
    training_pairs(leaning_set(has_joint=has_joint))
    has_joint[7, [9, 10]] = False
    with pytest.raises(InputError, match="toy-set lacks the truth of neck, head; training needs"):
        training_pairs(leaning_set(has_joint=has_joint))
