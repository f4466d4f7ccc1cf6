"""Human3.6M in MMPose's form: `h36m_train.npz`, `h36m_test.npz` out of its `preprocess_h36m.py`.

imgname (n,), such as "S9/S9_Directions_1.54138969/S9_Directions_1.54138969_000001.jpg" (frames counted from 1);
S (n, 17, 4): Human3.6M-17, camera frame, metres, not root-centred, and visibility; part (n, 17, 3): projections in
pixels and visibility; center (n, 2) and scale (n,): middle and side / 200 px of the square around the person.
There are no heatmaps and no detections: `part` is the truth.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from poseterior.data.checksum import checksum_of_files
from poseterior.data.confident import NOTE, Squares, confident_gaussians, px_per_cell
from poseterior.data.evaluation_set import EvaluationSet
from poseterior.data.h36m.names import SUBJECTS, action_and_subaction
from poseterior.data.hrnet_profile import HRNET_H36M
from poseterior.data.mpii_joints import MPII_IN_H36M
from poseterior.data.restricted_pickle import read_object_npz
from poseterior.data.scale import metres_per_unit
from poseterior.errors import InputError
from poseterior.skeleton import MPII_16
from poseterior.types import DetectorProfile

FIELDS = {"S": ("n", 17, 4), "part": ("n", 17, 3), "center": ("n", 2), "scale": ("n",)}
PX_PER_SCALE = 200.0
_NAME = re.compile(r"(?:.*/)?(?P<subject>S\d+)_(?P<stem>.+)\.(?P<camera>\d{8})_(?P<number>\d+)\.[a-z]+")
_MAX_METRES = 50.0


def load_h36m_mmpose(
    folder: str | Path, *, split: str = "test", every: int = 1, profile: DetectorProfile = HRNET_H36M
) -> EvaluationSet:
    """Every `every`-th row of the split's file, whatever its frame rate (MMPose writes every 5th or every frame).

    Args:
        folder: holds h36m_train.npz or h36m_test.npz, such as MMPose's annotation_body3d/fps50.
        split: "train" or "test".
        every: of the rows, in the file's order.
        profile: given to the Gaussians, which are all confident.

    Raises:
        InputError: the file cannot be read, a field is missing or has the wrong shape or values that are not
            finite, an image's name is not as above, a joint has no truth, or `S` is in millimetres.
    """
    if split not in SUBJECTS:
        raise InputError(f"split is {split!r}; expected one of {', '.join(SUBJECTS)}")
    if every < 1:
        raise InputError(f"every is {every}; expected at least 1")
    folder = Path(folder)
    path = folder / f"h36m_{split}.npz"
    archive = read_object_npz(path)
    names = [str(name) for name in _names(path, archive.get("imgname"))][::every]
    fields = {field: _field(path, archive, field, len(archive["imgname"]))[::every] for field in FIELDS}
    joints_m, joints_px = fields["S"][..., :3], fields["part"][..., :2][:, MPII_IN_H36M]
    for field in ("S", "part"):
        hidden = (fields[field][..., -1] <= 0).any(axis=1)
        if hidden.any():
            raise InputError(f"{path}: {field} of {names[int(hidden.argmax())]} has a joint without truth")
    if np.abs(joints_m).max() > _MAX_METRES:
        raise InputError(
            f"{path}: S holds {np.abs(joints_m).max():.0f}; expected metres in the camera's frame"
        )
    squares = Squares(fields["center"], fields["scale"] * PX_PER_SCALE)
    if (squares.side_px <= 0).any():
        raise InputError(f"{path}: scale holds values that are not positive")
    metres_per_px = metres_per_unit(joints_m[:, MPII_IN_H36M], joints_px, MPII_16.index("pelvis"))
    parsed = [_parsed(path, name) for name in names]
    return EvaluationSet(
        name=f"h36m-mmpose-{split}",
        joints_m=joints_m,
        has_joint=np.ones(joints_m.shape[:2], dtype=bool),
        gaussians=confident_gaussians(joints_px, squares, profile),
        profile=profile,
        metres_per_cell=metres_per_px * px_per_cell(squares, profile),
        subject=tuple(subject for subject, _, _, _, _ in parsed),
        action=tuple(action for _, action, _, _, _ in parsed),
        camera=tuple(camera for _, _, _, camera, _ in parsed),
        sequence=tuple(f"{subject} {stem}" for subject, _, stem, _, _ in parsed),
        frame=np.array([frame for _, _, _, _, frame in parsed], dtype=np.int64),
        image_path=tuple(names),
        joints_2d_source="truth",
        checksum=checksum_of_files(folder, [path]),
        notes=(NOTE, f"2D joints are the projections of the truth, given the profile {profile.name}."),
        joints_2d=joints_px,
    )


def _names(path: Path, values: Any) -> Any:
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind != "U" or len(values) == 0:
        raise InputError(f"{path}: imgname is missing or not a list of texts; expected a name a picture")
    return values


def _field(path: Path, archive: dict[str, Any], field: str, count: int) -> Float[np.ndarray, "pictures ..."]:
    expected = tuple(count if side == "n" else side for side in FIELDS[field])
    values = archive.get(field)
    if not isinstance(values, np.ndarray) or values.shape != expected or values.dtype.kind not in "iuf":
        got = "missing" if values is None else f"of shape {np.shape(values)}"
        raise InputError(f"{path}: {field} is {got}; expected {expected} numbers, one row per imgname")
    bad = ~np.isfinite(values).reshape(count, -1).all(axis=1)
    if bad.any():
        raise InputError(f"{path}: {field} holds NaN or infinite values in row {int(bad.argmax())}")
    return values.astype(np.float64)


def _parsed(path: Path, name: str) -> tuple[str, str, str, str, int]:
    """Subject, action, take, camera, frame counted from 0."""
    match = _NAME.fullmatch(name)
    stem = match["stem"].replace("_", " ") if match else ""
    known = action_and_subaction(match["subject"], stem) if match else None
    if match is None or known is None or int(match["number"]) < 1:
        raise InputError(
            f"{path}: imgname {name!r:.80} names no take; "
            "expected such as S9/S9_Directions_1.54138969/S9_Directions_1.54138969_000001.jpg"
        )
    return match["subject"], known[0], stem, match["camera"], int(match["number"]) - 1
