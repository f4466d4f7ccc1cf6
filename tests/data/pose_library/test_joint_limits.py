import numpy as np
import pytest
from _people import moving, standing
from scipy.spatial.transform import Rotation

from poseterior.data.pose_library.articulation import left_leg
from poseterior.data.pose_library.body_frames import BONE, mirror, unit
from poseterior.data.pose_library.joint_limits import CHECKS, JointLimits


@pytest.fixture(scope="module")
def limits() -> JointLimits:
    return JointLimits.estimate(moving(1500))


def test_other_poses_of_the_same_people_are_allowed_mirrored_and_turned_too(limits: JointLimits):
    poses = moving(400, seed=9)
    assert limits.allow(poses).mean() > 0.97
    np.testing.assert_array_equal(limits.allow(mirror(poses)), limits.allow(poses))
    turn = Rotation.from_euler("YX", [70, 120], degrees=True).as_matrix()
    assert (limits.allow(poses @ turn.T) == limits.allow(poses)).mean() > 0.99


def _with(**bones: np.ndarray) -> np.ndarray:
    pose = standing()
    for name, direction in bones.items():
        pose[BONE[name]] = unit(np.array(direction, dtype=np.float64))
    return pose[None]


@pytest.mark.parametrize(
    ("check", "pose"),
    [
        ("shin", _with(left_ankle=(0.0, -0.5, 0.85))),  # a knee that bends forward
        ("shin", _with(left_ankle=(1.0, -0.1, 0.0))),  # and one that bends sideways
        ("thigh", _with(left_knee=(0.0, -0.3, -0.95), left_ankle=(0.0, -0.3, -0.95))),
        ("upper arm", _with(left_elbow=(-0.6, 0.3, -0.75), left_wrist=(-0.6, 0.3, -0.75))),
        ("forearm", _with(left_wrist=(0.2, -0.3, -0.9))),  # an elbow that bends backwards
        ("collar bone", _with(left_shoulder=(0.3, 0.9, 0.3))),
        ("trunk", _with(thorax=(0.0, -0.2, -1.0))),
        ("neck", _with(neck=(0.0, 0.1, -1.0))),
        ("head", _with(head=(0.0, -1.0, 0.2))),
    ],
)
def test_what_people_cannot_do_is_refused_for_its_reason(limits: JointLimits, check: str, pose: np.ndarray):
    assert limits.allow(standing()[None])[0]
    assert not limits.allow(pose)[0]
    refused = [
        CHECKS[(*range(5), *range(5), *range(5, 9))[index]]
        for index in np.flatnonzero(~limits.checked(pose)[0])
    ]
    assert check in refused


def test_a_twisted_trunk_is_refused(limits: JointLimits):
    twist = Rotation.from_euler("Y", 120, degrees=True).as_matrix()
    pose = standing()
    for child, bone in BONE.items():
        if child.endswith(("shoulder", "elbow", "wrist", "neck", "head")):
            pose[bone] = twist @ pose[bone]
    refused = np.flatnonzero(~limits.checked(pose[None])[0])
    assert refused.tolist() == [10 + CHECKS.index("twist") - CHECKS.index("trunk")]


def test_the_side_to_which_a_knee_bends_depends_on_the_thigh(limits: JointLimits):
    thigh, shin = left_leg(np.radians(90.0), 0.1, 0.0, np.radians(90.0))
    assert limits.allow(_with(left_knee=thigh, left_ankle=shin))[0]
    # the same bend of the knee about the thigh's own axis, outwards
    out = Rotation.from_rotvec(thigh * np.radians(90.0)).apply(shin)
    assert not limits.allow(_with(left_knee=thigh, left_ankle=out))[0]


def test_poses_seen_once_are_no_limits(limits: JointLimits):
    odd = _with(left_ankle=(0.0, -0.5, 0.85))
    with_odd = np.concatenate([moving(1500), odd])
    assert not JointLimits.estimate(with_odd).allow(odd)[0]
    assert JointLimits.estimate(np.concatenate([moving(1500), np.repeat(odd, 3, axis=0)])).allow(odd)[0]
