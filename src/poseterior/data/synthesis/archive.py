"""Uncompressed .npz whose bytes depend on the arrays alone, aligned so that they can be mapped into memory."""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from poseterior.errors import InputError

ALIGNMENT_BYTES = 64
"""Arrays start at multiples of this in the file: a cache line, and what the .npy header is padded to."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_LOCAL_HEADER = struct.Struct("<4s22xHH")
"""Signature, (22 bytes that the directory repeats), length of the name, length of the extra field."""
_LOCAL_SIGNATURE = b"PK\x03\x04"
_PADDING = struct.Struct("<HHH")
"""Identifier, length and alignment: the extra field by which zip files are aligned (as zipalign does)."""
_PADDING_ID = 0xD935


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as the bytes of an .npz file, in the order of their names, without times or compression."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            member = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            member.create_system = _UNIX
            member.external_attr = 0o644 << 16
            member.extra = _padding(buffer.tell() + _LOCAL_HEADER.size + len(member.filename))
            archive.writestr(member, _npy_bytes(arrays[name]))
    return buffer.getvalue()


@dataclass(frozen=True)
class Member:
    """Where an array lies in an .npz file."""

    offset_bytes: int
    dtype: np.dtype
    shape: tuple[int, ...]


def npz_members(path: Path) -> dict[str, Member]:
    """Where each array lies in an uncompressed .npz.

    Raises:
        InputError: the file cannot be read, is no .npz, or is compressed.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            return {
                info.filename.removesuffix(".npy"): _member(file, info, path) for info in archive.infolist()
            }
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    # A damaged archive fails in many ways, inside zipfile and numpy, and none tells the user more.
    except (zipfile.BadZipFile, ValueError, struct.error, EOFError, NotImplementedError) as error:
        raise InputError(f"cannot read {path}: not an .npz of samples") from error


class MappedNpz(Mapping[str, np.ndarray]):
    """Read-only views of a file's arrays, by name; bytes are read from the disk when they are looked at.

    Raises:
        InputError: the file cannot be opened, or, when an array is asked for, is shorter than its member says.
    """

    def __init__(self, path: Path, members: Mapping[str, Member]) -> None:
        self._path, self._members = path, members
        try:
            self._content = np.asarray(np.memmap(path, np.uint8, mode="r"))
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error

    def __getitem__(self, name: str) -> np.ndarray:
        """The array `name`; raises KeyError where there is none."""
        member = self._members[name]
        num_bytes = math.prod(member.shape) * member.dtype.itemsize
        part = self._content[member.offset_bytes : member.offset_bytes + num_bytes]
        if len(part) != num_bytes:
            raise InputError(f"cannot read {self._path}: it is shorter than its directory says")
        return part.view(member.dtype).reshape(member.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


def _padding(start: int) -> bytes:
    zeros = -(start + _PADDING.size) % ALIGNMENT_BYTES
    return _PADDING.pack(_PADDING_ID, zeros + 2, ALIGNMENT_BYTES) + bytes(zeros)


def _npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    # `ascontiguousarray` would turn a scalar into an array of one
    np.lib.format.write_array(buffer, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _member(file: BinaryIO, info: zipfile.ZipInfo, path: Path) -> Member:
    if info.compress_type != zipfile.ZIP_STORED:
        raise InputError(f"cannot read {path}: {info.filename} is compressed; expected an uncompressed .npz")
    file.seek(info.header_offset)
    signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if signature != _LOCAL_SIGNATURE:
        raise ValueError("no local header")
    file.seek(name_bytes + extra_bytes, io.SEEK_CUR)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("another version of .npy")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject or (fortran_order and len(shape) > 1):
        raise ValueError("not a plain array")
    return Member(file.tell(), dtype, shape)
