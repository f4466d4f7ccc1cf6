"""Human3.6M in VideoPose3D's form (Pavllo et al., 2019): world poses, and 2D joints of four cameras, in two .npz.

`data_3d_h36m.npz`: positions_3d, a dict subject -> action -> (frames, 32 or 17, 3), world frame, metres.
A 2D file: positions_2d, a dict subject -> action -> a list of four (frames, joints, 2), pixels, in the order of
`names.CAMERAS`; metadata, a dict with layout_name ("h36m" or "coco"). Neither says where the cameras stand: see
`cameras.py`. Both dicts are pickled, and are read without running anything (`restricted_pickle`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from poseterior.data.checksum import checksum_of_files
from poseterior.data.confident import NOTE, confident_gaussians, px_per_cell, squares_around
from poseterior.data.evaluation_set import EvaluationSet
from poseterior.data.h36m.cameras import JSON, METADATA, read_cameras
from poseterior.data.h36m.detections import STEP
from poseterior.data.h36m.joints import seventeen_joints
from poseterior.data.h36m.names import (
    ACTIONS,
    CAMERAS,
    OTHER_ACTION_NAMES,
    SUBJECTS,
    action_and_subaction,
)
from poseterior.data.h36m.selection import every_nth
from poseterior.data.hrnet_profile import HRNET_H36M
from poseterior.data.mpii_joints import MPII_IN_H36M
from poseterior.data.restricted_pickle import read_object_npz
from poseterior.data.scale import metres_per_unit
from poseterior.errors import InputError
from poseterior.heatmaps.derive import mpii_weights
from poseterior.skeleton import COCO_17, H36M_17, MPII_16
from poseterior.types import DetectorProfile

FILE_3D = "data_3d_h36m.npz"
FILE_2D = "data_2d_h36m_cpn_ft_h36m_dbb.npz"

_WEIGHTS = {"h36m": np.eye(len(H36M_17))[MPII_IN_H36M], "coco": mpii_weights(COCO_17)}
"""Layout -> the weights of its joints in each joint of MPII-16."""


@dataclass(frozen=True)
class _View:
    """What one camera saw of one take."""

    subject: str
    action: str
    take: str
    """As the files name it, such as "Directions 1"."""
    camera: str
    joints_m: Float[np.ndarray, "frames 17 3"]
    """Camera frame; every 4th frame, from frame 3."""
    joints_px: Float[np.ndarray, "frames 16 2"]


def load_h36m_videopose(
    folder: str | Path,
    *,
    split: str = "test",
    every: int = 64,
    file_2d: str = FILE_2D,
    profile: DetectorProfile = HRNET_H36M,
) -> EvaluationSet:
    """Every `every`-th frame of the split, counted as `official.load_h36m` counts; no heatmaps (see `notes`).

    Args:
        folder: holds `FILE_3D`, the 2D file, and the cameras' places (`cameras.read_cameras`).
        split: "train" or "test".
        every: a multiple of 4.
        file_2d: name of the 2D file; 2D joints count as projections of the truth where the name has a part "gt".
        profile: given to the Gaussians, which are all confident.

    Raises:
        InputError: a file is missing or unreadable, a subject, action or camera is missing, a shape is wrong, a
            value is not finite, or the layout of the 2D joints is not known.
    """
    if every < STEP or every % STEP != 0:
        raise InputError(f"every is {every}; expected a multiple of {STEP}, as in the authors' protocol")
    if split not in SUBJECTS:
        raise InputError(f"split is {split!r}; expected one of {', '.join(SUBJECTS)}")
    folder = Path(folder)
    views = sorted(_views(folder, file_2d, split), key=lambda view: ACTIONS.index(view.action))
    rows = every_nth([view.action for view in views], [len(view.joints_m) for view in views], every // STEP)
    joints_m = np.concatenate([view.joints_m[taken] for view, taken in zip(views, rows, strict=True)])
    joints_px = np.concatenate([view.joints_px[taken] for view, taken in zip(views, rows, strict=True)])
    if len(joints_m) == 0:
        raise InputError(f"{folder / FILE_3D} holds no frame of the split {split}; expected at least {STEP}")
    squares = squares_around(joints_px, f"{folder / file_2d}: positions_2d")
    metres_per_px = metres_per_unit(joints_m[:, MPII_IN_H36M], joints_px, MPII_16.index("pelvis"))
    pictures = [view for view, taken in zip(views, rows, strict=True) for _ in taken]
    cameras = METADATA if (folder / METADATA).is_file() else JSON
    return EvaluationSet(
        name=f"h36m-videopose-{split}",
        joints_m=joints_m,
        has_joint=np.ones(joints_m.shape[:2], dtype=bool),
        gaussians=confident_gaussians(joints_px, squares, profile),
        profile=profile,
        metres_per_cell=metres_per_px * px_per_cell(squares, profile),
        subject=tuple(view.subject for view in pictures),
        action=tuple(view.action for view in pictures),
        camera=tuple(view.camera for view in pictures),
        sequence=tuple(f"{view.subject} {view.take}" for view in pictures),
        frame=np.concatenate([STEP * taken + STEP - 1 for taken in rows]),
        image_path=(None,) * len(pictures),
        joints_2d_source="truth" if "gt" in Path(file_2d).stem.split("_") else "detector",
        checksum=checksum_of_files(folder, [folder / FILE_3D, folder / file_2d, folder / cameras]),
        notes=(NOTE, f"2D joints without heatmaps are given the profile {profile.name}."),
        joints_2d=joints_px,
    )


def _views(folder: Path, file_2d: str, split: str) -> Iterator[_View]:
    path_3d, path_2d = folder / FILE_3D, folder / file_2d
    positions_3d = _dict(path_3d, "positions_3d", read_object_npz(path_3d).get("positions_3d"))
    archive_2d = read_object_npz(path_2d)
    positions_2d = _dict(path_2d, "positions_2d", archive_2d.get("positions_2d"))
    weights = _weights(path_2d, archive_2d.get("metadata"))
    cameras = read_cameras(folder)
    for subject in SUBJECTS[split]:
        takes_3d = _dict(path_3d, f"positions_3d/{subject}", positions_3d.get(subject))
        takes_2d = _dict(path_2d, f"positions_2d/{subject}", positions_2d.get(subject))
        for take in sorted(takes_3d, key=lambda take: _order(subject, take)):
            poses_m = _poses(f"{path_3d}: positions_3d/{subject}/{take}", takes_3d[take])
            joints = takes_2d.get(take)
            if not isinstance(joints, list | tuple) or len(joints) != len(CAMERAS):
                raise InputError(
                    f"{path_2d}: positions_2d/{subject}/{take} must be a list of {len(CAMERAS)} arrays, one a camera"
                )
            for camera, joints_px in zip(CAMERAS, joints, strict=True):
                if (subject, camera) not in cameras:
                    raise InputError(f"{folder}: the cameras' places lack {subject}/{camera}")
                where = f"{path_2d}: positions_2d/{subject}/{take}, camera {camera}"
                yield _View(
                    subject,
                    _action(path_3d, take),
                    take,
                    camera,
                    cameras[subject, camera].to_camera(poses_m),
                    weights @ _joints_px(where, joints_px, len(poses_m), weights.shape[1]),
                )


def _dict(path: Path, where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{path}: {where} is missing or no dict; expected VideoPose3D's subject -> action")
    return value


def _weights(path: Path, metadata: Any) -> Float[np.ndarray, "16 joints"]:
    layout = _dict(path, "metadata", metadata).get("layout_name")
    if layout not in _WEIGHTS:
        raise InputError(
            f"{path}: metadata/layout_name is {layout!r}; the joint orders known are {', '.join(_WEIGHTS)}"
        )
    return _WEIGHTS[layout]


def _action(path: Path, take: str) -> str:
    name = re.sub(r" \d+", "", take)
    for action in ACTIONS:
        if name in (action, *OTHER_ACTION_NAMES.get(action, ())):
            return action
    raise InputError(f"{path}: positions_3d has an action {take!r}; expected one of {', '.join(ACTIONS)}")


def _order(subject: str, take: str) -> tuple[str, str]:
    """As the authors' detections order the takes of an action; others by name."""
    known = action_and_subaction(subject, take)
    return (known[1] if known else take, take)


def _poses(where: str, values: Any) -> Float[np.ndarray, "frames 17 3"]:
    if (
        not isinstance(values, np.ndarray)
        or values.ndim != 3
        or values.shape[2] != 3
        or values.dtype.kind != "f"
    ):
        raise InputError(f"{where} must be an array of (frames, 32 or 17, 3) decimal numbers")
    poses_m = seventeen_joints(values, where)
    if not np.isfinite(poses_m).all():
        raise InputError(f"{where} holds NaN or infinite values")
    return poses_m[STEP - 1 :: STEP]


def _joints_px(where: str, values: Any, count: int, joints: int) -> Float[np.ndarray, "frames joints 2"]:
    if not isinstance(values, np.ndarray) or values.ndim != 3 or values.shape[1:] != (joints, 2):
        shape = values.shape if isinstance(values, np.ndarray) else type(values).__name__
        raise InputError(f"{where} is {shape}; expected (frames, {joints}, 2)")
    # detectors saw some frames after the motion capture had ended
    joints_px = values[STEP - 1 :: STEP][:count].astype(np.float64)
    if len(joints_px) < count:
        raise InputError(f"{where} has {len(values)} frames, fewer than positions_3d")
    if not np.isfinite(joints_px).all():
        raise InputError(f"{where} holds NaN or infinite values")
    return joints_px
