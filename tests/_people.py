"""Made-up motion: people who stand, lift their knees and move their arms in front of them."""

import numpy as np

from poseterior.data.motion import Motion
from poseterior.data.pose_library.articulation import left_leg
from poseterior.data.pose_library.body_frames import BONE, unit
from poseterior.data.simulated.body_shape import assemble, sample_lengths_m

STANDING = {
    "hip": (1.0, 0.0, 0.0),
    "knee": (0.05, -1.0, 0.0),
    "ankle": (0.0, -1.0, -0.05),
    "spine": (0.0, 1.0, 0.0),
    "thorax": (0.0, 1.0, 0.05),
    "neck": (0.0, 0.8, 0.55),
    "head": (0.0, 0.9, -0.3),
    "shoulder": (0.95, -0.3, 0.0),
    "elbow": (0.25, -0.95, 0.0),
    "wrist": (0.1, -0.9, 0.4),
}
"""Left side; x to the left, y up, z forward."""


def standing() -> np.ndarray:
    """Bone directions (16, 3) of someone who stands and faces +z."""
    directions = np.zeros((16, 3))
    for child, bone in BONE.items():
        side = -1.0 if child.startswith("right_") else 1.0
        directions[bone] = np.array(STANDING[child.removeprefix("right_").removeprefix("left_")]) * [
            side,
            1.0,
            1.0,
        ]
    return unit(directions)


def moving(count: int, seed: int = 0) -> np.ndarray:
    """Bone directions (count, 16, 3) of people with knees and arms anywhere in front of them."""
    rng = np.random.default_rng(seed)
    poses = np.repeat(standing()[None], count, axis=0)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for pose in poses:
            flexion, knee = np.radians(rng.uniform(-10, 100)), np.radians(rng.uniform(5, 110))
            thigh, shin = left_leg(flexion, np.radians(rng.uniform(0, 25)), 0.0, knee)
            pose[BONE[f"{side}_knee"]], pose[BONE[f"{side}_ankle"]] = (
                thigh * [sign, 1, 1],
                shin * [sign, 1, 1],
            )
            upper = unit(np.array([rng.uniform(0.2, 1.0), rng.uniform(-1, 0.8), rng.uniform(-0.1, 1)]))
            pose[BONE[f"{side}_elbow"]] = upper * [sign, 1, 1]
            pose[BONE[f"{side}_wrist"]] = unit(upper + rng.uniform(0, 1) * np.array([-0.3, 0.2, 0.8])) * [
                sign,
                1,
                1,
            ]
    return unit(poses + rng.normal(0.0, 0.02, poses.shape))


def motion_of(directions: np.ndarray, name: str = "people", subjects: int = 3) -> Motion:
    """A capture of these poses, each far in time from the others; people of one size."""
    lengths_m = np.repeat(sample_lengths_m(np.random.default_rng(1), 1), len(directions), axis=0)
    count = len(directions)
    return Motion(
        name=name,
        joints_m=assemble(directions, lengths_m).astype(np.float32),
        subject=np.arange(count) * subjects // count,
        clip=np.arange(count),
        frames_per_second=30.0,
    )
