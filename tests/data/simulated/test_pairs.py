import numpy as np

from poseterior.data.motion import Motion
from poseterior.data.simulated.pairs import PairsConfig, PairStream
from poseterior.data.simulated.poses import PosePool, pose_pool
from poseterior.geometry.normalise import pose_from_vector
from poseterior.skeleton import H36M_17

CONFIG = PairsConfig(sigma_confident_cells=1.23)


def _pool() -> PosePool:
    """A person who stands with arms hanging, and moves a little."""
    at = {"pelvis": (0, 0, 0), "spine": (0, 0.25, 0), "thorax": (0, 0.5, 0), "neck": (0, 0.6, 0.05)}
    at |= {
        "head": (0, 0.75, 0.02),
        "hip": (0.1, 0, 0),
        "knee": (0.11, -0.42, 0.02),
        "ankle": (0.11, -0.85, 0),
    }
    at |= {"shoulder": (0.16, 0.47, 0), "elbow": (0.2, 0.2, 0), "wrist": (0.2, -0.05, 0.1)}
    joints = np.zeros((200, 17, 3), dtype=np.float32)
    for index, name in enumerate(H36M_17):
        x, y, z = at[name.split("_")[-1]]
        joints[:, index] = (-x if "right" in name else x, y, z)
    joints += np.random.default_rng(0).normal(0.0, 0.05, joints.shape).astype(np.float32)
    number = np.zeros(200, dtype=np.int64)
    return pose_pool([(Motion("standing", joints, number, number, 30.0), 1.0)], cells=4)


def test_batches_follow_from_seed_and_number_alone():
    pool = _pool()
    stream = PairStream(pool, CONFIG, 32, seed=3)
    later, first = stream.batch(7), stream.batch(0)
    again = PairStream(pool, CONFIG, 32, seed=3).batch(7)
    np.testing.assert_array_equal(later.x, again.x)
    np.testing.assert_array_equal(later.condition, again.condition)
    assert np.abs(later.x - first.x).max() > 0.1
    assert np.abs(PairStream(pool, CONFIG, 32, seed=4).batch(7).x - later.x).max() > 0.1


def test_pairs_are_what_the_flow_expects():
    pairs = PairStream(_pool(), CONFIG, 2000, seed=0).batch(0)
    assert (pairs.x.dtype, pairs.y.dtype, pairs.condition.dtype) == (np.float32,) * 3
    np.testing.assert_allclose(pairs.x.reshape(-1, 3, 16).mean(axis=2), 0.0, atol=1e-6)
    np.testing.assert_allclose(pairs.y.reshape(-1, 2, 16).mean(axis=2), 0.0, atol=1e-5)
    np.testing.assert_allclose(pairs.y.std(axis=1), 1.0, atol=1e-4)
    assert np.isfinite(pairs.condition).all()
    # metres: people are 1.3 to 2.1 m tall, and upright in most pictures
    pose = pose_from_vector(pairs.x.astype(np.float64))
    height = np.ptp(pose[..., 1], axis=1)
    assert np.quantile(height, 0.05) > 1.1
    assert np.quantile(height, 0.95) < 1.9
    assert (pose[:, H36M_17.index("head"), 1] < 0).mean() > 0.95


def test_the_2d_pose_is_the_projection_of_the_3d_pose():
    pairs = PairStream(_pool(), CONFIG, 2000, seed=0).batch(0)
    x = pairs.x.reshape(-1, 3, 16)
    y = pairs.y.reshape(-1, 2, 16)
    # ankles, the joints farthest apart from the head: both agree on where they are, wherever the camera is
    head_3d, head_2d = 9, 9
    for ankle_3d, ankle_2d in ((2, 0), (5, 5)):
        in_3d = (x[:, :2, head_3d] - x[:, :2, ankle_3d]) / np.linalg.norm(x[:, :2], axis=(1, 2))[:, None]
        in_2d = (y[:, :, head_2d] - y[:, :, ankle_2d]) / np.linalg.norm(y, axis=(1, 2))[:, None]
        assert np.corrcoef(in_3d[:, 0], in_2d[:, 0])[0, 1] > 0.7
        assert np.median(np.abs(in_3d - in_2d)) < 0.1


def test_the_joint_noise_keeps_the_pelvis_between_the_hips_and_poses_off_exact_constraints():
    pairs = PairStream(_pool(), CONFIG, 500, seed=0).batch(0)
    pose = pose_from_vector(pairs.x.astype(np.float64))
    names = ("left_hip", "right_hip", "left_knee", "right_knee")
    left_hip, right_hip, left_knee, right_knee = (pose[:, H36M_17.index(name)] for name in names)
    np.testing.assert_allclose(left_hip, -right_hip, atol=1e-9)
    difference = np.linalg.norm(left_hip - left_knee, axis=1) - np.linalg.norm(right_hip - right_knee, axis=1)
    # 6 mm in each of four ends, and 1 % asymmetry of 41 cm
    assert 0.008 < difference.std() < 0.02
