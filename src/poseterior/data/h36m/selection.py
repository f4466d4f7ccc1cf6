"""Which of the authors' detected pictures make which evaluation set (METHOD section 5)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from jaxtyping import Int

from poseterior.data.evaluation_set import AMBIGUOUS_RATIO
from poseterior.data.h36m.detections import VideoDetections
from poseterior.data.hrnet_profile import HRNET_H36M
from poseterior.errors import InputError

Rows = list[Int[np.ndarray, " _"]]
"""Per video, which of its pictures are taken."""


def every_nth(actions: list[str], lengths: list[int], stride: int) -> Rows:
    """Every `stride`-th picture of an action; the count runs on from one video into the next.

    Args:
        actions: of each video, in the order in which an action's videos are strung together.
        lengths: pictures of each video.
        stride: in pictures.
    """
    chosen: Rows = []
    seen: Counter[str] = Counter()
    for action, length in zip(actions, lengths, strict=True):
        chosen.append(np.arange(-seen[action] % stride, length, stride))
        seen[action] += length
    return chosen


def ambiguous(videos: list[VideoDetections]) -> Rows:
    """Pictures of which some joint has a fitted sigma above 2.5 times 2 cells (METHOD section 5)."""
    limit = AMBIGUOUS_RATIO * HRNET_H36M.sigma_confident_cells
    return [np.flatnonzero((video.fits[..., [3, 5]] > limit).any(axis=(1, 2))) for video in videos]


def listed(videos: list[VideoDetections], names: dict[str, int], frame_list: Path) -> Rows:
    """The pictures whose names are the keys of `names` (values: lines of the list).

    Raises:
        InputError: a name is not among the videos' pictures.
    """
    left = dict(names)
    chosen = []
    for video in videos:
        rows = [row for row, path in enumerate(video.image_path) if left.pop(path, None) is not None]
        chosen.append(np.array(rows, dtype=np.int64))
    if left:
        path, line = next(iter(left.items()))
        raise InputError(
            f"frame list {frame_list}, line {line}: {path} is not among the detected pictures of the test subjects"
        )
    return chosen
