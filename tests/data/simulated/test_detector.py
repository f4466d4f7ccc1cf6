from dataclasses import replace

import numpy as np
from scipy.stats import spearmanr

from poseterior.data.simulated.detector import LANDMARKS, SimulatedDetector, detect, landmarks_of, to_mpii
from poseterior.heatmaps.derive import mpii_gaussians
from poseterior.skeleton import H36M_17, MPII_16
from poseterior.types import JointGaussians

PLAIN = SimulatedDetector(occluded_share=0.0, cut_off_share=0.0, missing_share=0.0, swapped_share=0.0)
NOISELESS = replace(PLAIN, definition_offset=0.0, error_floor_cells=0.0, clear_error_cells=1e-6)
LIMBS = [
    MPII_16.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("wrist", "elbow", "knee")
]


def _standing(count: int) -> np.ndarray:
    """Landmarks of a person facing the camera, y down."""
    at = {"shoulder": (0.18, -0.5), "elbow": (0.3, -0.25), "wrist": (0.35, 0.0), "hip": (0.1, 0.0)}
    at |= {"knee": (0.12, 0.42), "ankle": (0.13, 0.85), "ear": (0.07, -0.68)}
    points = []
    for name in LANDMARKS:
        side, _, kind = name.partition("_")
        x, y = (0.0, -0.67) if name == "nose" else at[kind]
        points.append((x if side == "left" else -x, y))
    return np.tile(np.array(points), (count, 1, 1))


def _truth(points: np.ndarray) -> np.ndarray:
    """MPII-16 points of exact landmarks."""
    return to_mpii(np.ones(points.shape[:2]), points, np.tile(np.eye(2), (*points.shape[:2], 1, 1))).mean_cell


def _error_and_sigma(
    detector: SimulatedDetector, count: int = 4000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors in cells, widths in cells and amplitudes; the same seed draws the same crops without noise."""
    seen = detect(np.random.default_rng(0), _standing(count), detector)
    truth = detect(np.random.default_rng(0), _standing(count), NOISELESS)
    errors = np.linalg.norm(seen.mean_cell - truth.mean_cell, axis=-1)
    return errors, np.linalg.det(seen.covariance_cell2) ** 0.25, seen.amplitude


def test_derived_joints_and_their_gaussians_are_those_of_the_inference_path():
    rng = np.random.default_rng(0)
    amplitude, mean = rng.uniform(0.0, 1.2, (5, 15)), rng.uniform(0.0, 63.0, (5, 15, 2))
    root = rng.normal(size=(5, 15, 2, 2))
    covariance = root @ np.swapaxes(root, -1, -2) + np.eye(2)
    ours = to_mpii(amplitude, mean, covariance)
    for row in range(5):
        native = JointGaussians(
            LANDMARKS, amplitude[row], mean[row], covariance[row], np.zeros(15), np.zeros(15, dtype=np.uint8)
        )
        theirs = mpii_gaussians(native)
        np.testing.assert_allclose(ours.amplitude[row], theirs.amplitude, rtol=1e-12)
        np.testing.assert_allclose(ours.mean_cell[row], theirs.mean_cell, rtol=1e-12)
        np.testing.assert_allclose(
            ours.covariance_cell2[row], theirs.covariance_cell2, rtol=1e-10, atol=1e-12
        )


def test_without_noise_the_means_are_a_scaled_and_shifted_picture_that_fits_the_map():
    points = _standing(100)
    seen = detect(np.random.default_rng(0), points, NOISELESS)
    truth = _truth(points)
    extent = np.ptp(points, axis=1).max(axis=1)
    for index in range(100):
        mean, expected = seen.mean_cell[index], truth[index]
        scale = np.ptp(mean[:, 1]) / np.ptp(expected[:, 1])
        np.testing.assert_allclose(mean - mean[0], scale * (expected - expected[0]), atol=1e-3)
        assert 28 <= scale * extent[index] <= 52
        # the head is extrapolated, the others lie in the map
        others = np.delete(mean, MPII_16.index("head"), axis=0)
        assert others.min() >= 0.0
        assert others.max() <= 63.0


def test_plain_joints_are_narrow_high_and_within_two_percent_of_the_person():
    errors, sigma, amplitude = _error_and_sigma(PLAIN, 1500)
    assert 1.2 < np.median(sigma[:, LIMBS]) < 1.5
    assert np.median(amplitude[:, LIMBS]) > 0.75
    # cells; the person spans about 42
    assert 0.4 < np.median(errors[:, LIMBS]) < 0.84


def test_wide_heatmaps_are_low_and_mean_large_errors():
    errors, sigma, amplitude = _error_and_sigma(SimulatedDetector(cut_off_share=0.0))
    rank = spearmanr(sigma[:, LIMBS].ravel(), errors[:, LIMBS].ravel()).statistic
    assert rank > 0.35
    assert spearmanr(sigma[:, LIMBS].ravel(), amplitude[:, LIMBS].ravel()).statistic < -0.8
    wide = sigma > 3.0
    assert np.median(errors[:, LIMBS][wide[:, LIMBS]]) > 3 * np.median(errors[:, LIMBS][~wide[:, LIMBS]])


def test_missing_joints_have_next_to_no_amplitude_and_the_width_of_a_map():
    seen = detect(np.random.default_rng(0), _standing(300), replace(PLAIN, missing_share=1.0))
    assert seen.amplitude.max() <= 0.08
    assert np.linalg.det(seen.covariance_cell2).min() ** 0.25 > 5.0


def test_what_hides_a_wrist_often_hides_the_elbow_but_not_the_other_arm():
    seen = detect(np.random.default_rng(0), _standing(6000), SimulatedDetector(cut_off_share=0.0))
    hidden = np.linalg.det(seen.covariance_cell2) ** 0.25 > 2.2

    def given_wrist(name: str) -> float:
        return hidden[hidden[:, MPII_16.index("left_wrist")], MPII_16.index(name)].mean()

    assert given_wrist("left_elbow") > 2 * given_wrist("right_elbow")


def test_a_cut_at_the_border_takes_lower_legs_more_often_than_heads():
    seen = detect(np.random.default_rng(0), _standing(2000), replace(PLAIN, cut_off_share=1.0))
    wide = np.linalg.det(seen.covariance_cell2) ** 0.25 > 2.0
    assert wide[:, MPII_16.index("left_ankle")].mean() > 0.6
    assert wide[:, MPII_16.index("head")].mean() < 0.2


def test_swapped_sides_exchange_means():
    points = _standing(200)
    always = detect(np.random.default_rng(0), points, replace(NOISELESS, swapped_share=1.0)).mean_cell
    left, right = (always[:, MPII_16.index(f"{side}_ankle"), 0] for side in ("left", "right"))
    never = detect(np.random.default_rng(0), points, NOISELESS).mean_cell
    assert (never[:, MPII_16.index("left_ankle"), 0] > never[:, MPII_16.index("right_ankle"), 0]).all()
    assert 0.5 < (left < right).mean() < 0.85


def test_face_landmarks_are_in_front_of_the_head_and_ears_on_their_sides():
    joints = np.zeros((500, 17, 3))
    # facing the camera (camera frame: y down, z away): the left side at +x
    for name, place in {
        "thorax": (0, -0.5, 0),
        "head": (0, -0.8, 0),
        "left_shoulder": (0.18, -0.5, 0),
    }.items():
        joints[:, H36M_17.index(name)] = place
    joints[:, H36M_17.index("right_shoulder")] = (-0.18, -0.5, 0)
    face = landmarks_of(np.random.default_rng(0), joints)
    nose, left_ear, right_ear = (face[:, LANDMARKS.index(n)] for n in ("nose", "left_ear", "right_ear"))
    assert ((nose - (left_ear + right_ear) / 2)[:, 2] < 0).mean() > 0.95
    assert (left_ear[:, 0] > right_ear[:, 0]).mean() > 0.95
    assert (nose[:, 1] > -0.8).mean() > 0.95
