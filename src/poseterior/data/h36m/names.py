"""What is called how in Human3.6M: subjects, actions, cameras, and the irregular names of the official files.

Sources: file names of the official download; sub-action numbers as the authors' `create_data.py` joins them with
their detections.
"""

from __future__ import annotations

from typing import NamedTuple

SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
"""Subjects by split (METHOD section 5)."""

ACTIONS = (
    "Directions",
    "Discussion",
    "Eating",
    "Greeting",
    "Phoning",
    "Photo",
    "Posing",
    "Purchases",
    "Sitting",
    "SittingDown",
    "Smoking",
    "Waiting",
    "WalkDog",
    "WalkTogether",
    "Walking",
)
SUBACTIONS = ("0", "1")
CAMERAS = ("54138969", "55011271", "58860488", "60457274")


class VideoName(NamedTuple):
    """One video, as the authors' detections name it."""

    subject: str
    action: str
    subaction: str
    camera: str


MISSING_VIDEOS = frozenset(
    {VideoName("S11", "Directions", "0", "54138969"), VideoName("S5", "Waiting", "1", "55011271")}
)
"""The first has no 3D poses; the authors leave out the second."""

OTHER_ACTION_NAMES = {"Photo": ("TakingPhoto",), "WalkDog": ("WalkingDog",)}
"""How the official files call an action too."""

_USUAL_NUMBERS: tuple[int | None, int | None] = (None, 1)
_NUMBERS: dict[tuple[str, str], tuple[int | None, int | None]] = {
    ("S1", "Eating"): (None, 2),
    ("S1", "Sitting"): (2, 1),
    ("S1", "SittingDown"): (None, 2),
    ("S5", "Directions"): (2, 1),
    ("S5", "Discussion"): (3, 2),
    ("S5", "Greeting"): (2, 1),
    ("S5", "Photo"): (None, 2),
    ("S5", "Waiting"): (2, 1),
    ("S6", "Eating"): (2, 1),
    ("S6", "Posing"): (None, 2),
    ("S6", "Sitting"): (2, 1),
    ("S6", "Waiting"): (None, 3),
    ("S7", "Phoning"): (None, 2),
    ("S7", "Waiting"): (2, 1),
    ("S7", "Walking"): (2, 1),
    ("S8", "WalkTogether"): (2, 1),
    ("S9", "Discussion"): (2, 1),
    ("S11", "Discussion"): (2, 1),
    ("S11", "Greeting"): (None, 2),
    ("S11", "Phoning"): (3, 2),
    ("S11", "Smoking"): (None, 2),
}
"""The numbers in the official file names of sub-actions 0 and 1; None where there is no number."""


def official_stems(subject: str, action: str, subaction: str) -> tuple[str, ...]:
    """What the official files of this take may be called, without the camera: ("Photo 2", "TakingPhoto 2")."""
    number = _NUMBERS.get((subject, action), _USUAL_NUMBERS)[SUBACTIONS.index(subaction)]
    suffix = "" if number is None else f" {number}"
    return tuple(name + suffix for name in (action, *OTHER_ACTION_NAMES.get(action, ())))


def action_and_subaction(subject: str, stem: str) -> tuple[str, str] | None:
    """The inverse of `official_stems`; None where no take is called so."""
    for action in ACTIONS:
        for subaction in SUBACTIONS:
            if stem in official_stems(subject, action, subaction):
                return action, subaction
    return None
