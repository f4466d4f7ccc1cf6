"""Pose2Sim's TOML calibration: values arrive, what is wrong is named."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poseterior.data.balancing import read_calibration
from poseterior.errors import InputError

GOOD = """\
[cam_01]
name = "left"
size = [ 1088.0, 1920.0]
matrix = [ [ 1681.25, 0.0, 532.5], [ 0.0, 1681.0, 948.125], [ 0.0, 0.0, 1.0]]
distortions = [ -0.0007, 0.0021, 9.5e-06, 1.0e-05]
rotation = [ 1.688, 1.048, -0.419]
translation = [ 0.321, 0.956, 2.89]
fisheye = false

[cam_02]
name = "right"
size = [ 640, 480]
matrix = [ [ 800, 0, 320], [ 0, 800, 240], [ 0, 0, 1]]
distortions = [ 0, 0, 0, 0]
rotation = [ 0, 0, 0]
translation = [ 0, 0, 0]

[metadata]
adjusted = false
error = 0.0
"""


def written(tmp_path, text):
    path = tmp_path / "calib.toml"
    path.write_text(text)
    return path


def test_reads_cameras_in_order(tmp_path):
    cameras = read_calibration(written(tmp_path, GOOD))
    assert list(cameras) == ["left", "right"]
    left = cameras["left"]
    assert (left.width_px, left.height_px) == (1088, 1920)
    np.testing.assert_array_equal(left.matrix, [[1681.25, 0, 532.5], [0, 1681, 948.125], [0, 0, 1]])
    np.testing.assert_array_equal(left.distortion, [-0.0007, 0.0021, 9.5e-06, 1.0e-05])
    rotation = Rotation.from_rotvec([1.688, 1.048, -0.419])
    np.testing.assert_allclose(left.camera_from_world[:3, :3], rotation.as_matrix(), atol=1e-14)
    world_m = np.array([0.2, -0.4, 1.1])
    np.testing.assert_allclose(
        left.to_camera(world_m), rotation.apply(world_m) + np.array([0.321, 0.956, 2.89]), atol=1e-14
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "left"\n', "", "camera cam_01: name is missing"),
        ("size = [ 1088.0, 1920.0]\n", "", "camera cam_01: size is missing"),
        ("[ 1088.0, 1920.0]", "[ 1088.5, 1920.0]", r"camera cam_01: size is \[1088.5, 1920.0\]; expected"),
        ("[ 1088.0, 1920.0]", '"large"', "camera cam_01: size must hold 2 finite numbers"),
        ("[ 0.0, 1681.0, 948.125]", "[ 0.0, 1681.0]", "camera cam_01: matrix must hold 3 x 3 finite numbers"),
        ("[ 0.0, 0.0, 1.0]]", "[ 0.0, 0.1, 1.0]]", "camera cam_01: matrix is not"),
        ("1681.25", "-1681.25", "camera cam_01: matrix is not"),
        (", 1.0e-05]", "]", "camera cam_01: distortions must hold 4 finite numbers"),
        ("1.688", "nan", "camera cam_01: rotation must hold 3 finite numbers"),
        ("[ 0.321, 0.956, 2.89]", "[ true, true, true]", "camera cam_01: translation must hold 3 finite"),
        ("fisheye = false", "fisheye = true", "camera cam_01: fisheye is not false"),
        ('"right"', '"left"', "two cameras are named 'left'"),
        ("[cam_01]", "cam_00 = 3\n[cam_01]", "camera cam_00: expected a table"),
        ("[cam_01]", "[cam_01", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, said):
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"calib\.toml.*{said}") as caught:
        read_calibration(path)
    assert "\n" not in str(caught.value)


def test_no_camera(tmp_path):
    with pytest.raises(InputError, match="holds no camera"):
        read_calibration(written(tmp_path, "[metadata]\nerror = 0.0\n"))


def test_no_file_a_folder_and_bytes(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.toml does not exist; expected a camera calibration"):
        read_calibration(tmp_path / "nothing.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_calibration(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match=r"bytes\.toml is not text"):
        read_calibration(tmp_path / "bytes.toml")
