"""The authors' published detections: pickles of subject -> action -> sub-action -> camera -> one video's arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from poseterior.data.h36m.fits import FIT_FIELDS
from poseterior.data.h36m.names import ACTIONS, CAMERAS, MISSING_VIDEOS, SUBACTIONS, SUBJECTS, VideoName
from poseterior.data.restricted_pickle import read_pickle
from poseterior.errors import InputError
from poseterior.geometry.normalise import joint_major

FILES = {"train": "trainset_h36m_without_3d.pickle", "test": "testset_h36m_without_3d.pickle"}
"""As the authors' archive names them."""
STEP = 4
"""The authors' detector looked at every 4th frame: numbers 4, 8, ..., frames 3, 7, ... counted from 0."""

_JOINTS = 16
_FRAME_NUMBER = re.compile(r".*/(\d+)\.[a-z]+")


@dataclass(frozen=True)
class VideoDetections:
    """What the authors' detector saw in one video."""

    name: VideoName
    image_path: tuple[str, ...]
    """Such as "/S9/Directions.54138969/4.jpg"."""
    frame: Int[np.ndarray, " pictures"]
    """Frame of the video counted from 0: the picture's number less one."""
    joints_2d: Float[np.ndarray, "pictures 16 2"]
    """Detected joints of MPII-16 (`2d_hrnet`), the authors' pixels, y down."""
    fits: Float[np.ndarray, "pictures 16 7"]
    """`gaussfit`: `fits.FIT_FIELDS` of each joint, heatmap cells, as they are in the file."""

    def __len__(self) -> int:
        return len(self.image_path)


def read_detections(path: Path, split: str) -> list[VideoDetections]:
    """Every video of the split, in the authors' order of evaluation: action, subject, sub-action, camera.

    Videos without pictures and `MISSING_VIDEOS` are left out.

    Raises:
        InputError: the file cannot be read, a video or field is missing, or a field has the wrong shape.
    """
    dataset = read_pickle(path)
    videos = (_video(path, name, _entry(path, dataset, name)) for name in _names(split))
    return [video for video in videos if video is not None]


def _names(split: str) -> Iterator[VideoName]:
    for action in ACTIONS:
        for subject in SUBJECTS[split]:
            for subaction in SUBACTIONS:
                for camera in CAMERAS:
                    name = VideoName(subject, action, subaction, camera)
                    if name not in MISSING_VIDEOS:
                        yield name


def _entry(path: Path, dataset: Any, name: VideoName) -> Any:
    entry = dataset
    for depth, key in enumerate(name):
        if not isinstance(entry, dict) or key not in entry:
            where = "/".join(name[: depth + 1])
            raise InputError(f"{path} has no entry {where}; expected subject/action/sub-action/camera")
        entry = entry[key]
    return entry


def _video(path: Path, name: VideoName, entry: Any) -> VideoDetections | None:
    where = f"{path}, video {'/'.join(name)}"
    if not isinstance(entry, dict):
        raise InputError(f"{where} is no dict; expected imgpath, 2d_hrnet and gaussfit")
    for field in ("imgpath", "2d_hrnet", "gaussfit"):
        if field not in entry:
            raise InputError(f"{where}: {field} is missing")
    image_path = tuple(str(text) for text in entry["imgpath"])
    count = len(image_path)
    if count == 0:
        return None
    joints_2d = _matrix(where, "2d_hrnet", entry["2d_hrnet"], count, 2 * _JOINTS)
    fits = _matrix(where, "gaussfit", entry["gaussfit"], count, len(FIT_FIELDS) * _JOINTS)
    frame = np.array([_frame(where, text) for text in image_path], dtype=np.int64)
    if (np.diff(frame) <= 0).any():
        raise InputError(f"{where}: imgpath is not in the order of its frames")
    return VideoDetections(
        name, image_path, frame, joint_major(joints_2d, axes=2), fits.reshape(count, _JOINTS, len(FIT_FIELDS))
    )


def _matrix(
    where: str, field: str, values: Any, count: int, columns: int
) -> Float[np.ndarray, "pictures columns"]:
    array = np.asarray(values) if isinstance(values, np.ndarray | list) else np.empty(0)
    if array.shape != (count, columns) or array.dtype.kind != "f":
        raise InputError(
            f"{where}: {field} has shape {array.shape} and type {array.dtype}; "
            f"expected ({count}, {columns}) decimal numbers, one row per imgpath"
        )
    return array


def _frame(where: str, image_path: str) -> int:
    match = _FRAME_NUMBER.fullmatch(image_path)
    if match is None or int(match[1]) < 1:
        raise InputError(
            f"{where}: imgpath {image_path!r:.80} has no frame number; expected such as /S9/Walking.54138969/4.jpg"
        )
    return int(match[1]) - 1
