"""OpenPose's JSON: people and their 25 joints; the person that matches; what is wrong is named."""

import json

import numpy as np
import pytest

from poseterior.data.balancing.openpose import BODY_25B, nearest_person, read_openpose
from poseterior.errors import InputError


def written(tmp_path, content):
    path = tmp_path / "cam01.0000.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def person(values):
    return {"person_id": [-1], "pose_keypoints_2d": list(values), "face_keypoints_2d": []}


def test_two_people(tmp_path):
    people = [person(range(75)), person([0.5] * 75)]
    keypoints = read_openpose(written(tmp_path, {"version": 1.3, "people": people}))
    assert keypoints.shape == (2, 25, 3)
    np.testing.assert_array_equal(keypoints[0, BODY_25B.index("RKnee")], [42, 43, 44])
    np.testing.assert_array_equal(keypoints[1], 0.5)


def test_nobody(tmp_path):
    assert read_openpose(written(tmp_path, {"people": []})).shape == (0, 25, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"people": [', "is not JSON"),
        ("[1, 2]", "people is missing or not a list"),
        ({"version": 1.3}, "people is missing or not a list"),
        (
            {"people": [person(range(75)), person(range(74))]},
            "pose_keypoints_2d of person 1 must hold 75 finite",
        ),
        ({"people": [{}]}, "pose_keypoints_2d of person 0 must hold 75"),
        ({"people": [3]}, "pose_keypoints_2d of person 0 must hold 75"),
        ({"people": [person([float("nan")] * 75)]}, "pose_keypoints_2d of person 0 must hold 75 finite"),
        ({"people": [person(["1"] * 75)]}, "pose_keypoints_2d of person 0 must hold 75 finite"),
        ({"people": [person([10**400] * 75)]}, "pose_keypoints_2d of person 0 must hold 75 finite"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, said):
    with pytest.raises(InputError, match=rf"cam01\.0000\.json.*{said}"):
        read_openpose(written(tmp_path, content))


def test_nearest_person_by_confident_joints():
    truth_px = np.random.default_rng(0).uniform(0, 500, (25, 2))
    truth_px[3] = np.nan
    near = np.column_stack([truth_px + 2.0, np.full(25, 0.9)])
    near[3, :2], near[5, :2], near[5, 2] = 0.0, 1e4, 0.1
    far = near + np.array([300.0, 0.0, 0.0])
    # sees a single joint, exactly, but without confidence
    unsure = np.column_stack([np.nan_to_num(truth_px), np.full(25, 0.1)])
    np.testing.assert_array_equal(nearest_person(np.stack([far, unsure, near]), truth_px), near)
    assert nearest_person(unsure[None], truth_px) is None
    assert nearest_person(np.zeros((0, 25, 3)), truth_px) is None
