"""Frames of a video file, decoded with PyAV, counted from 0 in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from poseterior.errors import InputError
from poseterior.sources.image import check_file

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv"})
"""How a video is told from a picture in a list of inputs."""


def read_frame(path: str | Path, index: int) -> UInt8[np.ndarray, "height width 3"]:
    """Frame `index` (from 0) as uint8 RGB, upright.

    Every frame before it is decoded: the exact frame, also where the frame rate varies.

    Raises:
        InputError: as for `iter_frames`, or the video has no frame `index`.
    """
    if index < 0:
        raise InputError(f"{path} has no frame {index}; frames are counted from 0")
    count = 0
    for count, frame in enumerate(_decoded(Path(path)), start=1):
        if count == index + 1:
            return _rgb(frame)
    raise InputError(f"{path} has no frame {index}; its frames are 0 to {count - 1}")


def iter_frames(
    path: str | Path, *, start: int = 0, stop: int | None = None, step: int = 1
) -> Iterator[tuple[int, UInt8[np.ndarray, "height width 3"]]]:
    """(index, uint8 RGB frame) for the frames start, start + step, ... before `stop`.

    Raises:
        InputError: missing, a folder, not readable, empty, not a video, or damaged.
    """
    for index, frame in enumerate(_decoded(Path(path))):
        if stop is not None and index >= stop:
            return
        if index >= start and (index - start) % step == 0:
            yield index, _rgb(frame)


def _rgb(frame: VideoFrame) -> UInt8[np.ndarray, "height width 3"]:
    # phones store upright video turned, with the counter-clockwise turn that undoes it
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90)))


def _decoded(path: Path) -> Iterator[VideoFrame]:
    check_file(path)
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path} holds no video stream")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            yield from container.decode(stream)
    except FFmpegError as error:
        raise InputError(f"{path} is not a video that can be read: {error.strerror or error}") from error
