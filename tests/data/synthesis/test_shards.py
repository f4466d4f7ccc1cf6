"""The bytes of a shard: the same for the same samples, readable by numpy, mapped without being loaded."""

import hashlib
import io
import zipfile

import numpy as np
import pytest
from _toy_maker import ToyConfig, ToyMaker, toy_sample

from poseterior.data.synthesis.archive import MappedNpz, npz_bytes, npz_members
from poseterior.data.synthesis.maker import SynthesisError
from poseterior.data.synthesis.shards import Field, ShardTask, make_shard, plan_shards
from poseterior.errors import InputError

ARRAYS = {
    "poses": np.arange(102, dtype=np.float32).reshape(2, 17, 3),
    "a": np.array([1, 2], np.uint8),
    "nothing": np.empty((0, 4), np.int64),
    "flags": np.array([True, False]),
}


class Maker:
    """Gives what it is told to give."""

    def __init__(self, *samples):
        self.samples = samples

    def identity(self):
        return {}

    def warm_up(self):
        pass

    def sample(self, split, index):
        return self.samples[index]


def test_numpy_reads_what_was_put_in():
    with np.load(io.BytesIO(npz_bytes(ARRAYS)), allow_pickle=False) as read:
        assert set(read.files) == set(ARRAYS)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(read[name], array)
            assert read[name].dtype == array.dtype


def test_bytes_depend_on_neither_order_nor_layout_nor_time():
    other = {name: np.asfortranarray(ARRAYS[name]) for name in reversed(ARRAYS)}
    assert npz_bytes(other) == npz_bytes(ARRAYS)
    with zipfile.ZipFile(io.BytesIO(npz_bytes(ARRAYS))) as archive:
        assert archive.testzip() is None
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    # pinned: another byte would make every published checksum wrong
    digest = hashlib.sha256(npz_bytes(ARRAYS)).hexdigest()
    assert digest == "633f14b124d4bbd0a500e7116c802f30ffbfd3b9aa574a5df714182939a45f8d"


def test_arrays_are_mapped_aligned_and_read_only(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(npz_bytes(ARRAYS))
    members = npz_members(path)
    mapped = MappedNpz(path, members)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(mapped[name], array)
        assert members[name].offset_bytes % 64 == 0
        assert not mapped[name].flags.writeable and mapped[name].flags.aligned
    # a view of the file, not a copy: what changes there changes here
    with path.open("r+b") as file:
        file.seek(members["a"].offset_bytes)
        file.write(b"\x07")
    assert mapped["a"].tolist() == [7, 2]


def test_objects_are_never_written():
    with pytest.raises(ValueError, match="allow_pickle"):
        npz_bytes({"bad": np.array([{}])})


def test_a_damaged_or_compressed_archive_is_named(tmp_path):
    path = tmp_path / "a.npz"
    content = npz_bytes(ARRAYS)
    for damaged in (b"", content[:-50], b"x" * 500):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"a\.npz"):
            npz_members(path)
    np.savez_compressed(path, a=ARRAYS["a"])
    with pytest.raises(InputError, match=r"a\.npy is compressed"):
        npz_members(path)
    path.write_bytes(content)
    members = npz_members(path)
    path.write_bytes(content[: members["poses"].offset_bytes + 5])
    with pytest.raises(InputError, match="shorter"):
        MappedNpz(path, members)["poses"]


def test_a_shard_holds_its_samples():
    shard = make_shard(ToyMaker(ToyConfig(seed=3)), ShardTask("test", 2, 10, 4), pictures=True)
    with np.load(io.BytesIO(shard.content)) as read:
        for k, index in enumerate(range(10, 14)):
            expected = toy_sample(3, "test", index)
            picture = expected.pop("picture_jpeg")
            for name, value in expected.items():
                np.testing.assert_array_equal(read[name][k], value)
            begin, end = read["picture_jpeg_offsets"][k : k + 2]
            np.testing.assert_array_equal(read["picture_jpeg_bytes"][begin:end], picture)
    assert shard.fields["joints_m"] == Field("<f4", (17, 3))
    assert shard.fields["index"] == Field("<i4", ())
    assert shard.fields["picture_jpeg"] == Field("|u1", (None,))


def test_pictures_are_left_out_unless_asked_for():
    shard = make_shard(ToyMaker(ToyConfig()), ShardTask("test", 0, 0, 2), pictures=False)
    assert "picture_jpeg" not in shard.fields
    assert b"picture_jpeg" not in shard.content


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"a": np.zeros(3)}, r"train 1 .*field a .*\(3,\).*\(2,\)"),
        ({"a": np.zeros(2, np.float32)}, "train 1 .*field a .*<f4.*<f8"),
        ({}, "train 1 .*field a is None"),
        ({"a": np.zeros(2), "b": np.zeros(1)}, "train 1 .*field b"),
        ({"a": np.float64(2.0)}, "train 1 .*field a is a float64; expected an array"),
        ({"a": np.array([None, None])}, "train 1 .*field a holds Python objects"),
    ],
)
def test_a_sample_unlike_the_one_before_is_named(second, said):
    maker = Maker({"a": np.zeros(2)}, second)
    with pytest.raises(SynthesisError, match=said):
        make_shard(maker, ShardTask("train", 0, 0, 2), pictures=False)


def test_pictures_that_are_asked_for_must_be_there():
    with pytest.raises(SynthesisError, match=r"train 0 .*no picture_jpeg"):
        make_shard(Maker({"a": np.zeros(2)}), ShardTask("train", 0, 0, 1), pictures=True)


def test_every_sample_is_in_one_shard_and_validation_and_test_come_first():
    counts = {"train": 12, "validation": 11, "test": 5}
    tasks = plan_shards(counts, 5)
    assert [task.file for task in tasks] == [
        "validation/shard-00000.npz",
        "test/shard-00000.npz",
        "validation/shard-00001.npz",
        "validation/shard-00002.npz",
        "train/shard-00000.npz",
        "train/shard-00001.npz",
        "train/shard-00002.npz",
    ]
    for split, count in counts.items():
        indices = [
            index
            for task in tasks
            if task.split == split
            for index in range(task.first_index, task.first_index + task.samples)
        ]
        assert indices == list(range(count))
