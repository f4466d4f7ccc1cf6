"""The test set of MPI-INF-3DHP from MATLAB 5 and 7.3 files, with annotated and with detected 2D joints."""

from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from poseterior.data.mpi_inf_3dhp import detect_mpi_inf_3dhp, load_mpi_inf_3dhp
from poseterior.data.mpi_inf_3dhp.detections import SequenceDetections, read_detections, write_detections
from poseterior.errors import InputError, NoPersonError
from poseterior.skeleton import H36M_17, MPII_16
from poseterior.types import DetectorProfile

THEIR_JOINTS = """
head_top neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip right_knee
right_ankle left_hip left_knee left_ankle pelvis spine head
""".split()  # noqa: SIM905
SEQUENCES = ["TS1", "TS2", "TS3", "TS4", "TS5", "TS6"]
FRAMES = {name: 4 + row for row, name in enumerate(SEQUENCES)}
PROFILE = DetectorProfile("toy", 64, 64, 1.5, MPII_16)
FOCAL_PX = 1500.0


def ours(name):
    return {"neck": "thorax", "head": "neck", "head_top": "head"}.get(name, name)


ORDER = [[ours(name) for name in THEIR_JOINTS].index(joint) for joint in H36M_17]


def annotations(name):
    """MATLAB's shapes: (axes, 17, 1, frames); frame 1 is not valid, and holds NaN."""
    frames = FRAMES[name]
    rng = np.random.default_rng(int(name[2:]))
    annot3 = rng.normal(0, 300, (frames, 17, 3)) + np.array([200, -100, 3500])
    annot2 = FOCAL_PX * annot3[..., :2] / annot3[..., 2:] + 1024
    annot3[1], annot2[1] = np.nan, np.nan
    valid = np.ones((frames, 1))
    valid[1] = 0
    return {
        "annot2": annot2.transpose(2, 1, 0)[:, :, None],
        "annot3": annot3.transpose(2, 1, 0)[:, :, None],
        "univ_annot3": 0.9 * annot3.transpose(2, 1, 0)[:, :, None],
        "valid_frame": valid,
        "activity_annotation": np.arange(frames)[:, None] % 7 + 1.0,
        "bb_crop": np.zeros((frames, 4)),
    }


def write_matlab_5(path, values):
    savemat(path, values)


def write_matlab_73(path, values):
    """HDF5 behind MATLAB's 512 bytes, axes from the last to the first."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in values.items():
            file.create_dataset(name, data=np.asarray(value).T)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))


WRITERS = {"5": write_matlab_5, "7.3": write_matlab_73}


class Folder:
    def __init__(self, path, writer):
        self.path, self.write = path, writer
        self.values = {name: annotations(name) for name in SEQUENCES}
        for name in SEQUENCES:
            (path / name).mkdir()
            self.save(name)

    def save(self, name):
        self.write(self.path / name / "annot_data.mat", self.values[name])


@pytest.fixture(params=list(WRITERS))
def folder(tmp_path, request):
    return Folder(tmp_path, WRITERS[request.param])


@pytest.fixture
def one_folder(tmp_path):
    return Folder(tmp_path, write_matlab_5)


def valid_rows(name):
    return [0, *range(2, FRAMES[name])]


def truth_of(folder, name, variable):
    return folder.values[name][variable][:, :, 0].transpose(2, 1, 0)[valid_rows(name)][:, ORDER]


@pytest.mark.parametrize("truth", ["univ_annot3", "annot3"])
def test_known_numbers_arrive(folder, truth):
    data = load_mpi_inf_3dhp(folder.path, joints_2d="truth", truth=truth)
    expected_mm = np.concatenate([truth_of(folder, name, truth) for name in SEQUENCES])
    np.testing.assert_allclose(data.joints_m, expected_mm / 1000, rtol=1e-12)
    assert data.sequence == tuple(name for name in SEQUENCES for _ in valid_rows(name))
    assert data.frame.tolist() == [row for name in SEQUENCES for row in valid_rows(name)]
    assert data.image_path[1] == "TS1/imageSequence/img_000003.jpg"
    assert data.action[:3] == ("standing or walking", "sitting on a chair", "reaching or crouching")
    by_sequence = dict(zip(data.sequence, data.extra["setting"].tolist(), strict=True))
    assert by_sequence == {
        "TS1": "green screen",
        "TS2": "green screen",
        "TS3": "no green screen",
        "TS4": "no green screen",
        "TS5": "outdoor",
        "TS6": "outdoor",
    }
    assert data.joints_2d_source == "truth"
    assert f"Truth is {truth}; 33 valid frames" in data.notes[0]


def test_annotated_2d_joints_become_confident_gaussians(one_folder):
    data = load_mpi_inf_3dhp(one_folder.path, joints_2d="truth", truth="annot3", profile=PROFILE)
    pixels = np.concatenate([truth_of(one_folder, name, "annot2") for name in SEQUENCES])
    side_px = 1.25 * np.ptp(pixels, axis=1).max(axis=1)
    middle_px = (pixels.max(axis=1) + pixels.min(axis=1)) / 2
    cells = 64 * (pixels - middle_px[:, None]) / side_px[:, None, None] + 31.5
    in_mpii = [H36M_17.index(name) for name in MPII_16]
    np.testing.assert_allclose(data.gaussians.mean_cell, cells[:, in_mpii], atol=1e-9)
    np.testing.assert_array_equal(data.gaussians.covariance_cell2[3, 5], 2.25 * np.eye(2))
    np.testing.assert_allclose(
        data.metres_per_cell, data.joints_m[:, 0, 2] / FOCAL_PX * side_px / 64, rtol=1e-9
    )
    assert data.profile is PROFILE


def test_some_sequences_are_enough(one_folder):
    data = load_mpi_inf_3dhp(one_folder.path, joints_2d="truth", sequences=("TS5", "TS2"))
    assert list(dict.fromkeys(data.sequence)) == ["TS5", "TS2"]
    assert len(data) == 7 + 4


def test_one_frame_survives_matlabs_dropping_of_axes(folder):
    values = folder.values["TS1"]
    for name in ("annot2", "annot3", "univ_annot3"):
        values[name] = values[name][:, :, 0, 0]
    values["valid_frame"], values["activity_annotation"] = np.array([[1.0]]), np.array([[7.0]])
    folder.save("TS1")
    data = load_mpi_inf_3dhp(folder.path, joints_2d="truth", sequences=("TS1",))
    np.testing.assert_allclose(data.joints_m[0], values["univ_annot3"].T[ORDER] / 1000, rtol=1e-12)
    assert data.action == ("miscellaneous",)


def detections(name, seed=0, profile=PROFILE):
    """In another order than the annotations', with one frame more; nobody found in the last one."""
    rng = np.random.default_rng([seed, int(name[2:])])
    frame = np.array([*range(FRAMES[name])][::-1])
    found = frame != FRAMES[name] - 1
    spread = rng.normal(0, 2, (len(frame), 16, 2, 2))
    affine = np.zeros((len(frame), 2, 3))
    affine[:, 0, 0] = affine[:, 1, 1] = rng.uniform(3, 9, len(frame))
    affine[:, :, 2] = 100.0
    return SequenceDetections(
        profile=profile,
        boxes="detector",
        frame=frame,
        found=found,
        amplitude=rng.uniform(0.5, 1, (len(frame), 16)) * found[:, None],
        mean_cell=rng.uniform(5, 60, (len(frame), 16, 2)) * found[:, None, None],
        covariance_cell2=(spread @ spread.transpose(0, 1, 3, 2) + np.eye(2)) * found[:, None, None, None],
        pixel_from_cell=affine * found[:, None, None],
    )


def test_detections_meet_their_frames(one_folder):
    seen = {name: detections(name) for name in SEQUENCES}
    for name, of_one in seen.items():
        write_detections(of_one, one_folder.path / name / "detections.npz")
    data = load_mpi_inf_3dhp(one_folder.path, truth="annot3")
    # the last frame of each sequence is valid, but nobody was found in it
    kept = [(name, frame) for name in SEQUENCES for frame in valid_rows(name)[:-1]]
    assert list(zip(data.sequence, data.frame.tolist(), strict=True)) == kept
    for row, (name, frame) in enumerate(kept):
        line = seen[name].frame.tolist().index(frame)
        np.testing.assert_array_equal(data.gaussians.amplitude[row], seen[name].amplitude[line])
        np.testing.assert_array_equal(data.gaussians.mean_cell[row], seen[name].mean_cell[line])
        np.testing.assert_array_equal(data.gaussians.covariance_cell2[row], seen[name].covariance_cell2[line])
        expected_m = data.joints_m[row, 0, 2] / FOCAL_PX * seen[name].pixel_from_cell[line, 0, 0]
        np.testing.assert_allclose(data.metres_per_cell[row], expected_m, rtol=1e-9)
        truth_mm = truth_of(one_folder, name, "annot3")[valid_rows(name).index(frame)]
        np.testing.assert_allclose(data.joints_m[row], truth_mm / 1000, rtol=1e-12)
    assert data.profile == PROFILE
    assert data.joints_2d_source == "detector"
    assert any("found nobody in 6 of 33 pictures" in note for note in data.notes)


class ToyDetector:
    """Finds somebody in red pictures; the Gaussians tell which picture and which box it was shown."""

    profile = PROFILE

    def detect(self, image, box=None, *, name="the picture"):
        red, green, _ = image[0, 0].astype(int)
        if red < 128:
            raise NoPersonError(f"no person found in {name}")
        width = -1.0 if box is None else box.width_px
        return SimpleNamespace(
            gaussians=SimpleNamespace(
                amplitude=np.full(16, green / 10.0),
                mean_cell=np.full((16, 2), width),
                covariance_cell2=np.tile(4.0 * np.eye(2), (16, 1, 1)),
                pixel_from_cell=np.array([[5.0, 0, 1], [0, 5.0, 2]]),
            )
        )


@pytest.mark.parametrize("boxes", ["detector", "truth"])
def test_detections_are_made_of_the_valid_frames(one_folder, boxes):
    place = one_folder.path / "TS3" / "imageSequence"
    place.mkdir()
    for number in range(1, FRAMES["TS3"] + 1):
        colour = (200 if number != 4 else 0, number, 0)
        # frame 1 is not valid, and its picture is missing
        if number != 2:
            Image.new("RGB", (40, 30), colour).save(
                place / f"img_{number:06d}.jpg", quality=100, subsampling=0
            )
    told = []
    detect_mpi_inf_3dhp(
        one_folder.path,
        ToyDetector(),
        sequences=("TS3",),
        boxes=boxes,
        report=lambda *line: told.append(line),
    )
    assert told == [("TS3", done, 5) for done in range(1, 6)]
    seen = read_detections(one_folder.path / "TS3" / "detections.npz")
    assert (seen.profile, seen.boxes) == (PROFILE, boxes)
    assert seen.frame.tolist() == [0, 2, 3, 4, 5]
    assert seen.found.tolist() == [True, True, False, True, True]
    np.testing.assert_allclose(10 * seen.amplitude[seen.found, 0], [1, 3, 5, 6], atol=2)
    pixels = truth_of(one_folder, "TS3", "annot2")
    width_px = np.ptp(pixels[..., 0], axis=1) + 0.2 * np.ptp(pixels, axis=1).max(axis=1)
    expected = np.full(5, -1.0) if boxes == "detector" else width_px
    np.testing.assert_allclose(seen.mean_cell[seen.found, 0, 0], expected[seen.found], rtol=1e-12)
    data = load_mpi_inf_3dhp(one_folder.path, sequences=("TS3",))
    assert data.frame.tolist() == [0, 2, 4, 5]
    assert any("shown the box" in note for note in data.notes) == (boxes == "truth")


def changed(name, function):
    def change(values):
        values[name] = function(values[name])

    return change


def at(value, *index):
    def change(array):
        array[index] = value
        return array

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda values: values.pop("univ_annot3"), "variable univ_annot3 is missing"),
        (
            changed("annot2", lambda array: array[:, :14]),
            r"annot2 has shape \(2, 14, 1, 4\); expected \(2, 17, 1, 4\)",
        ),
        (changed("univ_annot3", lambda array: array[..., :3]), r"univ_annot3 has shape \(3, 17, 1, 3\)"),
        (changed("univ_annot3", at(np.nan, 0, 0, 0, 2)), "univ_annot3 of frame 2 .* is NaN"),
        (changed("annot2", at(0.0, ..., 3)), "annot2 of frame 3 .* all zero"),
        (
            changed("activity_annotation", at(9.0, 2, 0)),
            "activity_annotation is 9.0 in frame 2; expected 1 to 7",
        ),
        (
            changed("activity_annotation", lambda array: array[:3]),
            "activity_annotation has 3 frames; expected 4",
        ),
        (changed("valid_frame", lambda array: 0 * array), "valid_frame marks no frame"),
    ],
)
def test_says_which_variable_is_wrong(folder, change, said):
    change(folder.values["TS1"])
    folder.save("TS1")
    with pytest.raises(InputError, match=rf"TS1.annot_data\.mat: {said}"):
        load_mpi_inf_3dhp(folder.path, joints_2d="truth")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"nothing", "is not a readable"),
        (b"\x89HDF\r\n\x1a\n", "is not a readable"),
    ],
)
def test_says_which_file_is_wrong(one_folder, content, said):
    path = one_folder.path / "TS4" / "annot_data.mat"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(InputError, match=rf"TS4.annot_data\.mat {said}"):
        load_mpi_inf_3dhp(one_folder.path, joints_2d="truth")


def rewritten(**fields):
    """The file of TS2 with some arrays replaced, or left out where None."""

    def damage(path):
        with np.load(path) as archive:
            values = {**archive, **fields}
        np.savez(path, **{name: value for name, value in values.items() if value is not None})

    return damage


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "does not exist; make it with"),
        (lambda path: path.write_bytes(b"nothing"), r"is not a readable \.npz"),
        (rewritten(format=np.array("other")), "format is other; expected poseterior-detections-1"),
        (rewritten(profile=np.array("{}")), "profile is not a detector profile"),
        (rewritten(frame=None), "frame is missing"),
        (rewritten(found=np.ones(5)), "found is missing or not a truth value"),
        (
            rewritten(mean_cell=np.zeros((5, 17, 2))),
            r"mean_cell is of shape \(5, 17, 2\); expected \(5, 16, 2\)",
        ),
        (rewritten(amplitude=np.full((5, 16), np.inf)), "amplitude holds NaN or infinite values in row 0"),
        (rewritten(amplitude=np.full((5, 16), None)), r"is not a readable \.npz"),
        (rewritten(frame=np.arange(10, 15)), r"has no entry for frame 0 \(counted from 0\), which is valid"),
    ],
)
def test_says_what_is_wrong_with_detections(one_folder, damage, said):
    for name in ("TS1", "TS2"):
        write_detections(detections(name), one_folder.path / name / "detections.npz")
    damage(one_folder.path / "TS2" / "detections.npz")
    with pytest.raises(InputError, match=rf"TS2.detections\.npz:? {said}"):
        load_mpi_inf_3dhp(one_folder.path, sequences=("TS1", "TS2"))


def test_says_that_two_detectors_do_not_mix(one_folder):
    other = DetectorProfile("other", 64, 64, 2.0, MPII_16)
    write_detections(detections("TS1"), one_folder.path / "TS1" / "detections.npz")
    write_detections(detections("TS2", profile=other), one_folder.path / "TS2" / "detections.npz")
    with pytest.raises(InputError, match=r"TS2.detections\.npz is of detector other, .*of toy; expected one"):
        load_mpi_inf_3dhp(one_folder.path, sequences=("TS1", "TS2"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"joints_2d": "both"}, "joints_2d is 'both'; expected one of detector, truth"),
        ({"truth": "annot2"}, "truth is 'annot2'; expected one of univ_annot3, annot3"),
        ({"sequences": ("TS7",)}, "sequences are .*TS7"),
        ({"sequences": ()}, "sequences are"),
        ({"sequences": ("TS1", "TS1")}, "each once"),
    ],
)
def test_says_which_argument_is_wrong(one_folder, arguments, said):
    with pytest.raises(InputError, match=said):
        load_mpi_inf_3dhp(one_folder.path, **arguments)
    with pytest.raises(InputError, match="boxes is 'user'; expected one of detector, truth"):
        detect_mpi_inf_3dhp(one_folder.path, ToyDetector(), boxes="user")
