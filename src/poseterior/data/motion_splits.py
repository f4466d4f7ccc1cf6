"""Which people are in which split: nobody is in two."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import numpy as np

from poseterior.data.motion import Motion, read_motion
from poseterior.data.walk_cycle import walk_cycle
from poseterior.errors import InputError

Split = Literal["train", "validation", "test"]

SHARES = {"cmu_30hz": 0.8, "uiprmd_20hz": 0.2}
"""Capture -> share of all draws; UI-PRMD is only ten exercises."""
VALIDATION = {"cmu_30hz": (10,), "uiprmd_20hz": (7,)}
TEST = {"cmu_30hz": (2, 12), "uiprmd_20hz": (8, 9)}
"""Held-out subjects: CMU's 2 walks, runs, jumps, boxes, bends and swings, its 12 walks and does tai chi."""


def default_sources(split: str, motion_folder: Path | None) -> list[tuple[Motion, float]]:
    """The captures of a split with their shares of all draws.

    Args:
        split: train, validation or test.
        motion_folder: holds `cmu_30hz.npz` and `uiprmd_20hz.npz`; None for the built-in walk cycle in all splits.

    Raises:
        InputError: the folder lacks a capture, or a capture is damaged or lacks the split's subjects.
        AssetError: the walk cycle's package is not installed.
        ValueError: there is no such split.
    """
    if split not in get_args(Split):
        raise ValueError(f"split must be one of {', '.join(get_args(Split))}; got {split}")
    if motion_folder is None:
        return [(walk_cycle(), 1.0)]
    return [(_of_split(_read(motion_folder, name), split), share) for name, share in SHARES.items()]


def _read(folder: Path, name: str) -> Motion:
    path = folder / f"{name}.npz"
    if not path.is_file():
        raise InputError(
            f"the motion folder {folder} lacks {path.name}; expected {' and '.join(_FILES)} in it"
        )
    return read_motion(path)


_FILES = tuple(f"{name}.npz" for name in SHARES)


def _of_split(motion: Motion, split: str) -> Motion:
    held_out = {"validation": VALIDATION[motion.name], "test": TEST[motion.name]}
    present = {int(subject) for subject in np.unique(motion.subject)}
    wanted = set(held_out[split]) if split in held_out else present - set().union(*held_out.values())
    if not wanted or not wanted <= present:
        raise InputError(
            f"motion file {motion.name}.npz has the subjects {sorted(present)}; "
            f"expected {sorted(wanted) or 'others than those held out'} for the {split} split"
        )
    return motion.of_subjects(tuple(sorted(wanted)))
