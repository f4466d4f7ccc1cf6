"""What is called how in the test set of MPI-INF-3DHP: sequences, settings, activities, joints.

Source: Mehta et al., "Monocular 3D human pose estimation in the wild", 3DV 2017, and the test set's own utilities.
"""

from __future__ import annotations

from poseterior.skeleton import H36M_17, indices_of

SETTING_OF = {
    "TS1": "green screen",
    "TS2": "green screen",
    "TS3": "no green screen",
    "TS4": "no green screen",
    "TS5": "outdoor",
    "TS6": "outdoor",
}
"""Sequence -> where it was filmed (METHOD section 5)."""
SEQUENCES = tuple(SETTING_OF)

ACTIVITIES = (
    "standing or walking",
    "exercise",
    "sitting on a chair",
    "reaching or crouching",
    "on the floor",
    "sports",
    "miscellaneous",
)
"""Of `activity_annotation`, which counts from 1."""

VALID_FRAMES = 2929
"""Of all six sequences."""

JOINTS = (
    "head",
    "thorax",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "pelvis",
    "spine",
    "neck",
)
"""The test set's 17 joints under Human3.6M-17's names: its "head_top" is our head (the top of the head), its "neck"
our thorax, its "head" our neck (neck/nose)."""

H36M_IN_JOINTS = indices_of(H36M_17, JOINTS)
"""[14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]."""
