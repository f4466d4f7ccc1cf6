import numpy as np
import pytest
from scipy.stats import spearmanr

from poseterior.data.synthesis.statistics import TRUTH_OF_MPII, detector_errors, error_table, spearman
from poseterior.data.synthesis.visibility import Visibility
from poseterior.heatmaps.derive_batch import MpiiGaussians
from poseterior.skeleton import H36M_17, MPII_16

KNEE = MPII_16.index("left_knee")


def scene(pictures=200, offset_px=(3.0, -1.0), noise_px=2.0):
    """Truth in a box of 100 x 200 px; the detector is off by a constant at one knee, and by noise."""
    rng = np.random.default_rng(0)
    joints_px = rng.uniform([100.0, 50.0], [200.0, 250.0], (pictures, 17, 2))
    joints_px[:, 0], joints_px[:, 1] = [100.0, 50.0], [200.0, 250.0]
    mean_px = joints_px[:, TRUTH_OF_MPII] + rng.normal(0.0, noise_px, (pictures, 16, 2))
    mean_px[:, KNEE] += offset_px
    # cells are 4 px wide and begin at (-10, 6)
    affine = np.tile([[4.0, 0.0, -10.0], [0.0, 4.0, 6.0]], (pictures, 1, 1))
    gaussians = MpiiGaussians(
        np.full((pictures, 16), 0.9),
        (mean_px - [-10.0, 6.0]) / 4.0,
        np.tile(np.diag([4.0, 2.0]), (pictures, 16, 1, 1)) * rng.uniform(0.999, 1.001, (pictures, 16, 1, 1)),
    )
    visibility = np.zeros((pictures, 17), dtype=np.uint8)
    visibility[: pictures // 2, H36M_17.index("left_knee")] = Visibility.COVERED
    return detector_errors(gaussians, affine, joints_px, visibility)


def test_constant_offset_is_found_and_taken_away():
    errors = scene(noise_px=0.5)
    np.testing.assert_allclose(errors.constant_offset[KNEE], [0.015, -0.005], atol=0.001)
    np.testing.assert_allclose(np.delete(errors.constant_offset, KNEE, axis=0), 0.0, atol=0.001)
    assert np.median(errors.error[:, KNEE]) == pytest.approx(np.hypot(0.015, 0.005), abs=0.001)
    assert np.median(errors.centred_error[:, KNEE]) < 0.005


def test_table_counts_by_joint_and_visibility():
    table = error_table(scene())
    assert table["pictures"] == 200
    knee = table["joints"]["left_knee"]
    assert knee["visible_share"] == 0.5
    assert (knee["visible"]["count"], knee["hidden"]["count"], knee["all"]["count"]) == (100, 100, 200)
    assert table["joints"]["right_knee"]["hidden"] == {"count": 0}
    assert table["visibility"]["covered"]["count"] == 100
    assert table["visibility"]["visible"]["count"] == 16 * 200 - 100
    assert "outside" not in table["visibility"]
    assert knee["all"]["median_sigma_cell"] == pytest.approx(8.0**0.25, rel=1e-3)
    # Rayleigh's median for noise of 2 px of 200
    assert table["joints"]["right_wrist"]["all"]["median_error_percent"] == pytest.approx(1.177, rel=0.15)


def test_spearman_agrees_with_scipy_also_with_ties():
    rng = np.random.default_rng(1)
    first = rng.integers(0, 10, 300).astype(float)
    second = first + rng.normal(0.0, 3.0, 300)
    assert spearman(first, second) == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)
