"""MMPose's annotation file: camera-frame metres, projections, squares of 200 px times scale."""

import numpy as np
import pytest

from poseterior.data.h36m import load_h36m_mmpose
from poseterior.errors import InputError

MPII = [3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13]
NAMES = [
    "S9/S9_Directions_1.54138969/S9_Directions_1.54138969_000001.jpg",
    "S9/S9_Directions_1.54138969/S9_Directions_1.54138969_000006.jpg",
    "S11/S11_TakingPhoto.60457274/S11_TakingPhoto.60457274_000011.jpg",
]


def annotations():
    rng = np.random.default_rng(0)
    joints_m = rng.normal(0, 0.4, (3, 17, 3)) + np.array([0.3, -0.2, 4.5])
    pixels = 1145.0 * joints_m[..., :2] / joints_m[..., 2:] + 512
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    return {
        "imgname": np.array(NAMES),
        "center": (low + high) / 2,
        "scale": 1.2 * (high - low).max(axis=1) / 200,
        "part": np.concatenate([pixels, np.ones((3, 17, 1))], axis=2),
        "S": np.concatenate([joints_m, np.ones((3, 17, 1))], axis=2),
    }


def load(tmp_path, fields, **arguments):
    np.savez(tmp_path / "h36m_test.npz", **fields)
    return load_h36m_mmpose(tmp_path, **arguments)


def test_known_numbers_arrive(tmp_path):
    fields = annotations()
    data = load(tmp_path, fields)
    np.testing.assert_array_equal(data.joints_m, fields["S"][..., :3])
    assert data.subject == ("S9", "S9", "S11")
    assert data.action == ("Directions", "Directions", "Photo")
    assert data.camera == ("54138969", "54138969", "60457274")
    assert data.sequence == ("S9 Directions 1", "S9 Directions 1", "S11 TakingPhoto")
    assert data.frame.tolist() == [0, 5, 10]
    assert data.image_path == tuple(NAMES)
    assert data.joints_2d_source == "truth"
    side_px = 200 * fields["scale"]
    pixels = fields["part"][:, MPII, :2]
    cells = 64 * (pixels - fields["center"][:, None]) / side_px[:, None, None] + 31.5
    np.testing.assert_allclose(data.gaussians.mean_cell, cells, atol=1e-9)
    np.testing.assert_allclose(data.metres_per_cell, fields["S"][:, 0, 2] / 1145 * side_px / 64, rtol=1e-9)


def test_every_takes_rows(tmp_path):
    assert load(tmp_path, annotations(), every=2).image_path == (NAMES[0], NAMES[2])


def changed(name, function):
    def change(fields):
        fields[name] = function(fields[name])

    return change


def first_to(value, *index):
    def change(array):
        array = array.copy()
        array[(0, *index)] = value
        return array

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda fields: fields.pop("S"), "S is missing; expected"),
        (lambda fields: fields.pop("imgname"), "imgname is missing"),
        (changed("S", lambda array: array[..., :3]), r"S is of shape \(3, 17, 3\); expected \(3, 17, 4\)"),
        (changed("S", lambda array: array * 1000), "S holds [0-9]+; expected metres"),
        (changed("S", first_to(0.0, 4, 3)), "S of .*_000001.jpg has a joint without truth"),
        (changed("part", first_to(np.nan, 4, 0)), "part holds NaN or infinite values in row 0"),
        (changed("center", lambda array: array[:2]), r"center is of shape \(2, 2\)"),
        (changed("scale", first_to(0.0)), "scale holds values that are not positive"),
        (
            changed("imgname", first_to("S9/S9_Jumping.54138969/x_000001.jpg")),
            "imgname 'S9/S9_Jumping.* names no take",
        ),
        (changed("imgname", lambda array: array.astype(object)), "imgname is missing or not a list of texts"),
    ],
)
def test_says_which_field_is_wrong(tmp_path, change, said):
    fields = annotations()
    change(fields)
    with pytest.raises(InputError, match=rf"h36m_test\.npz: {said}"):
        load(tmp_path, fields)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"split": "val"}, "split is 'val'"), ({"every": 0}, "every is 0; expected at least 1")],
)
def test_says_which_argument_is_wrong(tmp_path, arguments, said):
    with pytest.raises(InputError, match=said):
        load(tmp_path, annotations(), **arguments)
