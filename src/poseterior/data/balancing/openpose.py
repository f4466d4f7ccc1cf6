"""2D keypoints in OpenPose's JSON files, of its 25-joint models (one file per frame, a list of people)."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
from jaxtyping import Float

from poseterior.data.balancing.text import read_text
from poseterior.errors import InputError

BODY_25B = (
    "Nose",
    "LEye",
    "REye",
    "LEar",
    "REar",
    "LShoulder",
    "RShoulder",
    "LElbow",
    "RElbow",
    "LWrist",
    "RWrist",
    "LHip",
    "RHip",
    "LKnee",
    "RKnee",
    "LAnkle",
    "RAnkle",
    "Neck",
    "Head",
    "LBigToe",
    "LSmallToe",
    "LHeel",
    "RBigToe",
    "RSmallToe",
    "RHeel",
)
"""The joints of OpenPose's experimental model BODY_25B, under the names that Pose2Sim's markers have."""

MIN_CONFIDENCE = 0.3
"""Below it Pose2Sim does not use a keypoint."""


def read_openpose(path: Path) -> Float[np.ndarray, "people 25 3"]:
    """Keypoints of the file's people: float64, x and y in image pixels and confidence (0 where not seen).

    Raises:
        InputError: missing, not JSON, or a person's `pose_keypoints_2d` is not 75 numbers.
    """
    try:
        content = json.loads(read_text(path, "OpenPose keypoints in JSON"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list):
        raise InputError(f"{path}: people is missing or not a list")
    keypoints = [_keypoints(path, number, person) for number, person in enumerate(people)]
    return np.array(keypoints).reshape(-1, 25, 3)


def _keypoints(path: Path, number: int, person: object) -> Float[np.ndarray, "25 3"]:
    values = person.get("pose_keypoints_2d") if isinstance(person, dict) else None
    if isinstance(values, list) and [type(value) in (int, float) for value in values] == [True] * 75:
        with suppress(OverflowError):  # integers in JSON have no limit
            keypoints = np.array(values, dtype=np.float64)
            if np.isfinite(keypoints).all():
                return keypoints.reshape(25, 3)
    raise InputError(f"{path}: pose_keypoints_2d of person {number} must hold 75 finite numbers")


def nearest_person(
    people: Float[np.ndarray, "people 25 3"], truth_px: Float[np.ndarray, "25 2"]
) -> Float[np.ndarray, "25 3"] | None:
    """The person whose confident keypoints lie nearest to `truth_px` (median distance; NaN where unknown).

    None where nobody has a confident keypoint that the truth knows.
    """
    best, best_px = None, np.inf
    for person in people:
        distances = np.linalg.norm(person[:, :2] - truth_px, axis=1)
        known = (person[:, 2] >= MIN_CONFIDENCE) & np.isfinite(distances)
        if known.any() and (median := float(np.median(distances[known]))) < best_px:
            best, best_px = person, median
    return best
