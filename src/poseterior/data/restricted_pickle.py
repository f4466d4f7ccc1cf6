"""Pickles of others, read without running anything: arrays, texts, numbers, lists, tuples and dicts.

A pickle names the functions that rebuild its objects, and may name any. Here the names that numpy writes stand for
functions of this file, which check what they are given, and every other name is refused. numpy's own functions are
never called with a pickle's arguments: a dtype with forged flags makes `ndarray.__setstate__` read raw memory.
Pickles of Python 2 are read too; their byte strings become texts (latin1).
"""

from __future__ import annotations

import math
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from poseterior.errors import InputError

_ADMITTED = "numpy arrays, texts, bytes, numbers, lists, tuples and dicts"
_DTYPE = re.compile(r"[<>|=]?(?P<kind>[biufcSUO])[0-9]{0,7}")
_MAX_DEPTH = 32
"""A list that holds itself is deeper than any."""


def read_pickle(path: str | Path) -> Any:
    """What the pickle at `path` holds; its arrays are read-only, arrays of objects become lists.

    Raises:
        InputError: the file cannot be opened, is no pickle, is damaged, or holds anything but numpy arrays and
            scalars, texts, bytes, numbers, None, lists, tuples and dicts.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _load(file, str(path))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}; expected a pickle") from error


def read_object_npz(path: str | Path) -> dict[str, Any]:
    """Every array of the .npz at `path` by name; an object array of no axes gives its one object.

    Raises:
        InputError: as for `read_pickle`; the message names the array.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            return {name.removesuffix(".npy"): _member(archive, name, path) for name in names}
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; expected an .npz") from None
    # A damaged archive fails in many ways, inside zipfile, zlib and numpy, and none tells the user more.
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{path} is not a readable .npz: {error}") from error


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> Any:
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read_header is None:
            raise ValueError(f"array {name} is of .npy version {version}; expected 1.0 or 2.0")
        _, _, dtype = read_header(file)
        if dtype.hasobject:
            return _load(file, f"{path}, array {name.removesuffix('.npy')}")
    with archive.open(name) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _load(file: Any, where: str) -> Any:
    try:
        return _finished(_Unpickler(file, encoding="latin1").load(), {}, 0)
    except _RefusedError as error:
        raise InputError(f"{where} is refused: {error}; expected {_ADMITTED} only") from error
    # A damaged or forged pickle can make the machine raise anything.
    except Exception as error:
        raise InputError(
            f"{where} is not a readable pickle of {_ADMITTED}: {str(error) or type(error).__name__}"
        ) from error


class _RefusedError(Exception):
    """The pickle holds something that is not admitted."""


def _refuse(what: str) -> NoReturn:
    raise _RefusedError(what)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> _Name:
        stand_in = _STAND_INS.get((module, name))
        if stand_in is None:
            _refuse(f"it asks for {module}.{name}")
        return _Name(stand_in)


class _Name:
    """A name that the pickle may call, and nothing else: it has no state to be set and cannot be subclassed."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]):
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> NoReturn:
        _refuse("it sets the state of a function")


class _Dtype:
    """numpy.dtype while the pickle is being read."""

    __slots__ = ("dtype",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, text: Any, *_: Any):
        match = _DTYPE.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            _refuse(f"it holds an array of type {text!r:.60}")
        self.dtype = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        # (version, byte order, sub-array, names, fields, size, alignment, flags): all but the order are known
        order = state[1] if isinstance(state, tuple) and len(state) >= 5 else None
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            _refuse("it holds an array of records")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """numpy.ndarray while the pickle is being read."""

    __slots__ = ("value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.value: Any = np.zeros(0)

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], _Dtype):
            _refuse("it holds an array of unknown layout")
        _, shape, dtype, is_fortran, data = state
        self.value = _array(data, dtype.dtype, shape, "F" if is_fortran else "C")


def _array(data: Any, dtype: np.dtype, shape: Any, order: str) -> Any:
    """The array of these bytes; an array of objects as its list, or as its object if it has no axes."""
    if not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
        _refuse(f"it holds an array of shape {shape!r:.60}")
    if dtype.kind == "O":
        if not isinstance(data, list) or len(data) != math.prod(shape) or len(shape) > 1:
            _refuse(f"it holds an array of objects of shape {shape}")
        return data if shape else data[0]
    raw = data.encode("latin1") if isinstance(data, str) else data
    if not isinstance(raw, bytes | bytearray) or len(raw) != dtype.itemsize * math.prod(shape):
        _refuse(f"it holds an array of shape {shape} and type {dtype} whose bytes do not fit")
    if not raw:
        return np.zeros(shape, dtype)
    flat = np.frombuffer(bytes(raw) if isinstance(raw, bytearray) else raw, dtype)
    return flat.reshape(shape, order="F" if order == "F" else "C")


def _empty_array(*_: Any) -> _Array:
    return _Array()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any, axis_order: Any = None) -> _Array:
    if not isinstance(dtype, _Dtype) or dtype.dtype.kind == "O" or order not in ("C", "F", "K"):
        _refuse("it holds an array of unknown layout")
    array = _Array()
    array.value = _array(data, dtype.dtype, shape, order)
    if order == "K" and axis_order is not None:
        array.value = array.value.transpose(axis_order)
    return array


def _scalar(dtype: Any, data: Any) -> Any:
    if not isinstance(dtype, _Dtype) or dtype.dtype.kind == "O":
        _refuse("it holds a scalar of unknown type")
    return _array(data, dtype.dtype, (), "C")[()]


def _encoded(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        _refuse("it encodes text in an unknown way")
    return text.encode("latin1")


def _no_bytes(*arguments: Any) -> bytes:
    return _refuse("it makes bytes in an unknown way") if arguments else b""


def _complex(real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        _refuse("it holds a complex number of unknown parts")
    return complex(real, imaginary)


def _not_callable(*_: Any) -> NoReturn:
    _refuse("it calls numpy.ndarray")


_STAND_INS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _not_callable,
    ("numpy", "dtype"): _Dtype,
    # protocols 0 to 2 write bytes as an encoded text
    ("_codecs", "encode"): _encoded,
}
for _builtins in ("builtins", "__builtin__"):
    _STAND_INS[_builtins, "bytes"] = _no_bytes
    _STAND_INS[_builtins, "complex"] = _complex
for _core in ("numpy.core", "numpy._core"):
    _STAND_INS[f"{_core}.multiarray", "_reconstruct"] = _empty_array
    _STAND_INS[f"{_core}.multiarray", "scalar"] = _scalar
    _STAND_INS[f"{_core}.numeric", "_frombuffer"] = _from_buffer

_PLAIN = (str, bytes, bytearray, bool, int, float, complex, type(None), np.generic, np.ndarray)


def _finished(value: Any, known: dict[int, Any], depth: int) -> Any:
    """`value` with the arrays themselves in place of what stood for them."""
    if isinstance(value, _PLAIN):
        return value
    if depth > _MAX_DEPTH:
        _refuse("it is nested without end")
    if id(value) not in known:
        known[id(value)] = _rebuilt(value, known, depth + 1)
    return known[id(value)]


def _rebuilt(value: Any, known: dict[int, Any], depth: int) -> Any:
    if isinstance(value, _Array):
        return _finished(value.value, known, depth)
    if isinstance(value, list):
        return [_finished(item, known, depth) for item in value]
    if isinstance(value, tuple):
        return tuple(_finished(item, known, depth) for item in value)
    if isinstance(value, dict):
        return {_finished(key, known, depth): _finished(item, known, depth) for key, item in value.items()}
    _refuse(f"it holds a {type(value).__name__.strip('_')}")
