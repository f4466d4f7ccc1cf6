import numpy as np
import pytest
from _people import moving, standing

from poseterior.data.pose_library.articulation import (
    LEG_POSTURES,
    ArmBank,
    articulated,
    draw_posture,
    left_leg,
    with_new_arms,
    with_posture,
)
from poseterior.data.pose_library.body_frames import BONE, LEG_BONES, UPPER_BONES, chest_frame, pelvis_frame
from poseterior.data.pose_library.joint_limits import JointLimits


def test_left_leg_by_its_angles():
    thigh, shin = left_leg(np.radians(90.0), 0.0, 0.0, np.radians(90.0))
    np.testing.assert_allclose(thigh, [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(shin, [0, -1, 0], atol=1e-12)
    thigh, shin = left_leg(0.0, np.radians(30.0), 0.0, np.radians(90.0))
    np.testing.assert_allclose(thigh, [0.5, -np.sqrt(0.75), 0], atol=1e-12)
    np.testing.assert_allclose(shin, [0, 0, -1], atol=1e-12)
    # turned inwards at the hip, the foot of a bent knee goes to the outside: +x is the body's left
    _, shin = left_leg(np.radians(90.0), 0.0, np.radians(20.0), np.radians(90.0))
    assert abs(shin[0]) == pytest.approx(np.sin(np.radians(20.0)))


@pytest.mark.parametrize("posture", LEG_POSTURES, ids=lambda posture: posture.name)
def test_postures_have_their_angles_and_leave_the_upper_body_on_the_pelvis(posture):
    rng = np.random.default_rng(0)
    base = moving(1)[0]
    for _ in range(40):
        pose = with_posture(rng, base, posture)
        np.testing.assert_allclose(np.linalg.norm(pose, axis=1), 1.0, atol=1e-9)
        in_pelvis = pose @ pelvis_frame(pose)
        np.testing.assert_allclose(
            in_pelvis[UPPER_BONES], (base @ pelvis_frame(base))[UPPER_BONES], atol=1e-9
        )
        for leg, side in enumerate(("left", "right")):
            thigh, shin = in_pelvis[BONE[f"{side}_knee"]], in_pelvis[BONE[f"{side}_ankle"]]
            flexion = np.degrees(np.arctan2(thigh[2], -thigh[1]))
            knee = np.degrees(np.arccos(np.clip(thigh @ shin, -1, 1)))
            out = np.degrees(np.arcsin(thigh[0])) * (1 if side == "left" else -1)
            for value, (low, high) in (
                (flexion, posture.hip_flexion_deg[leg]),
                (knee, posture.knee_flexion_deg[leg]),
                (out, posture.hip_abduction_deg),
            ):
                assert low - 1e-6 <= value <= high + 1e-6


def test_postures_come_in_their_shares():
    rng = np.random.default_rng(0)
    drawn = [draw_posture(rng) for _ in range(4000)]
    sitting = np.mean([posture is LEG_POSTURES[0] for posture in drawn])
    assert np.mean([posture is None for posture in drawn]) == pytest.approx(0.4, abs=0.03)
    assert sitting == pytest.approx(0.6 * 0.45, abs=0.03)
    assert sum(posture.share for posture in LEG_POSTURES) == pytest.approx(1.0)


def test_new_arms_leave_the_rest_and_cover_rare_directions_evenly():
    rng = np.random.default_rng(0)
    # 2,000 arms hang, a few are lifted
    poses = np.concatenate([np.repeat(standing()[None], 1000, axis=0), moving(60)])
    bank, limits = ArmBank.collect(poses), JointLimits.estimate(moving(600))
    base = standing()
    lifted, changed = [], []
    for _ in range(400):
        pose = with_new_arms(rng, base, bank, limits)
        np.testing.assert_array_equal(pose[LEG_BONES], base[LEG_BONES])
        np.testing.assert_allclose(chest_frame(base), np.eye(3), atol=0.06)
        moved = [
            np.abs(pose[BONE[f"{side}_elbow"]] - base[BONE[f"{side}_elbow"]]).max() > 0
            for side in ("left", "right")
        ]
        changed.append(moved)
        lifted += [
            pose[BONE[f"{s}_elbow"], 1] > -0.5 for s, new in zip(("left", "right"), moved, strict=True) if new
        ]
    np.testing.assert_allclose(np.mean(changed, axis=0), 0.75, atol=0.08)
    assert all(any(moved) for moved in changed)
    assert np.mean(lifted) > 0.6


def test_articulated_poses_start_from_the_given_one():
    rng = np.random.default_rng(0)
    poses = moving(200)
    bank, limits = ArmBank.collect(poses), JointLimits.estimate(poses)
    base = standing()
    np.testing.assert_array_equal(articulated(rng, base, None, bank, limits)[LEG_BONES], base[LEG_BONES])
    sitting = [articulated(rng, base, LEG_POSTURES[0], bank, limits) for _ in range(50)]
    kept_arms = [
        np.allclose(
            (pose @ chest_frame(pose))[BONE["left_wrist"]], (base @ chest_frame(base))[BONE["left_wrist"]]
        )
        for pose in sitting
    ]
    assert 0.5 < np.mean(kept_arms) < 0.95
