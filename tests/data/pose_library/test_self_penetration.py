import numpy as np
import pytest
from _people import standing

from poseterior.data.pose_library.body_frames import BONE, mirror, unit
from poseterior.data.pose_library.self_penetration import MAX_OVERLAP_CAPTURED, deep_penetration


def _with(**bones) -> np.ndarray:
    pose = standing()
    for name, direction in bones.items():
        pose[BONE[name]] = unit(np.array(direction, dtype=np.float64))
    return pose[None]


@pytest.mark.parametrize(
    "pose",
    [
        _with(left_elbow=(0.1, -1, 0), left_wrist=(-0.9, -0.4, 0.05)),  # forearm through the belly
        _with(left_elbow=(-0.9, -0.3, 0.0), left_wrist=(-0.9, 0, 0)),  # upper arm through the chest
        _with(left_elbow=(0.3, 0.8, 0.1), left_wrist=(-1.0, -0.1, 0.1)),  # forearm through the head
        _with(left_knee=(-0.42, -0.9, 0.0), right_knee=(0.42, -0.9, 0.0)),  # thighs through each other
        _with(
            left_knee=(-0.05, -1, 0),
            left_ankle=(-0.4, -0.9, 0),
            right_knee=(0.05, -1, 0),
            right_ankle=(0.4, -0.9, 0),
        ),
    ],
)
def test_limbs_through_the_body_are_found_on_both_sides(pose: np.ndarray):
    assert deep_penetration(pose)[0]
    assert deep_penetration(mirror(pose))[0]
    assert deep_penetration(pose, MAX_OVERLAP_CAPTURED)[0]


@pytest.mark.parametrize(
    "pose",
    [
        _with(),
        _with(left_elbow=(0.1, -1, 0.05), left_wrist=(0.05, -1, 0.1)),  # arms along the body
        _with(left_elbow=(0.3, -0.8, 0.5), left_wrist=(-0.75, 0.1, 0.65)),  # a hand in front of the chest
        _with(left_elbow=(0.5, 0.4, 0.7), left_wrist=(-0.3, 0.8, -0.2)),  # a hand at the head
        _with(
            left_knee=(0.0, -0.1, 1.0),
            left_ankle=(0.0, -1, 0),
            right_knee=(0.0, -0.1, 1.0),
            right_ankle=(0, -1, 0),
        ),
        _with(left_knee=(0.1, 0.5, 0.9), left_ankle=(0.0, -0.8, -0.6)),  # the shin under the seat
        _with(left_knee=(0.1, -0.9, 0.4), left_ankle=(0.05, -0.9, -0.4), right_knee=(-0.1, -0.9, -0.4)),
    ],
)
def test_touching_and_crouching_are_no_fault(pose: np.ndarray):
    assert not deep_penetration(pose)[0]


def test_many_poses_are_judged_as_one_by_one():
    poses = np.concatenate([_with(), _with(left_elbow=(-0.9, -0.3, 0.0))] * 80)
    np.testing.assert_array_equal(deep_penetration(poses), [False, True] * 80)


def test_the_border_is_where_the_balls_overlap_by_half():
    # two shins side by side, 2 * 0.027 wide together: half of it is left between their axes at the border
    apart = np.linspace(0.0, 0.08, 81)
    found = []
    for gap in apart:
        lean = (0.120 - gap) / 2 / 0.242
        side = np.sqrt(1 - lean**2)
        pose = _with(
            left_knee=(-lean, -side, 0),
            right_knee=(lean, -side, 0),
            left_ankle=(0, -1, 0),
            right_ankle=(0, -1, 0),
        )
        found.append(deep_penetration(pose)[0])
    border = apart[found.index(False)]
    assert all(found[: found.index(False)])
    assert not any(found[found.index(False) :])
    # thighs are thicker than shins, and theirs is the border: 2 * 0.037 * (1 - 0.5), at 95 % of the way down
    expected = 0.037 - 0.05 * (0.120 - 0.037) / 0.95
    assert border == pytest.approx(expected, abs=0.0015)
