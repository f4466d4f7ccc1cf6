"""VideoPose3D's files: world poses arrive in the camera's frame, 2D joints where they were, cameras from the user."""

import json
import pickle

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poseterior.data.h36m import load_h36m_videopose
from poseterior.errors import InputError
from poseterior.skeleton import COCO_17
from poseterior.types import DetectorProfile

CAMERAS = ["54138969", "55011271", "58860488", "60457274"]
KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
MPII = [3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13]
FOCAL_PX, CENTRE_PX = 1145.0, np.array([512.0, 515.0])
TAKES = {
    "S9": {"Discussion 1": 30, "Discussion 2": 45, "WalkingDog": 21},
    "S11": {"Phoning 2": 40, "Phoning 3": 33},
}
NAME_2D = "data_2d_h36m_cpn_ft_h36m_dbb.npz"


def angles_and_centre(subject, camera):
    rng = np.random.default_rng([int(subject[1:]), int(camera)])
    return rng.uniform(-3, 3, 3), rng.uniform(-1, 1, 3) * [4000, 4000, 1500]


def rotation_of(subject, camera):
    # Rx(a) Ry(b) Rz(c): turns about the axes that turn along
    return Rotation.from_euler("XYZ", angles_and_centre(subject, camera)[0]).as_matrix()


def metadata_xml():
    numbers = []
    for camera in CAMERAS:
        for subject in range(1, 12):
            angles, centre_mm = angles_and_centre(f"S{subject}", camera)
            numbers += [*angles, *centre_mm]
    numbers += [1145, 1143, 512, 515, -0.2, 0.24, -0.002, -0.0009, -0.0016] * 4
    return f"<document><x/><w0>[{' '.join(map(str, numbers))}]</w0></document>"


def cameras_json():
    return {
        subject: {
            camera: {
                "rotation": rotation_of(subject, camera).tolist(),
                "centre_m": (angles_and_centre(subject, camera)[1] / 1000).tolist(),
            }
            for camera in CAMERAS
        }
        for subject in TAKES
    }


class Files:
    def __init__(self, folder, joints=32):
        self.folder = folder
        self.positions_3d, self.positions_2d, self.seen = {}, {}, {}
        rng = np.random.default_rng(0)
        for subject, takes in TAKES.items():
            self.positions_3d[subject], self.positions_2d[subject] = {}, {}
            for take, frames in takes.items():
                # cameras stand anywhere, also with the person behind them: rotation and projection do not mind
                world = rng.normal(0, 0.4, (frames, 32, 3)).astype(np.float32)
                self.positions_3d[subject][take] = world if joints == 32 else world[:, KEPT]
                self.positions_2d[subject][take] = []
                for camera in CAMERAS:
                    centre_m = angles_and_centre(subject, camera)[1] / 1000
                    in_camera = (world[:, KEPT].astype(np.float64) - centre_m) @ rotation_of(
                        subject, camera
                    ).T
                    self.seen[subject, take, camera] = in_camera
                    pixels = FOCAL_PX * in_camera[..., :2] / in_camera[..., 2:] + CENTRE_PX
                    # detectors saw three frames more
                    pixels = np.concatenate([pixels, pixels[-3:]])
                    self.positions_2d[subject][take].append(pixels)
        self.metadata = {
            "layout_name": "h36m",
            "num_joints": 17,
            "keypoints_symmetry": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]],
        }
        (folder / "metadata.xml").write_text(metadata_xml())
        self.save()

    def save(self, name_2d=NAME_2D):
        np.savez_compressed(self.folder / "data_3d_h36m.npz", positions_3d=self.positions_3d)
        np.savez_compressed(self.folder / name_2d, positions_2d=self.positions_2d, metadata=self.metadata)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def expected_rows(stride):
    """Discussion 2 and Phoning 3 are sub-action 0 of their subjects, Discussion 1 and Phoning 2 sub-action 1."""
    taken = []
    for videos in (
        [("S9", "Discussion 2"), ("S9", "Discussion 1")],
        [("S11", "Phoning 3"), ("S11", "Phoning 2")],
        [("S9", "WalkingDog")],
    ):
        rows = [(s, t, c, frame) for s, t in videos for c in CAMERAS for frame in range(3, TAKES[s][t], 4)]
        taken += rows[::stride]
    return taken


@pytest.mark.parametrize("every", [4, 12])
def test_world_poses_arrive_in_the_cameras_frame(files, every):
    data = load_h36m_videopose(files.folder, every=every)
    expected = expected_rows(every // 4)
    assert [
        (*row,) for row in zip(data.subject, data.sequence, data.camera, data.frame.tolist(), strict=True)
    ] == [(subject, f"{subject} {take}", camera, frame) for subject, take, camera, frame in expected]
    assert set(data.action) == {"Discussion", "Phoning", "WalkDog"}
    truth = np.stack([files.seen[s, t, c][frame] for s, t, c, frame in expected])
    np.testing.assert_allclose(data.joints_m, truth, atol=1e-12)
    pixels = np.stack([files.positions_2d[s][t][CAMERAS.index(c)][frame] for s, t, c, frame in expected])[
        :, MPII
    ]
    np.testing.assert_array_equal(data.joints_2d, pixels)


def test_gaussians_are_confident_and_cells_are_of_the_square_around_the_joints(files):
    data = load_h36m_videopose(files.folder, every=4)
    pixels, cells = data.joints_2d, data.gaussians.mean_cell
    side_px = 1.25 * np.ptp(pixels, axis=1).max(axis=1)
    middle_px = (pixels.max(axis=1) + pixels.min(axis=1)) / 2
    np.testing.assert_allclose(
        cells, 64 * (pixels - middle_px[:, None]) / side_px[:, None, None] + 31.5, atol=1e-9
    )
    assert (data.gaussians.amplitude == 1).all()
    np.testing.assert_array_equal(
        data.gaussians.covariance_cell2, np.broadcast_to(4.0 * np.eye(2), (len(data), 16, 2, 2))
    )
    in_front = data.joints_m[:, :, 2].min(axis=1) > 0
    assert in_front.sum() > 10
    expected_m = data.joints_m[:, 0, 2] / FOCAL_PX * side_px / 64
    np.testing.assert_allclose(data.metres_per_cell[in_front], expected_m[in_front], rtol=1e-9)
    assert any("No heatmaps" in note for note in data.notes)
    assert not data.ambiguous().any()


def test_the_profile_is_the_callers(files):
    profile = DetectorProfile("other", 32, 48, 1.5, ("right_ankle",))
    data = load_h36m_videopose(files.folder, every=4, profile=profile)
    assert data.profile is profile
    np.testing.assert_array_equal(data.gaussians.covariance_cell2[0, 0], 2.25 * np.eye(2))


def test_cameras_json_says_what_the_official_metadata_says(files):
    expected = load_h36m_videopose(files.folder, every=4)
    (files.folder / "metadata.xml").unlink()
    (files.folder / "cameras.json").write_text(json.dumps(cameras_json()))
    data = load_h36m_videopose(files.folder, every=4)
    np.testing.assert_allclose(data.joints_m, expected.joints_m, atol=1e-12)
    assert data.checksum != expected.checksum


def test_poses_of_17_joints_are_taken_as_they_are(files, tmp_path):
    (tmp_path / "17").mkdir()
    fewer = Files(tmp_path / "17", joints=17)
    expected = load_h36m_videopose(files.folder, every=4).joints_m
    np.testing.assert_array_equal(load_h36m_videopose(fewer.folder, every=4).joints_m, expected)


def test_coco_joints_are_taken_by_name(files):
    files.metadata["layout_name"] = "coco"
    files.save()
    data = load_h36m_videopose(files.folder, every=4)
    subject, take, camera, frame = expected_rows(1)[0]
    coco = dict(zip(COCO_17, files.positions_2d[subject][take][CAMERAS.index(camera)][frame], strict=True))
    joints = data.joints_2d[0]
    np.testing.assert_allclose(joints[0], coco["right_ankle"])
    np.testing.assert_allclose(joints[15], coco["left_wrist"])
    np.testing.assert_allclose(joints[6], (coco["left_hip"] + coco["right_hip"]) / 2)


@pytest.mark.parametrize(
    ("name", "source"), [("data_2d_h36m_gt.npz", "truth"), ("data_2d_h36m_detectron_pt_coco.npz", "detector")]
)
def test_says_whether_2d_joints_are_projections(files, name, source):
    files.save(name)
    assert load_h36m_videopose(files.folder, every=4, file_2d=name).joints_2d_source == source


class Runs:
    def __reduce__(self):
        return pickle.loads, (b"N.",)


def damage_metadata(text):
    return lambda files: (files.folder / "metadata.xml").write_text(text)


def damage_json(text):
    def damage(files):
        (files.folder / "metadata.xml").unlink()
        (files.folder / "cameras.json").write_text(text)

    return damage


def set_3d(value, subject="S9", take="WalkingDog"):
    def damage(files):
        files.positions_3d[subject][take] = value
        files.save()

    return damage


def set_2d(value):
    def damage(files):
        files.positions_2d["S9"]["WalkingDog"] = value(files.positions_2d["S9"]["WalkingDog"])
        files.save()

    return damage


def set_layout(value):
    def damage(files):
        files.metadata["layout_name"] = value
        files.save()

    return damage


def no_s11(files):
    del files.positions_2d["S11"]
    files.save()


D3, D2 = r"data_3d_h36m\.npz", r"data_2d_h36m_cpn_ft_h36m_dbb\.npz"
MIRRORED = {"S9": {"54138969": {"rotation": (-np.eye(3)).tolist(), "centre_m": [0, 0, 0]}}}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda files: (files.folder / "data_3d_h36m.npz").unlink(), f"{D3} does not exist"),
        (lambda files: (files.folder / "metadata.xml").unlink(), r"neither metadata\.xml nor cameras\.json"),
        (damage_metadata("<a><w0>[1 2]</w0></a>"), r"metadata\.xml: element w0 must hold 300"),
        (damage_metadata("<a>"), r"metadata\.xml cannot be read"),
        (damage_json("{"), r"cameras\.json cannot be read"),
        (damage_json("{}"), "lack S9/54138969"),
        (damage_json('{"S9": {"54138969": {"rotation": [1]}}}'), "S9/54138969/rotation must hold 3 x 3"),
        (damage_json(json.dumps(MIRRORED)), "S9/54138969/rotation is not a rotation"),
        (no_s11, f"{D2}: positions_2d/S11 is missing"),
        (set_3d(np.zeros((8, 16, 3))), f"{D3}: positions_3d/S9/WalkingDog has 16 joints"),
        (set_3d(np.full((8, 17, 3), np.nan)), f"{D3}: positions_3d/S9/WalkingDog holds NaN"),
        (set_3d("x"), f"{D3}: positions_3d/S9/WalkingDog must be an array"),
        (set_3d(np.zeros((8, 17, 3)), take="Jumping"), f"{D2}: positions_2d/S9/Jumping must be a list of 4"),
        (set_3d(Runs()), rf"{D3}, array positions_3d is refused: it asks for _?pickle\.loads"),
        (set_2d(lambda views: views[:3]), f"{D2}: positions_2d/S9/WalkingDog must be a list of 4"),
        (set_2d(lambda views: [view[:, :16] for view in views]), rf"{D2}: .*camera 54138969 is \(24, 16, 2\)"),
        (set_2d(lambda views: [view[:15] for view in views]), f"{D2}: .*camera 54138969 has 15 frames, fewer"),
        (set_2d(lambda views: [view * np.nan for view in views]), f"{D2}: .*camera 54138969 holds NaN"),
        (set_2d(lambda views: [view * 0 for view in views]), f"{D2}: positions_2d: .* all coincide"),
        (set_layout("mpii"), f"{D2}: metadata/layout_name is 'mpii'; the joint orders known are h36m, coco"),
    ],
)  # fmt: skip
def test_says_which_file_and_field_is_wrong(files, damage, said):
    damage(files)
    with pytest.raises(InputError, match=said):
        load_h36m_videopose(files.folder, every=4)


def test_says_which_action_is_unknown(files):
    for positions in (files.positions_3d, files.positions_2d):
        positions["S9"]["Jumping 1"] = positions["S9"]["WalkingDog"]
    files.save()
    with pytest.raises(InputError, match="has an action 'Jumping 1'; expected one of Directions"):
        load_h36m_videopose(files.folder, every=4)
