"""`annot_data.mat` of a test sequence: MATLAB 5 or MATLAB 7.3 (HDF5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from poseterior.data.mpi_inf_3dhp.names import ACTIVITIES, H36M_IN_JOINTS
from poseterior.errors import InputError

FILE = "annot_data.mat"
TRUTHS = ("univ_annot3", "annot3")
"""univ_annot3: bones scaled to a universal skeleton, which the test set's own evaluation uses; annot3: as measured."""
_VARIABLES = ("annot2", *TRUTHS, "valid_frame", "activity_annotation")
_HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Annotations:
    """The valid frames of a sequence; joints in the order of Human3.6M-17."""

    frame: Int[np.ndarray, " frames"]
    """Counted from 0: picture img_000001.jpg is frame 0."""
    joints_px: Float[np.ndarray, "frames 17 2"]
    """annot2: picture pixels, y down."""
    joints_m: Float[np.ndarray, "frames 17 3"]
    """The truth asked for: camera frame, metres."""
    activity: tuple[str, ...]
    """Of `names.ACTIVITIES`."""


def read_annotations(path: Path, truth: str) -> Annotations:
    """The frames that `valid_frame` marks.

    Args:
        path: the sequence's `FILE`.
        truth: one of `TRUTHS`.

    Raises:
        InputError: the file cannot be read; a variable is missing or has the wrong shape; a valid frame has no truth
            (NaN, infinite or all zero) or an unknown activity; no frame is valid.
    """
    values = _variables(path)
    valid = np.asarray(values["valid_frame"]).ravel()
    count = len(valid)
    frame = np.flatnonzero(valid)
    if len(frame) == 0:
        raise InputError(f"{path}: valid_frame marks no frame; expected at least one")
    joints_px = _joints(path, "annot2", values, 2, count)[frame]
    joints_mm = _joints(path, truth, values, 3, count)[frame]
    for name, joints in (("annot2", joints_px), (truth, joints_mm)):
        known = np.isfinite(joints).all(axis=(1, 2)) & (joints != 0).any(axis=(1, 2))
        if not known.all():
            raise InputError(
                f"{path}: {name} of frame {int(frame[int((~known).argmax())])} (counted from 0) is NaN, infinite "
                "or all zero, though valid_frame marks it"
            )
    return Annotations(frame, joints_px, joints_mm / 1000.0, _activities(path, values, count, frame))


def _activities(
    path: Path, values: dict[str, Any], count: int, frame: Int[np.ndarray, " frames"]
) -> tuple[str, ...]:
    codes = np.asarray(values["activity_annotation"]).ravel()
    if len(codes) != count:
        raise InputError(
            f"{path}: activity_annotation has {len(codes)} frames; expected {count} as in valid_frame"
        )
    codes = codes[frame]
    unknown = ~np.isin(codes, np.arange(1, len(ACTIVITIES) + 1))
    if unknown.any():
        raise InputError(
            f"{path}: activity_annotation is {codes[unknown.argmax()]} in frame {int(frame[unknown.argmax()])}; "
            f"expected 1 to {len(ACTIVITIES)}"
        )
    return tuple(ACTIVITIES[int(code) - 1] for code in codes)


def _joints(
    path: Path, name: str, values: dict[str, Any], axes: int, count: int
) -> Float[np.ndarray, "frames 17 axes"]:
    array = np.asarray(values[name])
    # MATLAB's (axes, 17, 1 person, frames); it drops trailing axes of length 1
    if array.shape[:2] != (axes, 17) or array.size != axes * 17 * count or array.dtype.kind not in "iuf":
        raise InputError(
            f"{path}: {name} has shape {array.shape}; expected ({axes}, 17, 1, {count}) as in valid_frame"
        )
    joints = array.reshape(axes, 17, count).transpose(2, 1, 0)
    return joints[:, H36M_IN_JOINTS].astype(np.float64)


def _variables(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            start = file.read(520)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}; expected {FILE}") from error
    # MATLAB puts 512 bytes of its own in front of HDF5
    reader = _from_hdf5 if _HDF5 in (start[:8], start[512:520]) else _from_matlab_5
    try:
        values = reader(path)
    except ImportError as error:
        raise InputError(
            f"{path} needs the package {error.name}; install it with pip install poseterior[datasets]"
        ) from None
    # A damaged file fails in many ways inside scipy and h5py, and none tells the user more.
    except Exception as error:
        raise InputError(f"{path} is not a readable MATLAB file: {error}") from error
    for name in _VARIABLES:
        if name not in values:
            raise InputError(f"{path}: variable {name} is missing; expected {', '.join(_VARIABLES)}")
    return values


def _from_matlab_5(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    return loadmat(path, variable_names=_VARIABLES)


def _from_hdf5(path: Path) -> dict[str, Any]:
    import h5py

    with h5py.File(path, "r") as file:
        # HDF5 lists MATLAB's axes from the last to the first
        return {
            name: np.asarray(file[name]).T for name in _VARIABLES if isinstance(file.get(name), h5py.Dataset)
        }
