import json
import struct

import numpy as np
import pytest
from safetensors.numpy import load, save

from poseterior.errors import ModelError
from poseterior.flow.tensor_file import read_spans, read_tensors, tensor_file_bytes

TENSORS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array(7, np.float32),
    "empty": np.zeros((0, 4), np.float32),
}


def file_with(header: object, payload: bytes = b"\0" * 8) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


def entry(begin: int, end: int, dtype: str = "F32", shape: list | None = None) -> dict:
    return {
        "dtype": dtype,
        "shape": [(end - begin) // 4] if shape is None else shape,
        "data_offsets": [begin, end],
    }


def test_what_we_write_the_package_reads() -> None:
    for name, tensor in load(tensor_file_bytes(TENSORS)).items():
        np.testing.assert_array_equal(tensor, TENSORS[name])


def test_what_the_package_writes_we_read(tmp_path) -> None:
    (tmp_path / "w.safetensors").write_bytes(save(TENSORS, metadata={"format": "np"}))
    tensors = read_tensors(tmp_path / "w.safetensors")
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in tensors.items():
        assert tensor.shape == TENSORS[name].shape
        np.testing.assert_array_equal(tensor, TENSORS[name])


@pytest.mark.parametrize(
    ("data", "pattern"),
    [
        (b"", "header does not fit"),
        (b"\xff" * 40, "header does not fit"),
        (file_with(b"{nonsense"), "not JSON"),
        (file_with(b"\xff\xfe{}"), "not JSON"),
        (file_with([1, 2]), "not a JSON object"),
        (file_with({"a": entry(0, 8, dtype="F16", shape=[4])}), "tensor a is damaged"),
        (file_with({"a": entry(0, 8, shape=[3])}), "tensor a is damaged"),
        (file_with({"a": entry(0, 8, shape=[-2])}), "tensor a is damaged"),
        (file_with({"a": entry(0, 8, shape=[True, 2])}), "tensor a is damaged"),
        (file_with({"a": {"dtype": "F32"}}), "tensor a is damaged"),
        (file_with({"a": 3}), "tensor a is damaged"),
        (file_with({"a": entry(4, 8)}), "without gap or overlap"),
        (file_with({"a": entry(0, 8), "b": entry(4, 8)}), "without gap or overlap"),
        (file_with({"a": entry(0, 4)}), "has .* bytes; expected"),
        (file_with({"a": entry(0, 16)}), "has .* bytes; expected"),
    ],
)
def test_anything_else_is_refused(data: bytes, pattern: str) -> None:
    with pytest.raises(ModelError, match=pattern):
        read_spans(data, "w.safetensors")


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(ModelError, match=r"absent\.safetensors"):
        read_tensors(tmp_path / "absent.safetensors")
