"""Frames of a video file, decoded with PyAV, counted from 0 in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from poseterior.errors import InputError
from poseterior.sources.image import check_file, check_size

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
    path = Path(path)
    if index < 0:
        raise InputError(f"{path} has no frame {index}; frames are counted from 0")
    count = 0
    for count, frame in enumerate(_decoded(path), start=1):
        if count == index + 1:
            return _rgb(path, frame)
    if count == 0:
        raise InputError(f"{path} holds no frames")
    raise InputError(f"{path} has no frame {index}; its frames are 0 to {count - 1}")


def iter_frames(
    path: str | Path, *, start: int = 0, stop: int | None = None, step: int = 1
) -> Iterator[tuple[int, UInt8[np.ndarray, "height width 3"]]]:
    """(index, uint8 RGB frame) for the frames start, start + step, ... before `stop`.

    Raises:
        InputError: missing, a folder, a pipe or device, not readable, empty, not a video, damaged, or with
            frames of a size that `read_image` refuses too.
    """
    path = Path(path)
    for index, frame in enumerate(_decoded(path)):
        if stop is not None and index >= stop:
            return
        if index >= start and (index - start) % step == 0:
            yield index, _rgb(path, frame)


def _rgb(path: Path, frame: VideoFrame) -> UInt8[np.ndarray, "height width 3"]:
    check_size(path, frame.width, frame.height)
    with _said_of(path):
        pixels = frame.to_ndarray(format="rgb24")
    # phones store upright video turned, with the counter-clockwise turn that undoes it
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))


def _decoded(path: Path) -> Iterator[VideoFrame]:
    check_file(path)
    import av

    # "file:" keeps FFmpeg from taking a name such as a:b.mp4 for a network address
    with _said_of(path), av.open(f"file:{path}", metadata_errors="ignore") as container:
        if not container.streams.video:
            raise InputError(f"{path} holds no video stream")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        yield from container.decode(stream)


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """Turn what a damaged file makes the decoder raise, which can be anything, into InputError."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InputError(f"{path} is not a video that can be read: {reason}") from error
