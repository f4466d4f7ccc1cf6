import time
from dataclasses import replace

import numpy as np
from _people import motion_of, moving, standing

from poseterior.data.motion import Motion
from poseterior.data.pose_library.body_frames import BONE, unit
from poseterior.data.pose_library.thinning import thinned
from poseterior.data.simulated.poses import facing_directions


def _difference_deg(motion: Motion) -> np.ndarray:
    """Root mean square chord over bones of all pairs, as an angle; straight from the definition."""
    poses = facing_directions(motion.joints_m).astype(np.float64)
    chord = np.linalg.norm(poses[:, None] - poses[None], axis=-1)
    return np.degrees(2 * np.arcsin(np.sqrt((chord**2).mean(axis=-1)) / 2))


def test_kept_poses_differ_and_every_dropped_one_is_next_to_a_kept_one():
    directions = np.repeat(moving(60), 4, axis=0)
    directions = unit(directions + np.random.default_rng(2).normal(0.0, 0.01, directions.shape))
    motion = motion_of(directions)
    kept = thinned(motion, 8.0)
    index = kept.frame_in_capture
    between = _difference_deg(motion)
    assert 30 < len(index) <= 62
    own = between[np.ix_(index, index)]
    assert own[~np.eye(len(index), dtype=bool)].min() > 7.8
    assert between[:, index].min(axis=1).max() < 8.2
    np.testing.assert_array_equal(kept.joints_m, motion.joints_m[index])


def test_one_who_stands_is_kept_once_and_heading_does_not_matter():
    turned = np.array(
        [
            [np.cos(a) * x + np.sin(a) * z, y, np.cos(a) * z - np.sin(a) * x]
            for a in np.linspace(0, 6, 50)
            for x, y, z in standing()
        ]
    )
    motion = motion_of(turned.reshape(50, 16, 3))
    assert thinned(motion).frame_in_capture.tolist() == [0]


def test_a_slow_movement_is_sampled_at_the_threshold():
    poses = np.repeat(standing()[None], 400, axis=0)
    angle = np.linspace(0.0, np.pi / 2, 400)
    poses[:, BONE["left_elbow"]] = np.stack([np.sin(angle), -np.cos(angle), np.zeros(400)], axis=-1)
    motion = replace(motion_of(poses), clip=np.zeros(400, dtype=np.int64))
    kept = thinned(motion, 5.0)
    # one bone of 16 turns by 90 degrees: the root mean square is a quarter of its chord
    assert 4 <= len(kept.joints_m) <= 6
    assert kept.frame_in_capture[0] == 0
    difference = _difference_deg(kept)
    assert np.diagonal(difference, 1).min() > 4.9


def test_it_is_quick_and_the_same_twice():
    motion = motion_of(np.concatenate([moving(500, seed) for seed in range(8)]))
    start = time.process_time()
    first = thinned(motion)
    assert time.process_time() - start < 10
    np.testing.assert_array_equal(first.frame_in_capture, thinned(motion).frame_in_capture)
