"""Official 3D poses: the CDF files of `D3_Positions_mono`, one per video, in the frame of its camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from poseterior.data.h36m.joints import seventeen_joints
from poseterior.data.h36m.names import VideoName, official_stems
from poseterior.errors import InputError

FOLDER = Path("MyPoseFeatures") / "D3_Positions_mono"
"""Below the subject's folder, as the official archives unpack."""
VARIABLE = "Pose"


def find_cdf(folder: Path, video: VideoName) -> Path:
    """The file of a video below `folder`, under whichever of its names.

    Raises:
        InputError: there is none.
    """
    stems = official_stems(video.subject, video.action, video.subaction)
    paths = [folder / video.subject / FOLDER / f"{stem}.{video.camera}.cdf" for stem in stems]
    for path in paths:
        if path.is_file():
            return path
    others = "".join(f" or {path.name}" for path in paths[1:])
    raise InputError(f"{paths[0]}{others} does not exist; expected the subject's D3_Positions_mono there")


def read_cdf_poses(path: Path) -> Float[np.ndarray, "frames 17 3"]:
    """float64, Human3.6M-17, camera frame, metres (the file's millimetres / 1000), every frame of the video.

    Raises:
        InputError: the package cdflib is missing; the file is no CDF, has no variable Pose of 96 columns, or holds
            values that are not finite.
    """
    values = np.asarray(_variable(path))
    if values.ndim == 3 and len(values) == 1:
        values = values[0]
    if values.ndim != 2 or values.shape[1] != 96 or values.dtype.kind != "f":
        raise InputError(
            f"{path}: variable {VARIABLE} has shape {values.shape} and type {values.dtype}; "
            "expected (1, frames, 96) decimal numbers"
        )
    poses_m = seventeen_joints(values.reshape(-1, 32, 3), f"{path}: variable {VARIABLE}") / 1000.0
    bad = ~np.isfinite(poses_m).all(axis=(1, 2))
    if bad.any():
        raise InputError(
            f"{path}: variable {VARIABLE} holds NaN or infinite values in frame {int(bad.argmax())}"
        )
    return poses_m


def _variable(path: Path) -> Any:
    try:
        import cdflib
    except ImportError:
        raise InputError(
            f"{path} needs the package cdflib; install it with pip install poseterior[datasets]"
        ) from None
    try:
        return cdflib.CDF(path).varget(VARIABLE)
    # A damaged CDF fails in many ways inside cdflib, and none tells the user more.
    except Exception as error:
        raise InputError(f"{path} is not a CDF with a variable {VARIABLE}: {error}") from error
