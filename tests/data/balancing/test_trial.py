"""The trial: its files fit together in space and time, in small made-up files and in the real ones."""

import av
import numpy as np
import pytest

from poseterior.data.balancing import load_balancing, read_calibration, read_openpose, read_trc
from poseterior.data.balancing.openpose import BODY_25B, MIN_CONFIDENCE, nearest_person
from poseterior.data.balancing.trial import (
    CALIBRATION_ASSET,
    MARKERS_ASSET,
    MARKERS_OF_JOINT,
    VIDEO_ASSETS,
    balancing_trial,
    world_from_marker_axes,
)
from poseterior.errors import InputError, NoPersonError
from poseterior.skeleton import H36M_17, MPII_16, indices_of

MARKERS = sorted({part for parts in MARKERS_OF_JOINT.values() for part in parts})
NUM_FRAMES = 5
CALIBRATION = """\
[cam_01]
name = "cam_01"
size = [ 64, 96]
matrix = [ [ 80.0, 0.0, 31.5], [ 0.0, 80.0, 47.5], [ 0.0, 0.0, 1.0]]
distortions = [ 0.0, 0.0, 0.0, 0.0]
rotation = [ 0.0, 0.0, 0.0]
translation = [ 0.0, 0.0, 4.0]
"""


def world_m():
    return np.random.default_rng(3).uniform(-0.5, 0.5, (NUM_FRAMES, len(MARKERS), 3))


def write_trc(path, positions):
    """`positions` in the file's axes."""
    lines = [
        "PathFileType\t4\t(X/Y/Z)\ttest.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits",
        f"60\t60\t{len(positions)}\t{len(MARKERS)}\tm",
        "Frame#\tTime\t" + "\t\t\t".join(MARKERS) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{k + 1}" for k in range(len(MARKERS)) for axis in "XYZ"),
    ]
    for k, frame in enumerate(positions):
        numbers = "\t".join(repr(float(value)) for value in frame.ravel())
        lines.append(f"{k + 1}\t{(k + 1) / 60}\t{numbers}")
    path.write_text("\n".join(lines) + "\n")


def write_video(path, num_frames=NUM_FRAMES, width=64, height=96):
    """Frame k is 40 k grey."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=60)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for k in range(num_frames):
            grey = np.full((height, width, 3), 40 * k, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture
def files(tmp_path):
    """calibration, markers, videos of a tiny trial."""
    (tmp_path / "calib.toml").write_text(CALIBRATION)
    write_trc(tmp_path / "markers.trc", world_m()[..., [1, 2, 0]])
    write_video(tmp_path / "cam01.mp4")
    return tmp_path / "calib.toml", tmp_path / "markers.trc", {"cam_01": tmp_path / "cam01.mp4"}


def expected_joint(name, line):
    """Camera frame, from the definition: the camera looks along world z from 4 m away."""
    parts = [world_m()[line, MARKERS.index(part)] for part in MARKERS_OF_JOINT[name]]
    return np.mean(parts, axis=0) + np.array([0.0, 0.0, 4.0])


def test_joints_are_means_of_markers_in_the_camera_frame_one_line_earlier(files):
    trial = balancing_trial(*files)
    assert trial.frames_per_second == 60.0
    assert [name for name, known in zip(H36M_17, trial.has_joint, strict=True) if not known] == ["spine"]
    samples = list(trial.samples())
    assert [sample.frame_index for sample in samples] == [1, 2, 3, 4]
    for sample in samples:
        for j, name in enumerate(H36M_17):
            if name == "spine":
                assert not sample.joints_m[j].any() and not sample.joints_px[j].any()
                continue
            x, y, z = expected_joint(name, sample.frame_index - 1)
            np.testing.assert_allclose(sample.joints_m[j], [x, y, z], atol=1e-12)
            np.testing.assert_allclose(
                sample.joints_px[j], [80 * x / z + 31.5, 80 * y / z + 47.5], atol=1e-10
            )


def test_sides_are_not_mixed_up():
    assert MARKERS_OF_JOINT["left_wrist"] == ("LWrist",)
    assert MARKERS_OF_JOINT["right_hip"] == ("RHip",)
    assert set(MARKERS_OF_JOINT) == set(H36M_17) - {"spine"}


def test_pictures_are_the_right_frames(files):
    trial = balancing_trial(*files)
    seen = [(sample.frame_index, float(image.mean())) for sample, image in trial.pictures(step=2)]
    assert [index for index, _ in seen] == [1, 3]
    np.testing.assert_allclose([grey for _, grey in seen], [40, 120], atol=3)
    sample = list(trial.samples())[2]
    np.testing.assert_allclose(sample.read_image().mean(), 40 * sample.frame_index, atol=3)


def test_a_scaled_video_has_a_scaled_camera(files):
    calibration, markers, videos = files
    whole = balancing_trial(calibration, markers, videos).views[0]
    write_video(videos["cam_01"], width=32, height=96)
    half = balancing_trial(calibration, markers, videos).views[0]
    assert (half.camera.width_px, half.camera.height_px) == (32, 96)
    known = np.array([name != "spine" for name in H36M_17])
    expected = (whole.joints_px[:, known] + 0.5) / 2 - 0.5 + [0.0, 24.0]
    np.testing.assert_allclose(half.joints_px[:, known], expected, atol=1e-10)
    np.testing.assert_array_equal(half.joints_m, whole.joints_m)


def test_a_short_video_is_refused(files):
    calibration, markers, videos = files
    write_video(videos["cam_01"], num_frames=3)
    with pytest.raises(InputError, match=r"cam01\.mp4 has no frame 3; expected frames up to 4"):
        list(balancing_trial(calibration, markers, videos).pictures())


def test_a_camera_that_is_not_calibrated_is_refused(files):
    calibration, markers, videos = files
    with pytest.raises(InputError, match=r"calib\.toml has no camera 'cam_02'; it has cam_01"):
        balancing_trial(calibration, markers, {"cam_02": videos["cam_01"]})


def test_missing_and_gappy_markers_are_refused(files):
    calibration, markers, videos = files
    text = markers.read_text()
    markers.write_text(text.replace("Nose", "Chin"))
    with pytest.raises(InputError, match=r"markers\.trc: there is no marker 'Nose'"):
        balancing_trial(calibration, markers, videos)
    lines = text.splitlines()
    cells = lines[7].split("\t")
    cells[2 + 3 * MARKERS.index("Head")] = ""
    markers.write_text("\n".join([*lines[:7], "\t".join(cells), *lines[8:]]))
    with pytest.raises(InputError, match=r"markers\.trc: marker Head has no position in frame 2"):
        balancing_trial(calibration, markers, videos)


@pytest.fixture(scope="module")
def real_trial(asset):
    for name in (CALIBRATION_ASSET, MARKERS_ASSET, *VIDEO_ASSETS.values()):
        asset(name)
    return load_balancing()


def test_the_real_trial_stands_upright_in_front_of_its_cameras(real_trial):
    assert [len(view.frame_indices) for view in real_trial.views] == [99] * 4
    assert [view.camera.width_px for view in real_trial.views] == [1080, 1080, 1088, 1088]
    for view in real_trial.views:
        head, hips = (view.joints_m[:, H36M_17.index(name)] for name in ("head", "pelvis"))
        assert (head[:, 1] < hips[:, 1] - 0.15).all()  # y down, also where he leans far over
        assert (view.joints_m[:, real_trial.has_joint, 2] > 2).all()
        assert (view.joints_m[:, real_trial.has_joint, 2] < 5).all()
        assert (view.joints_px > -1).all()
        assert (view.joints_px < [view.camera.width_px, view.camera.height_px]).all()
        thigh_m = view.joints_m[:, H36M_17.index("left_hip")] - view.joints_m[:, H36M_17.index("left_knee")]
        assert np.linalg.norm(thigh_m, axis=1).mean() == pytest.approx(0.417, abs=0.005)


def test_the_real_markers_are_where_openpose_saw_them_and_when(asset):
    """An oracle for axes, calibration and time: 2D joints of another program in frame 60 of every camera."""
    cameras = read_calibration(asset(CALIBRATION_ASSET))
    markers = read_trc(asset(MARKERS_ASSET))
    world = world_from_marker_axes(markers.positions_m)
    known = [BODY_25B.index(name) for name in markers.names]
    distances = {}
    for name, camera in cameras.items():
        people = read_openpose(asset(f"balancing_{name.replace('_', '')}_0060.json"))
        for shift in range(-3, 4):
            truth_px = np.full((25, 2), np.nan)
            truth_px[known] = camera.project(camera.to_camera(world[60 + shift]))
            person = nearest_person(people, truth_px)
            offset = (person[:, :2] - truth_px)[
                (person[:, 2] >= MIN_CONFIDENCE) & np.isfinite(truth_px[:, 0])
            ]
            distances[name, shift] = float(
                np.median(np.linalg.norm(offset - np.median(offset, axis=0), axis=1))
            )
            if shift == 0:
                # a pixel is 2 mm; the calibration does not quite fit the videos and shifts whole views
                assert np.median(np.linalg.norm(offset, axis=1)) < 40.0
                assert distances[name, 0] < 15.0
    for name in cameras:
        assert min(range(-3, 4), key=lambda shift: distances[name, shift]) == 0, distances


def test_the_real_pictures_show_the_moment_of_their_truth(real_trial, detector):
    """The detector's joints fit the truth of the picture better than that of two frames earlier or later."""
    kept = tuple(name for name in MPII_16 if name.endswith(("wrist", "elbow", "knee", "ankle")))
    errors = {shift: [] for shift in (-2, 0, 2)}
    for view in real_trial.views[1:3]:
        rows = {sample.frame_index: sample for sample in real_trial.samples() if sample.camera is view.camera}
        for index in (20, 27, 61, 84):
            try:
                detection = detector.detect(rows[index].read_image())
            except NoPersonError:
                continue
            fitted = detection.gaussians.mean_px[indices_of(kept, MPII_16)]
            for shift, values in errors.items():
                truth = view.joints_px[index - 1 + shift, indices_of(kept, H36M_17)]
                values.append(fitted - truth - np.median(fitted - truth, axis=0))
    medians = {
        shift: np.median(np.linalg.norm(np.stack(values), axis=-1)) for shift, values in errors.items()
    }
    assert medians[0] < 0.8 * min(medians[-2], medians[2]), medians
    assert medians[0] < 20.0
