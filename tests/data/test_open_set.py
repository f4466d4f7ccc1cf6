import numpy as np
import pytest
from _toy_evaluation import SynthMaker, write_synth_folder

from poseterior.data.open_set import joints_cell, load_open_set
from poseterior.data.synthesis.pairs import load_open_data
from poseterior.errors import InputError
from poseterior.geometry.normalise import vector_from_pose


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_synth_folder(tmp_path_factory.mktemp("open") / "set")


def test_fields_are_those_of_the_samples(folder):
    data, maker = load_open_set(folder), SynthMaker()
    assert data.name == "open-test" and len(data) == 12 and data.profile.name == "toy-detector"
    for row in range(12):
        sample = maker.sample("test", row)
        np.testing.assert_array_equal(data.joints_m[row], sample["joints_m"])
        np.testing.assert_array_equal(data.extra["visible"][row], sample["visibility"] == 0)
        expected = (sample["joints_px"] - [3.0, -2.0]) / 4.5
        np.testing.assert_allclose(data.extra["joints_cell"][row], expected, atol=1e-5)
        assert data.metres_per_cell[row] == pytest.approx(4.5 * sample["joints_m"][0, 2] / 300)
    assert data.action[:5] == ("captured", "recombined", "reoriented", "articulated", "captured")
    assert data.camera[:2] == ("human36m-0", "wide-1")
    # frames 0, 50, ..., 550 are four parts of 150 frames
    assert [data.sequence.count(name) for name in dict.fromkeys(data.sequence)] == [3, 3, 3, 3]
    assert data.image_path == (None,) * 12 and data.has_joint.all()


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_a_model_is_shown_what_it_is_trained_on(folder, variant):
    data, pairs = load_open_set(folder), load_open_data(folder, "test", variant=variant)
    inputs = data.inputs(variant)
    np.testing.assert_array_equal(inputs.y, pairs.y)
    np.testing.assert_array_equal(inputs.condition, pairs.condition)
    np.testing.assert_array_equal(vector_from_pose(data.joints_m).astype(np.float32), pairs.x)


def test_the_checksum_is_the_split_s(folder, tmp_path):
    again = write_synth_folder(tmp_path / "again", counts={"train": 7, "validation": 4, "test": 12})
    assert load_open_set(again).checksum == load_open_set(folder).checksum
    assert load_open_set(folder, "validation").checksum != load_open_set(folder).checksum


def test_points_of_turned_crops():
    affine = np.array([[[0.0, -2.0, 10.0], [2.0, 0.0, 5.0]]])
    cells = np.array([[[3.0, 4.0], [0.0, 1.0]]])
    points = cells @ np.swapaxes(affine[:, :, :2], 1, 2) + affine[:, None, :, 2]
    np.testing.assert_allclose(joints_cell(points, affine), cells, atol=1e-12)


def test_what_cannot_be_used_is_refused(folder, tmp_path):
    with pytest.raises(InputError, match="there is no split 'tests'"):
        load_open_set(folder, "tests")
    with pytest.raises(InputError, match=r"manifest\.json"):
        load_open_set(tmp_path)
    none = write_synth_folder(tmp_path / "none", counts={"train": 3, "validation": 0, "test": 0})
    with pytest.raises(InputError, match="has no test samples"):
        load_open_set(none)
    whole = write_synth_folder(tmp_path / "whole")
    shards = sorted(
        path.relative_to(whole).as_posix() for path in whole.rglob("*.npz") if "test" in path.parts
    )
    unfinished = write_synth_folder(tmp_path / "unfinished", leave_out=(shards[0],))
    with pytest.raises(InputError, match="of its 12 test samples"):
        load_open_set(unfinished)
    assert len(load_open_set(unfinished, "validation")) == 4
    odd = write_synth_folder(tmp_path / "odd", nan_at=2)
    with pytest.raises(InputError, match="set open-test: joints_m of picture 2 holds NaN"):
        load_open_set(odd)
