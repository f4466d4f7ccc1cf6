"""What the user names -> the pictures it stands for: files, folders, globs, single video frames."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from poseterior.errors import InputError
from poseterior.sources.image import IMAGE_SUFFIXES, read_image
from poseterior.sources.video import VIDEO_SUFFIXES, read_frame

_FRAME = re.compile(r"(?P<path>.+)#(?P<index>\d+)")


@dataclass(frozen=True)
class Picture:
    """One input picture, read only when asked for."""

    name: str
    """Unique among the pictures of one call; results are named after it."""
    source: str
    """What it is, for messages: a path, or VIDEO#FRAME."""
    reader: Callable[[], UInt8[np.ndarray, "height width 3"]]

    def read(self) -> UInt8[np.ndarray, "height width 3"]:
        """The picture as uint8 RGB, upright.

        Raises:
            InputError: it cannot be read; the text names it.
        """
        return self.reader()


def expand_sources(sources: Iterable[str | Path]) -> list[Picture]:
    """The pictures that `sources` stand for, in order; nothing is read yet.

    A source is a picture file; a folder (its pictures by suffix, sorted, without its sub-folders); a glob such
    as `shots/*.jpg`; or one frame of a video, `VIDEO#FRAME` with frames counted from 0, as in `walk.mp4#120`.
    A source that stands for nothing (missing file, empty folder, glob without a match, video without a frame)
    gives one picture whose `read` raises InputError, so that the others of the same call are still done.
    Names are file names without the suffix, `NAME_frame000120` for a frame; the second of a name gets `-2`.
    """
    pictures = [picture for source in sources for picture in _expand(str(source))]
    return _uniquely_named(pictures)


def read_picture(source: str | Path) -> UInt8[np.ndarray, "height width 3"]:
    """The one picture that `source` stands for: a file, or VIDEO#FRAME; uint8 RGB, upright.

    Raises:
        InputError: it cannot be read, or stands for several pictures.
    """
    pictures = expand_sources([source])
    if len(pictures) != 1:
        raise InputError(f"{source} stands for {len(pictures)} pictures; expected one")
    return pictures[0].read()


def _expand(source: str) -> list[Picture]:
    if not source:
        return [_failed(source, "a source is the empty text; expected a path")]
    path = Path(source)
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        return [_failed(source, f"{source} cannot be read: {error.strerror}")]
    if is_folder:
        return _folder(path)
    if not exists:
        if frame := _FRAME.fullmatch(source):
            return [_frame(Path(frame["path"]), int(frame["index"]))]
        if glob.has_magic(source):
            return _glob(source)
    return [_file(path)]


def _folder(folder: Path) -> list[Picture]:
    try:
        entries = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
        # what is no file either, such as a broken link, stays: its sentence is better than silence
        images = [path for path in entries if not path.is_dir()]
    except OSError as error:
        return [_failed(str(folder), f"{folder} cannot be read: {error.strerror}")]
    return [_file(path) for path in images] or [_failed(str(folder), f"{folder} holds no pictures")]


def _glob(pattern: str) -> list[Picture]:
    # glob.glob takes absolute patterns too, which Path.glob refuses
    matches = [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207
    try:
        files = [path for path in matches if not path.is_dir()]
    except OSError as error:
        return [_failed(pattern, f"{pattern} cannot be read: {error.strerror}")]
    return [_file(path) for path in files] or [_failed(pattern, f"no file matches {pattern}")]


def _file(path: Path) -> Picture:
    if path.suffix.lower() in VIDEO_SUFFIXES and path.exists():
        return _failed(str(path), f"{path} is a video; choose one frame of it, as in {path}#120")
    return Picture(path.stem, str(path), partial(read_image, path))


def _frame(path: Path, index: int) -> Picture:
    return Picture(f"{path.stem}_frame{index:06d}", f"{path}#{index}", partial(read_frame, path, index))


def _failed(source: str, message: str) -> Picture:
    def reader() -> UInt8[np.ndarray, "height width 3"]:
        raise InputError(message)

    return Picture(Path(source).stem, source, reader)


def _uniquely_named(pictures: list[Picture]) -> list[Picture]:
    taken: set[str] = set()
    named = []
    for picture in pictures:
        name, count = picture.name, 1
        # compared without case: on some file systems results would overwrite each other
        while name.casefold() in taken:
            count += 1
            name = f"{picture.name}-{count}"
        taken.add(name.casefold())
        named.append(replace(picture, name=name))
    return named
