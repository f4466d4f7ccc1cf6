import numpy as np
import pytest
from _people import moving, standing
from scipy.spatial.transform import Rotation

from poseterior.data.pose_library.body_frames import BONE, chest_frame
from poseterior.data.pose_library.orientation import Turn, draw_turn, reoriented, rotation, turned_about_up


def test_rotation_and_heading_agree_with_scipy():
    axis = np.array([0.6, 0.0, 0.8])
    np.testing.assert_allclose(rotation(axis, 1.2), Rotation.from_rotvec(1.2 * axis).as_matrix(), atol=1e-12)
    turned = turned_about_up(standing(), 0.7)
    np.testing.assert_allclose(turned, Rotation.from_euler("y", 0.7).apply(standing()), atol=1e-12)


def _tilt_deg(pose: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(chest_frame(pose)[1, 1], -1.0, 1.0))))


@pytest.mark.parametrize(
    ("turn", "low", "high"), [(Turn.LIE, 45.0, 135.0), (Turn.LEAN, 8.0, 44.0), (Turn.DIVE, 66.0, 164.0)]
)
def test_each_turn_tilts_the_whole_body_as_far_as_it_should(turn: Turn, low: float, high: float):
    rng = np.random.default_rng(0)
    between = standing() @ standing().T
    for _ in range(100):
        pose = reoriented(rng, standing(), turn)
        if pose is not None:
            assert low < _tilt_deg(pose) < high
            np.testing.assert_allclose(pose @ pose.T, between, atol=1e-9)


def test_people_lie_on_all_sides_and_never_with_limbs_under_the_floor():
    rng = np.random.default_rng(0)
    fronts, lying = [], 0
    for pose in moving(600):
        turned = reoriented(rng, pose, Turn.LIE)
        if turned is not None:
            lying += 1
            fronts.append(chest_frame(turned)[1])
    # on most sides, raised knees would be in the floor
    assert 0.05 < lying / 600 < 0.6
    fronts = np.array(fronts)
    assert (fronts[:, 2] > 0.7).mean() > 0.3
    kneeling_up = standing()
    for side in ("left", "right"):
        kneeling_up[BONE[f"{side}_knee"]] = kneeling_up[BONE[f"{side}_ankle"]] = (0.0, 0.0, 1.0)
    on = [reoriented(rng, kneeling_up, Turn.LIE) for _ in range(200)]
    # legs straight out in front: on the back or the side, not on the front
    assert any(pose is not None for pose in on)
    assert all(chest_frame(pose)[1, 2] > -0.5 for pose in on if pose is not None)


def test_turns_come_in_their_shares():
    rng = np.random.default_rng(0)
    drawn = np.array([draw_turn(rng) for _ in range(3000)])
    np.testing.assert_allclose(np.bincount(drawn) / 3000, [0.55, 0.3, 0.15], atol=0.03)
