"""CMU motion capture as one npz, from a folder of its BVH files (cgspeed's conversions: SUBJECT_TRIAL.bvh).

    python experiments/motion_from_bvh.py --bvh FOLDER --out MOTION/cmu_30hz.npz

Every fourth of the 120 frames a second is taken; the first ten are left out, in which clips blend out of a T pose.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from poseterior.data.bvh import read_bvh
from poseterior.errors import InputError, PoseteriorError
from poseterior.export.atomic import atomic_path

_NAME = re.compile(r"(\d+)_(\d+)")


@dataclass(frozen=True)
class Arguments:
    """What is read and written."""

    bvh: Path
    """Folder of BVH files, named SUBJECT_TRIAL.bvh."""
    out: Path
    """The npz."""
    every: int = 4
    """Which frames are taken."""
    skip: int = 10
    """Frames left out at the start of each clip."""


def read_folder(folder: Path, every: int, skip: int) -> dict[str, np.ndarray]:
    """The arrays of `data.motion.read_motion`, clips in the order of their names."""
    paths = sorted(folder.glob("*.bvh"))
    if not paths:
        raise InputError(f"{folder} holds no .bvh file")
    joints, clip, subject, fps = [], [], [], 0.0
    for number, path in enumerate(paths):
        name = _NAME.fullmatch(path.stem)
        if name is None:
            raise InputError(f"{path} is not named SUBJECT_TRIAL.bvh, which says whose motion it is")
        motion = read_bvh(path, skip_frames=skip)
        joints.append(motion.joints_m[::every])
        clip.append(np.full(len(joints[-1]), number, dtype=np.int16))
        subject.append(np.full(len(joints[-1]), int(name[1]), dtype=np.int16))
        fps = motion.frames_per_second / every
    return {
        "joints_m": np.concatenate(joints),
        "clip": np.concatenate(clip),
        "clip_names": np.array([path.stem for path in paths]),
        "subject": np.concatenate(subject),
        "fps": np.array(round(fps, 3), dtype=np.float32),
    }


def main() -> int:
    """Convert the folder."""
    arguments = tyro.cli(Arguments, description=__doc__)
    try:
        arrays = read_folder(arguments.bvh, arguments.every, arguments.skip)
        with atomic_path(arguments.out) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
    except PoseteriorError as error:
        print(f"motion_from_bvh: {error}", file=sys.stderr)
        return 1
    print(f"{len(arrays['joints_m'])} frames of {len(arrays['clip_names'])} clips -> {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
