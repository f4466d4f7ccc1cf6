"""BlazePose on real pictures: joints on the person, nobody invented, hidden joints uncertain."""

import subprocess
import sys

import numpy as np
import pytest

from poseterior import assets
from poseterior.detect.crop import crop_square, square_around
from poseterior.errors import InputError, ModelError, NoPersonError
from poseterior.skeleton import BLAZEPOSE_33, MPII_16, mirror_indices
from poseterior.types import FitStatus, PersonBox

LIMBS = [BLAZEPOSE_33.index(name) for name in MPII_16 if name in BLAZEPOSE_33]
WOMAN_130 = PersonBox(500.0, 470.0, 460.0, 460.0)

CLICKED_130 = {
    "left_wrist": (666, 712),
    "right_wrist": (785, 712),
    "left_elbow": (705, 654),
    "left_shoulder": (734, 589),
    "left_knee": (744, 807),
    "left_ankle": (768, 902),
    "right_ankle": (684, 893),
    "head": (737, 507),
}
"""Read off an enlargement of the frame by eye; the right knee is left out, where the detector hesitates."""


def joint(gaussians, name, field="mean_px"):
    return getattr(gaussians, field)[gaussians.joint_names.index(name)]


def test_joints_lie_on_the_woman_of_frame_130(detector, demo_frame):
    """Against points read off by eye, good to about 6 px; she is 410 px tall, a cell is 9 px."""
    detection = detector.detect(demo_frame(130))
    distances = {
        name: np.hypot(*(joint(detection.gaussians, name) - point)) for name, point in CLICKED_130.items()
    }
    assert max(distances.values()) < 18, distances
    assert detection.score > 0.9
    assert joint(detection.gaussians, "right_knee", "amplitude") < 0.5
    assert np.isfinite(detection.gaussians.covariance_px2).all()


@pytest.mark.parametrize("pad", [(200, 0), (37, 91)])
def test_joints_move_with_the_picture(detector, demo_frame, pad):
    frame = demo_frame(130)
    padded = np.pad(frame, ((pad[1], 0), (pad[0], 0), (0, 0)), mode="edge")
    before = detector.detect(frame)
    after = detector.detect(padded)
    clear = before.native_gaussians.amplitude > 0.8
    moved = after.native_gaussians.mean_px - before.native_gaussians.mean_px
    cell_px = before.box.width_px / 64
    assert np.abs(np.median(moved[clear] - pad, axis=0)).max() < 0.25 * cell_px


def test_user_box_moves_joints_exactly(detector, demo_frame):
    """With the box given and no search, a whole-pixel shift of the picture shifts the joints exactly."""
    frame = demo_frame(130)
    before = detector.detect(frame, WOMAN_130)
    shifted = PersonBox(WOMAN_130.x_px + 40, WOMAN_130.y_px + 64, 460.0, 460.0)
    after = detector.detect(np.pad(frame, ((64, 0), (40, 0), (0, 0))), shifted)
    np.testing.assert_allclose(
        after.native_gaussians.mean_px - before.native_gaussians.mean_px,
        np.tile((40, 64), (33, 1)),
        atol=1e-3,
    )


@pytest.mark.parametrize("factor", [2, 0.5])
def test_joints_scale_with_the_picture(detector, demo_frame, factor):
    from PIL import Image

    frame = demo_frame(130)
    height, width = frame.shape[:2]
    scaled = np.asarray(Image.fromarray(frame).resize((int(width * factor), int(height * factor))))
    before, after = detector.detect(frame), detector.detect(scaled)
    clear = before.native_gaussians.amplitude > 0.8
    expected = (before.native_gaussians.mean_px + 0.5) * factor - 0.5
    cell_px = before.box.width_px / 64
    error = np.abs(after.native_gaussians.mean_px - expected)[clear] / factor
    assert np.median(error) < 0.3 * cell_px


def test_cells_map_to_pixels_without_a_bias(detector, demo_frame):
    """A mirrored crop must give mirrored joints: the mean of both shows an offset of cells against pixels."""
    model = detector.model
    names = tuple(name.replace("mouth_left", "left_mouth").replace("mouth_right", "right_mouth")
                  for name in BLAZEPOSE_33)  # fmt: skip
    mirror = mirror_indices(names)
    sums = []
    for index, box in [(130, WOMAN_130), (0, PersonBox(444.0, 58.0, 416.0, 416.0))]:
        crop = crop_square(demo_frame(index), square_around(box, 1.25), 256).pixels
        found = [model.heatmaps(pixels[None]) for pixels in (crop, np.ascontiguousarray(crop[:, ::-1]))]
        x = [
            model.crop_from_cell[0, 0] * peak_columns(maps.maps[0]) + model.crop_from_cell[0, 2]
            for maps in found
        ]
        clear = (found[0].maps[0].max((1, 2)) > 0.9) & (found[1].maps[0][mirror].max((1, 2)) > 0.9)
        sums.append((x[0] + x[1][mirror])[clear])
    both = np.concatenate(sums)
    assert len(both) > 20
    # crop pixel u mirrors to 255 - u; a half-cell convention would be off by 2 x 2 pixels here
    assert abs(np.median(both) - 255) < 1.5


def peak_columns(maps):
    """Centre of mass of the columns near each map's peak, in cells."""
    columns = []
    for heatmap in maps.astype(float):
        row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
        window = heatmap[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4].sum(axis=0)
        columns.append(max(0, column - 3) + (window * np.arange(len(window))).sum() / window.sum())
    return np.array(columns)


def test_refinement_is_stable(detector, demo_frame):
    """A sloppy box and a tight one end at the same joints, since both are refined."""
    frame = demo_frame(130)
    ends = []
    for grow in (0.85, 1.0, 1.2):
        side = WOMAN_130.width_px * grow
        x, y = WOMAN_130.centre_px
        detection = detector.detect(frame, PersonBox(x - side / 2 + 15, y - side / 2 - 10, side, side))
        ends.append(detection.native_gaussians.mean_px)
        clear = detection.native_gaussians.amplitude > 0.8
        cell_px = detection.box.width_px / 64
    spread = np.ptp(np.stack(ends), axis=0)[clear]
    assert np.median(spread) < 0.5 * cell_px


@pytest.mark.parametrize(
    ("index", "name", "half_px"), [(0, "left_wrist", 45), (120, "left_wrist", 50), (130, "left_ankle", 60)]
)
def test_covered_joint_is_less_certain(detector, demo_frame, index, name, half_px):
    frame = demo_frame(index)
    seen = detector.detect(frame)
    x, y = joint(seen.gaussians, name).astype(int)
    frame[y - half_px : y + half_px, x - half_px : x + half_px] = 128
    covered = detector.detect(frame)
    assert joint(covered.gaussians, name, "amplitude") < 0.7 * joint(seen.gaussians, name, "amplitude")
    areas = [np.sqrt(np.linalg.det(joint(d.gaussians, name, "covariance_cell2"))) for d in (seen, covered)]
    assert areas[1] > 1.8 * areas[0]


def test_confident_sigma_is_the_profiles(detector, demo_frame):
    sigmas = []
    for index in (0, 70, 130):
        native = detector.detect(demo_frame(index)).native_gaussians
        clear = [i for i in LIMBS if native.amplitude[i] > 0.9]
        sigmas.append(np.log(native.sigma_cell[clear]).mean(axis=1))
    measured = np.exp(np.concatenate(sigmas).mean())
    assert measured == pytest.approx(detector.profile.sigma_confident_cells, rel=0.07)


@pytest.mark.parametrize("name", ["camera.png", "astronaut.png"])
def test_people_cut_off_by_the_picture(detector, photo, name):
    """Both photos end above the knees: the legs must be far less certain than the shoulders."""
    detection = detector.detect(photo(name))
    gaussians = detection.gaussians
    shoulders = [joint(gaussians, f"{side}_shoulder", "sigma_cell").mean() for side in ("left", "right")]
    ankles = [joint(gaussians, f"{side}_ankle", "sigma_cell").mean() for side in ("left", "right")]
    assert min(ankles) > 1.5 * min(shoulders)
    assert joint(gaussians, "head", "amplitude") > 0.3
    assert set(gaussians.status) <= set(map(int, FitStatus))


def test_head_and_shoulder_of_the_cameraman(detector, photo):
    """His bent head spans 155..272 x 62..200; the shoulder's point was read off by eye."""
    gaussians = detector.detect(photo("camera.png")).gaussians
    x, y = joint(gaussians, "head")
    assert 155 < x < 272 and 62 < y < 200
    assert np.hypot(*(joint(gaussians, "right_shoulder") - (92, 170))) < 30


def test_nobody_is_invented(detector, demo_frame, photo):
    """Plain grey, noise, a cat, and the frame in which everybody has left."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    for image in (np.full((480, 640, 3), 128, np.uint8), noise, photo("chelsea.png"), demo_frame(228)):
        with pytest.raises(NoPersonError, match="no person found in holiday: at best a person score of"):
            detector.detect(image, name="holiday")


def test_box_decides_between_two_people(detector, demo_frame):
    frame = demo_frame(70)
    man = detector.detect(frame)
    woman = detector.detect(frame, PersonBox(1200.0, 520.0, 210.0, 420.0))
    assert man.num_candidates == 2
    assert joint(man.gaussians, "pelvis")[0] < 700 and joint(woman.gaussians, "pelvis")[0] > 1200
    with pytest.raises(NoPersonError, match="in the given box of the picture"):
        detector.detect(frame, PersonBox(40.0, 500.0, 300.0, 300.0))
    with pytest.raises(InputError, match="lies outside of the picture"):
        detector.detect(frame, PersonBox(5000.0, 0.0, 10.0, 10.0))


def test_very_small_and_very_long_pictures(detector):
    for height, width in [(16, 16), (16, 3000), (2000, 16)]:
        with pytest.raises(NoPersonError):
            detector.detect(np.full((height, width, 3), 90, np.uint8))


def test_same_picture_same_answer(detector, demo_frame):
    first, second = detector.detect(demo_frame(0)), detector.detect(demo_frame(0))
    np.testing.assert_array_equal(first.gaussians.mean_cell, second.gaussians.mean_cell)
    np.testing.assert_array_equal(first.gaussians.covariance_cell2, second.gaussians.covariance_cell2)


def test_world_landmarks_are_a_person_in_metres(detector, demo_frame):
    crop = crop_square(demo_frame(130), square_around(WOMAN_130, 1.25), 256)
    world = detector.model.world_landmarks_m(crop.pixels[None])[0]
    shin = world[BLAZEPOSE_33.index("left_knee")] - world[BLAZEPOSE_33.index("left_ankle")]
    assert world.shape == (33, 3) and 0.25 < np.linalg.norm(shin) < 0.55
    assert world[BLAZEPOSE_33.index("nose"), 1] < -0.4 < 0.4 < world[BLAZEPOSE_33.index("left_ankle"), 1]


def test_damaged_network_is_one_sentence(tmp_path):
    from poseterior.detect.blazepose import BlazePose

    (tmp_path / "bad.tflite").write_bytes(b"not a model at all" * 10)
    for name in ("bad.tflite", "missing.tflite"):
        with pytest.raises(ModelError, match=rf"{name} is not a TensorFlow Lite model") as raised:
            BlazePose(tmp_path / name)
        assert "\n" not in str(raised.value)


def test_loading_is_silent_and_needs_no_torch(asset):
    path = asset("pose_landmark_full.tflite")
    code = (
        "import sys; from poseterior.detect.blazepose import BlazePose; BlazePose(sys.argv[1]); "
        "sys.stderr.write('kept'); assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "kept")


def test_registry_knows_the_detector_by_its_profiles_name(asset):
    from poseterior.detect.registry import DETECTOR_NAMES, create_detector

    assert DETECTOR_NAMES == ("blazepose-full",)
    asset("pose_landmark_full.tflite"), asset("pose_detection.tflite")
    assert create_detector("blazepose-full").profile.name == "blazepose-full"


def test_unknown_detector_lists_the_known_ones():
    from poseterior.detect.registry import create_detector

    with pytest.raises(InputError, match=r"no detector 'openpose'; the detectors are blazepose-full"):
        create_detector("openpose")


def test_assets_of_the_detector_are_pinned():
    names = {entry.name for entry in assets.ASSETS}
    assert {"pose_landmark_full.tflite", "pose_detection.tflite"} <= names
