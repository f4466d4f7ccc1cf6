"""The safetensors format, read strictly and free of torch.

A file is eight bytes (little-endian header length), a JSON header, and the tensors' raw little-endian bytes.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from poseterior.errors import ModelError

MAX_HEADER_BYTES = 10_000_000


@dataclass(frozen=True)
class TensorSpan:
    """Where a float32 tensor lies in the file."""

    shape: tuple[int, ...]
    offset: int
    """Bytes from the start of the file."""
    length: int
    """Bytes."""


def read_spans(data: bytes, name: str | Path) -> dict[str, TensorSpan]:
    """Tensor name -> span, in the order of the file whose content is `data`; `name` is for messages.

    Raises:
        ModelError: truncated, not a safetensors file, or it holds anything but float32.
    """
    header_length = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else MAX_HEADER_BYTES + 1
    if header_length > min(len(data) - 8, MAX_HEADER_BYTES):
        raise ModelError(f"{name} is not a safetensors file: its header does not fit the file")
    try:
        header = json.loads(data[8 : 8 + header_length])
    except ValueError:
        raise ModelError(f"{name} is not a safetensors file: its header is not JSON") from None
    if not isinstance(header, dict):
        raise ModelError(f"{name} is not a safetensors file: its header is not a JSON object")
    return _checked_spans(header, 8 + header_length, len(data), name)


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Tensor name -> float32 array of a file; raises ModelError if it is missing or as `read_spans` does."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the weights {path}: {error.strerror}") from None
    return {
        name: np.frombuffer(data, "<f4", prod(span.shape), span.offset).reshape(span.shape).copy()
        for name, span in read_spans(data, path).items()
    }


def _checked_spans(
    header: dict[str, Any], data_start: int, file_size: int, file: str | Path
) -> dict[str, TensorSpan]:
    header.pop("__metadata__", None)
    spans = {name: _span(name, entry, data_start, file) for name, entry in header.items()}
    spans = dict(sorted(spans.items(), key=lambda item: item[1].offset))
    expected = data_start
    for name, span in spans.items():
        if span.offset != expected:
            raise ModelError(
                f"{file}: tensor {name} does not follow the one before it without gap or overlap"
            )
        expected += span.length
    if expected != file_size:
        raise ModelError(f"{file} has {file_size} bytes; expected {expected} from its header")
    return spans


def _span(name: str, entry: Any, data_start: int, file: str | Path) -> TensorSpan:
    try:
        dtype, shape = entry["dtype"], tuple(entry["shape"])
        begin, end = entry["data_offsets"]
        valid = all(type(number) is int and number >= 0 for number in (*shape, begin, end))
    except (TypeError, KeyError, ValueError):
        valid, dtype, shape, begin, end = False, "", (), 0, 0
    if not valid or end - begin != 4 * prod(shape) or dtype != "F32":
        raise ModelError(
            f"{file}: the entry of tensor {name} is damaged; expected dtype F32, shape, data_offsets"
        )
    return TensorSpan(shape, data_start + begin, end - begin)


def tensor_file_bytes(tensors: dict[str, np.ndarray]) -> bytes:
    """The safetensors file of these tensors as float32, in their order; the header is padded to 64 bytes."""
    header: dict[str, Any] = {}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + 4 * tensor.size
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    payload = [np.ascontiguousarray(tensor, dtype="<f4").tobytes() for tensor in tensors.values()]
    return struct.pack("<Q", len(text)) + text + b"".join(payload)
