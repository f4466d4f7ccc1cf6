"""Motion capture as arrays of Human3.6M-17 joint positions, read from npz (no pickle)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Bool, Float, Int

from poseterior.errors import InputError
from poseterior.skeleton import H36M_17

MAX_JOINT_SPEED_M_S = 14.0
"""No joint of a person moves faster; where one does, the skeleton flipped."""


@dataclass(frozen=True)
class Motion:
    """Frames of one capture, clip after clip."""

    name: str
    joints_m: Float[np.ndarray, "frames 17 3"]
    """float32, Human3.6M-17, metres, world frame with y up."""
    subject: Int[np.ndarray, " frames"]
    clip: Int[np.ndarray, " frames"]
    """Frames with the same number follow each other in time; the subject where the file has no clips."""
    frames_per_second: float
    frame: Int[np.ndarray, " frames"] | None = None
    """Index of each frame in the capture as it was read; None where none was left out."""

    @property
    def frame_in_capture(self) -> Int[np.ndarray, " frames"]:
        """Index of each frame in the capture as it was read."""
        return np.arange(len(self.joints_m)) if self.frame is None else self.frame

    def of_subjects(self, subjects: tuple[int, ...]) -> Motion:
        """The frames of these subjects."""
        return self.at(np.isin(self.subject, subjects))

    def at(self, kept: Bool[np.ndarray, " frames"]) -> Motion:
        """The frames where `kept` is true."""
        return Motion(
            self.name,
            self.joints_m[kept],
            self.subject[kept],
            self.clip[kept],
            self.frames_per_second,
            self.frame_in_capture[kept],
        )


def read_motion(path: Path) -> Motion:
    """Motion from an npz with `joints_m` (frames, 17, 3), `subject`, `fps` and optionally `clip`.

    Raises:
        InputError: the file is missing or damaged, or a field is missing, of another shape or not finite.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            fields = {name: file[name] for name in ("joints_m", "subject", "fps")}
            fields["clip"] = file["clip"] if "clip" in file else fields["subject"]
    except KeyError as error:
        raise InputError(f"motion file {path}: {error.args[0]}") from None
    except (OSError, ValueError, BadZipFile, EOFError):
        raise InputError(f"cannot read the motion file {path}; expected an npz without pickles") from None
    joints_m = fields["joints_m"]
    if joints_m.ndim != 3 or joints_m.shape[1:] != (len(H36M_17), 3):
        raise InputError(
            f"motion file {path}: joints_m has shape {joints_m.shape}; expected (frames, {len(H36M_17)}, 3)"
        )
    if not np.issubdtype(joints_m.dtype, np.floating) or not np.isfinite(joints_m).all():
        raise InputError(f"motion file {path}: joints_m holds values that are not finite numbers")
    for name in ("subject", "clip"):
        if fields[name].shape != joints_m.shape[:1] or fields[name].dtype.kind not in "iu":
            raise InputError(f"motion file {path}: field {name} must hold one integer per frame")
    if fields["fps"].shape != () or not float(fields["fps"]) > 0:
        raise InputError(f"motion file {path}: field fps must be one positive number")
    return Motion(
        name=path.stem,
        joints_m=joints_m.astype(np.float32),
        subject=fields["subject"].astype(np.int64),
        clip=fields["clip"].astype(np.int64),
        frames_per_second=float(fields["fps"]),
    )


def without_flips(motion: Motion, max_speed_m_s: float = MAX_JOINT_SPEED_M_S) -> Motion:
    """The motion without both frames of every step in which a joint is faster than `max_speed_m_s`."""
    step_m = np.linalg.norm(np.diff(motion.joints_m, axis=0), axis=-1).max(axis=-1, initial=0.0)
    same_clip = motion.clip[1:] == motion.clip[:-1]
    flips = same_clip & (step_m * motion.frames_per_second > max_speed_m_s)
    kept = np.ones(len(motion.joints_m), dtype=bool)
    kept[:-1] &= ~flips
    kept[1:] &= ~flips
    return motion.at(kept)
