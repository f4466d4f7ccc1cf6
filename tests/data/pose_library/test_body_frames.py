import numpy as np
from _people import moving, standing
from scipy.spatial.transform import Rotation

from poseterior.data.pose_library.body_frames import chest_frame, cross, mirror, pelvis_frame, unit, unswung
from poseterior.data.simulated.body_shape import bone_directions
from poseterior.skeleton import H36M_17, mirror_indices


def test_frames_turn_with_the_body_and_are_rotations():
    poses = moving(20)
    turn = Rotation.random(random_state=0).as_matrix()
    for frame in (pelvis_frame, chest_frame):
        axes = frame(poses)
        np.testing.assert_allclose(
            axes @ np.swapaxes(axes, -1, -2), np.broadcast_to(np.eye(3), axes.shape), atol=1e-12
        )
        np.testing.assert_allclose(np.linalg.det(axes), 1.0, atol=1e-12)
        np.testing.assert_allclose(frame(poses @ turn.T), turn @ axes, atol=1e-12)
        np.testing.assert_allclose(frame(standing()), np.eye(3), atol=0.06)


def test_unswung_is_the_shortest_turn():
    rng = np.random.default_rng(0)
    direction, rest = unit(rng.normal(size=(2, 3)))
    vectors = rng.normal(size=(5, 3))
    axis = np.cross(direction, rest)
    angle = np.arctan2(np.linalg.norm(axis), direction @ rest)
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle)
    np.testing.assert_allclose(
        unswung(vectors, np.broadcast_to(direction, (5, 3)), rest), turn.apply(vectors), atol=1e-12
    )
    np.testing.assert_allclose(unswung(direction, direction, rest), rest, atol=1e-12)


def test_mirroring_directions_is_mirroring_joints_with_sides_swapped():
    joints = np.random.default_rng(0).normal(size=(30, 17, 3))
    joints[:, 0] = (joints[:, 1] + joints[:, 4]) / 2
    by_joints = (joints * [-1, 1, 1])[:, mirror_indices(H36M_17)]
    np.testing.assert_allclose(mirror(bone_directions(joints)), bone_directions(by_joints), atol=1e-6)


def test_mirror_twice_is_the_pose_itself_and_cross_is_numpys():
    poses = moving(4)
    assert np.abs(mirror(poses) - poses).max() > 0.1
    np.testing.assert_array_equal(mirror(mirror(poses)), poses)
    np.testing.assert_allclose(cross(poses, poses[::-1]), np.cross(poses, poses[::-1]), atol=1e-12)
