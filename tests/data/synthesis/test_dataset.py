"""Reading a set: any sample by index, without loading what is not looked at."""

import json

import numpy as np
import pytest
from _toy_maker import COUNTS, SHARD_SIZE, SIGMA_CONFIDENT, ToyConfig, ToyMaker, toy_sample

from poseterior.data.synthesis import dataset as module
from poseterior.data.synthesis.dataset import SynthDataset, ambiguous
from poseterior.data.synthesis.folder import Request, SynthFolder
from poseterior.data.synthesis.shards import Field, make_shard
from poseterior.errors import InputError
from poseterior.types import DetectorProfile


def fill(folder, leave_out=()):
    """A set of the toy's samples, made in this process."""
    folder.mkdir()
    maker = ToyMaker(ToyConfig())
    made = SynthFolder(folder, Request(COUNTS, SHARD_SIZE, True))
    for task in made.begin(maker.identity()):
        if task.file not in leave_out:
            made.add(task, make_shard(maker, task, pictures=True))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("sets") / "whole")


@pytest.fixture
def train(folder):
    return SynthDataset.open(folder, "train")


def expected(field, indices):
    return [toy_sample(0, "train", int(k))[field] for k in indices]


def test_a_field_of_all_samples(train):
    assert len(train) == COUNTS["train"]
    for field in ("joints_m", "max_sigma_cell", "index"):
        np.testing.assert_array_equal(train[field], np.stack(expected(field, range(23))))
        assert train[field].dtype == train.fields[field].dtype
    np.testing.assert_array_equal(train.sample_index, np.arange(23))


def test_a_batch_comes_in_the_order_of_its_indices(train):
    indices = np.array([22, 0, 7, 7, 5, 4, 21, 0])
    batch = train.gather(indices, ["joints_m", "picture_jpeg", "index"])
    np.testing.assert_array_equal(batch["index"], indices)
    np.testing.assert_array_equal(batch["joints_m"], np.stack(expected("joints_m", indices)))
    for picture, true in zip(batch["picture_jpeg"], expected("picture_jpeg", indices), strict=True):
        np.testing.assert_array_equal(picture, true)
    nothing = train.gather(np.empty(0, np.int64), ["joints_m", "picture_jpeg"])
    assert nothing["joints_m"].shape == (0, 17, 3) and nothing["picture_jpeg"] == []


def test_more_shards_than_may_be_open(train, monkeypatch):
    monkeypatch.setattr(module, "MOST_OPEN_SHARDS", 2)
    indices = np.random.default_rng(0).integers(0, 23, 200)
    np.testing.assert_array_equal(train.gather(indices, ["index"])["index"], indices)
    assert len(train._open) == 2


def test_nothing_is_loaded_but_what_is_looked_at(train):
    for arrays in train.shards():
        assert not any(array.flags.owndata or array.flags.writeable for array in arrays.values())


def test_a_batch_may_be_written_to(train):
    batch = train.gather(np.array([3, 4]), ["joints_m", "picture_jpeg"])
    batch["joints_m"][:] = 0
    batch["picture_jpeg"][0][:] = 0
    np.testing.assert_array_equal(train["joints_m"][3], expected("joints_m", [3])[0])


@pytest.mark.parametrize("indices", [[-1], [23], [0, 99]])
def test_an_index_that_does_not_exist_is_named(train, indices):
    with pytest.raises(InputError, match="expected 0 to 22"):
        train.gather(np.array(indices), ["index"])


def test_a_field_that_does_not_exist_is_named(train):
    for read in (lambda: train["nose"], lambda: train.gather(np.array([0]), ["nose"])):
        with pytest.raises(InputError, match=r"no field 'nose'; it has index, joints_m"):
            read()
    with pytest.raises(InputError, match="picture_jpeg differs in length"):
        train["picture_jpeg"]


def test_an_empty_split_has_fields_and_no_samples(tmp_path):
    made = SynthFolder(tmp_path, Request({"train": 0, "validation": 0, "test": 2}, 5, False))
    maker = ToyMaker(ToyConfig())
    (task,) = made.begin(maker.identity())
    made.add(task, make_shard(maker, task, pictures=False))
    empty = SynthDataset.open(tmp_path, "train")
    assert len(empty) == 0 and empty["joints_m"].shape == (0, 17, 3)
    assert "picture_jpeg" not in empty.fields


def test_an_unfinished_split_is_opened_only_if_asked(tmp_path):
    made = fill(tmp_path / "set", leave_out=["train/shard-00001.npz"])
    with pytest.raises(InputError, match="18 of its 23 train samples"):
        SynthDataset.open(made, "train")
    assert len(SynthDataset.open(made, "test")) == 12
    part = SynthDataset.open(made, "train", unfinished=True)
    np.testing.assert_array_equal(part.sample_index, [*range(5), *range(10, 23)])
    np.testing.assert_array_equal(part["index"], part.sample_index)
    np.testing.assert_array_equal(part.gather(np.array([5, 17]), ["index"])["index"], [10, 22])


def test_a_missing_or_damaged_shard_is_named(tmp_path):
    made = fill(tmp_path / "set")
    path = made / "train" / "shard-00002.npz"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"'<f4'", b"'<i4'"))
    with pytest.raises(InputError, match=r"shard-00002\.npz has not the field joints_m"):
        SynthDataset.open(made, "train")["joints_m"]
    path.write_bytes(b"x" * len(content))
    with pytest.raises(InputError, match=r"shard-00002\.npz: not an \.npz"):
        SynthDataset.open(made, "train")["joints_m"]
    path.write_bytes(content[:-1])
    with pytest.raises(InputError, match=r"shard-00002\.npz has \d+ bytes; the manifest says \d+"):
        SynthDataset.open(made, "train")
    path.unlink()
    with pytest.raises(InputError, match=r"shard-00002\.npz has no bytes"):
        SynthDataset.open(made, "train")
    with pytest.raises(InputError, match="no split 'holdout'"):
        SynthDataset.open(made, "holdout")


def test_ambiguous_is_above_two_and_a_half_confident_sigmas(train):
    sigma = np.array([2.49, 2.5, 2.51, 10.0]) * 2.0
    assert ambiguous(sigma, 2.0).tolist() == [False, False, True, True]
    by_hand = [value > 2.5 * SIGMA_CONFIDENT for value in expected("max_sigma_cell", range(23))]
    assert train.ambiguous().tolist() == by_hand
    assert 0 < sum(by_hand) < 23


def test_the_detectors_profile_is_that_of_the_manifest(train, folder, tmp_path):
    assert train.profile == DetectorProfile("toy", 64, 48, SIGMA_CONFIDENT, ("a", "b"))
    content = json.loads((folder / "manifest.json").read_text())
    del content["identity"]["detector"]["heatmap_width"]
    content.update(counts=dict.fromkeys(COUNTS, 0), shards=[])
    content["totals"] = {split: {"shards": 0, "samples": 0, "size_bytes": 0} for split in COUNTS}
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"does not state identity\.detector\.heatmap_width"):
        _ = SynthDataset.open(tmp_path, "train").profile


def test_fields_say_what_a_sample_holds(train):
    assert train.fields["joints_m"] == Field("<f4", (17, 3))
    assert train.fields["picture_jpeg"] == Field("|u1", (None,))
