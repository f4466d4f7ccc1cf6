import numpy as np
import pytest

from poseterior.evaluate.figures.choose import (
    LIMB_ENDS,
    limb_uncertainty,
    lone_uncertain_joint,
    person_is_found,
    spread_out,
)
from poseterior.skeleton import MPII_16

CONFIDENT = 1.3


def covariances(**sigmas):
    """One picture: confident joints but for those named, whose larger sigma is given in confident ones."""
    covariance = np.tile(CONFIDENT**2 * np.eye(2), (16, 1, 1))
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    for joint, sigma in sigmas.items():
        long = np.diag([(sigma * CONFIDENT) ** 2, CONFIDENT**2])
        covariance[MPII_16.index(joint)] = turn @ long @ turn.T
    return covariance


def test_limb_uncertainty_is_the_mean_larger_sigma_of_limbs_clipped_at_five():
    pictures = np.stack(
        [covariances(), covariances(left_wrist=3.0, head=4.0), covariances(left_wrist=3.0, right_knee=40.0)]
    )
    assert len(LIMB_ENDS) == 8
    expected = [1.0, (7 + 3.0) / 8, (6 + 3.0 + 5.0) / 8]
    np.testing.assert_allclose(limb_uncertainty(pictures, CONFIDENT), expected)


def test_a_person_is_lost_where_most_joints_are_uncertain():
    half = dict.fromkeys(MPII_16[:7], 9.0)
    most = dict.fromkeys(MPII_16[:9], 9.0)
    pictures = np.stack([covariances(**half), covariances(**most)])
    assert person_is_found(pictures, CONFIDENT).tolist() == [True, False]


def test_only_one_joint_may_be_uncertain_and_not_beyond_the_clip():
    pictures = np.stack(
        [
            covariances(left_knee=3.0),
            covariances(left_knee=3.0, head=1.6),
            covariances(left_knee=5.1),
            covariances(left_knee=2.4),
            covariances(right_knee=3.0),
        ]
    )
    np.testing.assert_allclose(lone_uncertain_joint(pictures, CONFIDENT, "left_knee"), [3.0, 0, 0, 0, 0])


def test_cameras_take_turns_and_frames_keep_apart():
    camera = ["a", "a", "a", "b", "b", "a"]
    frame = np.array([0, 9, 10, 0, 40, 50])
    score = np.array([9.0, 8.0, 7.0, 1.0, 2.0, 6.0])
    # the best of a, then the best of b, then a again but not frame 9, then what b has left, then the last of a
    assert spread_out(score, camera, frame, 5) == [0, 4, 2, 3, 5]
    assert spread_out(score, camera, frame, 2) == [0, 4]
    # nothing is left but frame 9, which is too close to both
    assert spread_out(score, camera, frame, 99) == [0, 4, 2, 3, 5]
    assert 1 in spread_out(score, camera, frame, 99, apart=1)


@pytest.mark.parametrize("count", [0, 1])
def test_equal_scores_are_taken_in_order(count):
    assert spread_out(np.zeros(4), ["a"] * 4, np.arange(4) * 20, count) == list(range(count))
