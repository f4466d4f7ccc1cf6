import numpy as np

from poseterior.data.synthesis.mesh import OTHER_ID, PERSON_ID, WORN_ID
from poseterior.data.synthesis.visibility import Visibility, joint_visibility
from poseterior.skeleton import H36M_17

SIZE = 40
KNEE, WRIST = H36M_17.index("left_knee"), H36M_17.index("right_wrist")


def look(*, depth_of_knee=2.95, owner=PERSON_ID, obstacle=0.0, at=(20.0, 20.0)):
    """All joints at z = 3 m at one pixel, whose surface lies at `depth_of_knee`."""
    depth = np.full((SIZE, SIZE), np.inf, dtype=np.float32)
    ids = np.zeros((SIZE, SIZE), dtype=np.uint8)
    depth[20, 20], ids[20, 20] = depth_of_knee, owner
    covered = np.zeros((SIZE, SIZE), dtype=np.float32)
    covered[20, 20] = obstacle
    joints_m = np.tile([0.0, 0.0, 3.0], (17, 1))
    joints_px = np.tile(np.array(at), (17, 1))
    return joint_visibility(joints_m, joints_px, depth, ids, covered)


def test_joint_under_its_own_skin_is_visible():
    assert look()[KNEE] == Visibility.VISIBLE


def test_joint_behind_another_part_of_the_body_is_self_occluded():
    assert look(depth_of_knee=2.7)[KNEE] == Visibility.SELF_OCCLUDED


def test_joint_behind_something_else_is_covered():
    assert look(depth_of_knee=2.7, owner=OTHER_ID)[KNEE] == Visibility.COVERED
    assert look(depth_of_knee=2.7, owner=WORN_ID)[KNEE] == Visibility.COVERED


def test_cloth_over_a_joint_does_not_hide_it():
    assert look(depth_of_knee=2.93, owner=WORN_ID)[KNEE] == Visibility.VISIBLE


def test_obstacle_covers_where_it_is_opaque():
    assert look(obstacle=0.9)[KNEE] == Visibility.COVERED
    assert look(obstacle=0.2)[KNEE] == Visibility.VISIBLE


def test_thin_limbs_are_told_apart_by_their_own_thickness():
    seen = look(depth_of_knee=2.91)
    assert seen[KNEE] == Visibility.VISIBLE
    assert seen[WRIST] == Visibility.SELF_OCCLUDED


def test_outside_is_beyond_half_a_pixel_from_the_border():
    for inside in ((-0.4, 20.0), (20.0, 39.4)):
        assert look(at=inside)[KNEE] == Visibility.VISIBLE
    for outside in ((-0.6, 20.0), (20.0, 39.6), (500.0, 20.0), (20.0, -300.0)):
        assert (look(at=outside) == Visibility.OUTSIDE).all()


def test_nothing_in_front_means_visible():
    assert (look(at=(5.0, 5.0)) == Visibility.VISIBLE).all()
