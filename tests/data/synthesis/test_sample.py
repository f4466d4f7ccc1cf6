"""Whole samples: truth, camera, buffers and the detector's word agree."""

import json

import numpy as np
import pytest

from poseterior.data.synthesis.maker import SPLITS, SampleMaker
from poseterior.data.synthesis.mesh import PERSON_ID
from poseterior.data.synthesis.sample import SynthConfig
from poseterior.data.synthesis.visibility import Visibility
from poseterior.errors import InputError
from poseterior.skeleton import BLAZEPOSE_33, H36M_17

COUNT = 24


@pytest.fixture(scope="module")
def maker(template, asset):
    asset("pose_landmark_full.tflite")
    return SynthConfig(photos=False).build()


@pytest.fixture(scope="module")
def samples(maker):
    return [maker.sample("train", index) for index in range(COUNT)]


def test_maker_keeps_the_contract(maker):
    assert isinstance(maker, SampleMaker)
    identity = maker.identity()
    assert json.loads(json.dumps(identity)) == identity
    assert identity["detector"]["joint_names"] == list(BLAZEPOSE_33)
    assert set(identity["pose_library_sha256"]) == set(SPLITS)


def test_reprojecting_the_stored_pose_hits_the_stored_joints(samples):
    for sample in samples:
        pixel = (
            sample["focal_px"] * sample["joints_m"][:, :2] / sample["joints_m"][:, 2:]
            + sample["principal_px"]
        )
        assert np.abs(pixel - sample["joints_px"]).max() < 0.1


def test_camera_puts_the_ground_below_and_is_where_it_says(samples):
    for sample in samples:
        rotation, translation = sample["camera_from_world"][:, :3], sample["camera_from_world"][:, 3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
        # the root, the world's origin, is inside the trunk
        trunk = sample["joints_m"][[H36M_17.index("pelvis"), H36M_17.index("spine")]]
        assert np.linalg.norm(trunk - translation, axis=1).min() < 0.2


def test_visibility_agrees_with_the_depth_buffer(maker, samples):
    """Recomputed from the picture's buffers, drawn again, by a plain rule with a looser tolerance."""
    checked = 0
    for index, sample in enumerate(samples):
        shot = maker.shoot("train", index, int(sample["refused_attempts"]))
        drawing, obstacle = shot.picture.drawing, shot.picture.obstacle
        for joint, (x, y) in enumerate(np.rint(sample["joints_px"]).astype(int)):
            seen = Visibility(int(sample["visibility"][joint]))
            inside = 0 <= x < drawing.depth_m.shape[1] and 0 <= y < drawing.depth_m.shape[0]
            assert (seen is Visibility.OUTSIDE) == (not inside)
            if not inside:
                continue
            gap_m = sample["joints_m"][joint, 2] - drawing.depth_m[y, x]
            if obstacle[y, x] > 0.9:
                assert seen is Visibility.COVERED
            elif obstacle[y, x] < 0.1 and gap_m < 0.03:
                assert seen is Visibility.VISIBLE
            elif obstacle[y, x] < 0.1 and gap_m > 0.25:
                by_itself = drawing.object_id[y, x] == PERSON_ID
                assert seen is (Visibility.SELF_OCCLUDED if by_itself else Visibility.COVERED)
            else:
                continue
            checked += 1
    assert checked > 4 * COUNT


def test_gaussians_of_visible_joints_lie_on_the_truth(samples):
    """Limb joints that both skeletons define, where they can be seen, relative to the person's size."""
    names = [
        f"{side}_{joint}" for side in ("left", "right") for joint in ("ankle", "knee", "wrist", "shoulder")
    ]
    errors = []
    for sample in samples:
        affine = sample["pixel_from_cell"]
        mean_px = sample["mean_cell"] @ affine[:, :2].T + affine[:, 2]
        size = np.ptp(sample["joints_px"], axis=0).max()
        for name in names:
            truth = H36M_17.index(name)
            if sample["visibility"][truth] == Visibility.VISIBLE:
                away = mean_px[BLAZEPOSE_33.index(name)] - sample["joints_px"][truth]
                errors.append(np.linalg.norm(away) / size)
    assert len(errors) > 80
    assert np.median(errors) < 0.03


def test_samples_depend_on_seed_split_and_index_only(maker, samples):
    other = SynthConfig(photos=False).build()
    # in another order, after other samples
    other.sample("test", 3)
    for index in (5, 0):
        again = other.sample("train", index)
        assert again.keys() == samples[index].keys()
        for field, values in again.items():
            np.testing.assert_array_equal(values, samples[index][field], err_msg=field)
    different = SynthConfig(seed=1, photos=False).build().sample("train", 0)
    assert np.abs(different["joints_m"] - samples[0]["joints_m"]).max() > 0.01
    assert np.abs(maker.sample("test", 0)["joints_m"] - samples[0]["joints_m"]).max() > 0.01


def test_fields_have_fixed_types_and_are_finite(samples):
    first = samples[0]
    for sample in samples:
        for field, values in sample.items():
            assert isinstance(values, np.ndarray)
            assert (values.dtype, values.shape) == (first[field].dtype, first[field].shape)
            if values.dtype.kind == "f":
                assert np.isfinite(values).all(), field


def test_pictures_are_kept_on_request(template, asset):
    asset("pose_landmark_full.tflite")
    from io import BytesIO

    from PIL import Image

    sample = SynthConfig(photos=False, pictures=True).build().sample("validation", 0)
    with Image.open(BytesIO(sample["picture_jpeg"].tobytes())) as picture:
        assert picture.size == (288, 288)
        assert np.asarray(picture).std() > 5


def test_children_are_smaller(template, asset):
    asset("pose_landmark_full.tflite")
    maker = SynthConfig(photos=False, children=True).build()
    heights = [maker.shoot("train", index).person.body.height_m for index in range(40)]
    assert min(heights) < 1.4
    assert max(heights) > 1.6


@pytest.mark.parametrize(("split", "index"), [("trian", 0), ("test", -1)])
def test_unknown_split_or_index_is_refused(maker, split, index):
    with pytest.raises(InputError, match=split):
        maker.sample(split, index)
