"""Restricted pickles: numpy's arrays arrive whatever wrote them; whatever could run anything is refused."""

import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from poseterior.data.restricted_pickle import read_object_npz, read_pickle
from poseterior.errors import InputError

DATA = {
    "imgpath": ["/S9/Directions.54138969/4.jpg", "é"],
    "doubles": np.arange(12.0).reshape(3, 4),
    "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "transposed": np.arange(24.0, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1),
    "big endian": np.array([1.5, -2.0], dtype=">f4"),
    "integers": np.array([[1, -2]], dtype=np.int16),
    "truth values": np.array([True, False]),
    "texts": np.array(["a", "bcd"]),
    "bytes": np.array([b"x", b"yz"]),
    "empty": np.zeros((0, 7)),
    "no axes": np.array(2.5),
    "scalar": np.float32(0.25),
    "nested": {"0": (1, 2.5, None, True, b"raw", 3 + 4j, 2**80)},
}


def written(tmp_path, content):
    path = tmp_path / "data.pickle"
    path.write_bytes(content)
    return path


def assert_same(read, expected):
    assert type(read) is type(expected)
    if isinstance(expected, dict):
        assert read.keys() == expected.keys()
        for key, value in expected.items():
            assert_same(read[key], value)
    elif isinstance(expected, np.ndarray):
        assert read.dtype == expected.dtype
        np.testing.assert_array_equal(read, expected)
    else:
        assert read == expected


@pytest.mark.parametrize("protocol", range(6))
def test_reads_what_numpy_2_writes(tmp_path, protocol):
    assert_same(read_pickle(written(tmp_path, pickle.dumps(DATA, protocol=protocol))), DATA)


@pytest.mark.parametrize("protocol", [2, 3])
def test_reads_what_numpy_1_wrote(tmp_path, protocol):
    # these protocols write names as lines, so that they can be replaced
    content = pickle.dumps(DATA, protocol=protocol).replace(b"cnumpy._core.", b"cnumpy.core.")
    assert b"cnumpy.core.multiarray\n_reconstruct\n" in content
    assert_same(read_pickle(written(tmp_path, content)), DATA)


@pytest.mark.parametrize("protocol", [4, 5])
def test_reads_what_numpy_1_wrote_in_frames(tmp_path, protocol):
    content = pickle.dumps({"a": np.arange(3.0)}, protocol=protocol)
    for new, old in (
        (b"\x16numpy._core.multiarray", b"\x15numpy.core.multiarray"),
        (b"\x13numpy._core.numeric", b"\x12numpy.core.numeric"),
    ):
        content = content.replace(new, old)
    # the frame is a byte shorter
    content = content[:3] + struct.pack("<Q", len(content) - 11) + content[11:]
    assert_same(read_pickle(written(tmp_path, content)), {"a": np.arange(3.0)})


def test_reads_what_python_2_wrote(tmp_path):
    values = np.array([1.0, -2.5])
    content = (
        b"\x80\x02}U\x08gaussfitcnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x10" + values.tobytes() + b"tbs."
    )
    assert_same(read_pickle(written(tmp_path, content)), {"gaussfit": values})


def test_one_array_named_twice_is_one_array(tmp_path):
    array = np.arange(3.0)
    read = read_pickle(written(tmp_path, pickle.dumps([array, array])))
    assert read[0] is read[1]


class Calls:
    """Pickles as the call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda marker: Calls(os.system, f"touch {marker}"), r"(posix|nt)\.system"),
        (lambda marker: Calls(eval, f"open({str(marker)!r}, 'w')"), r"\.eval"),
        (lambda marker: Calls(getattr, marker, "touch"), r"\.getattr"),
        (lambda marker: Calls(np.load, marker), r"numpy\.load"),
        (lambda marker: Calls(np.fromfile, marker), r"numpy.*fromfile"),
        (lambda marker: Calls(np.memmap, marker, "u1", "w+", 0, (1,)), r"numpy\.memmap"),
        (lambda marker: np.array([Calls(os.system, f"touch {marker}")], dtype=object), r"(posix|nt)\.system"),
        (lambda marker: {"a": {Calls(os.system, f"touch {marker}"): 1}}, r"(posix|nt)\.system"),
        (lambda _: np.float64, r"numpy\.float64"),
        (lambda _: {1, 2}, "set"),
        (lambda _: np.zeros(2, dtype=[("a", "f8")]), "type 'V8'"),
        (lambda _: np.zeros(2, dtype="M8[s]"), "type 'M8'"),
        (lambda _: np.array([[None]], dtype=object), "objects of shape"),
    ],
)
def test_refuses_what_is_more_than_data(tmp_path, make, named, protocol):
    marker = tmp_path / "marker"
    path = written(tmp_path, pickle.dumps(make(marker), protocol=protocol))
    with pytest.raises(InputError, match=rf"data\.pickle is refused: .*{named}.*; expected numpy arrays"):
        read_pickle(path)
    assert not marker.exists()


EIGHT = b"\x89U\x08" + b"\x41" * 8 + b"tb."
ARRAY = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
DTYPE = b"cnumpy\ndtype\nU\x02%bK\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK%btb"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        # an object dtype whose flags say that it is plain memory: numpy itself would read eight bytes as an address
        (ARRAY + b"(K\x01K\x01\x85" + DTYPE % (b"O8", b"\x00") + EIGHT, "array of objects"),
        (ARRAY + b"(K\x01K\x03\x85" + DTYPE % (b"f8", b"\x00") + EIGHT, "bytes do not fit"),
        (ARRAY + b"(K\x01J\xff\xff\xff\xff\x85" + DTYPE % (b"f8", b"\x00") + EIGHT, "shape"),
        (ARRAY + b"K\x07b.", "unknown layout"),
        # a call of numpy.ndarray, and an attribute set on a function
        (b"\x80\x02cnumpy\nndarray\nK\x02\x85R.", "calls numpy.ndarray"),
        (b"\x80\x02cnumpy\ndtype\n}U\x01aK\x01sb.", "state of a function"),
        (b"\x80\x02]q\x00h\x00a.", "nested without end"),
        (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aU\x05rot13\x86R.", "encodes"),
    ],
)  # fmt: skip
def test_refuses_forged_arrays(tmp_path, content, said):
    with pytest.raises(InputError, match=rf"is refused: .*{said}"):
        read_pickle(written(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", pickle.dumps(DATA)[:-30], b"\x80\x02cnumpy\nndarray\n)\x81.", b"\x80\x05\x97."],
    ids=["empty", "text", "truncated", "new object", "buffer from elsewhere"],
)
def test_says_what_is_no_pickle(tmp_path, content):
    with pytest.raises(InputError, match=r"data\.pickle is not a readable pickle of numpy arrays"):
        read_pickle(written(tmp_path, content))


def test_says_which_file_is_missing(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.pickle cannot be read"):
        read_pickle(tmp_path / "nowhere.pickle")
    with pytest.raises(InputError, match=r"nowhere\.npz does not exist"):
        read_object_npz(tmp_path / "nowhere.npz")


def test_npz_gives_plain_arrays_and_the_one_object(tmp_path):
    path = tmp_path / "data.npz"
    inner = {"S9": {"Walking": np.arange(6.0, dtype=np.float32).reshape(1, 2, 3)}}
    np.savez_compressed(path, positions_3d=inner, plain=np.arange(3), texts=np.array(["a"]))
    assert_same(
        read_object_npz(path), {"positions_3d": inner, "plain": np.arange(3), "texts": np.array(["a"])}
    )


def test_npz_refuses_what_is_more_than_data(tmp_path):
    path, marker = tmp_path / "data.npz", tmp_path / "marker"
    np.savez(path, fine=np.arange(3), bad=np.array({"a": Calls(os.system, f"touch {marker}")}, dtype=object))
    with pytest.raises(InputError, match=r"data\.npz, array bad is refused: it asks for (posix|nt)\.system"):
        read_object_npz(path)
    assert not marker.exists()


def test_npz_says_what_is_damaged(tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"data\.npz is not a readable \.npz"):
        read_object_npz(path)
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00")
    path.write_bytes(memory.getvalue())
    with pytest.raises(InputError, match=r"data\.npz is not a readable \.npz"):
        read_object_npz(path)
