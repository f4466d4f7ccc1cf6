"""What one of our detectors saw in a test sequence, in `detections.npz` beside its annotations.

The file (no pickles): format = "poseterior-detections-1"; profile, boxes: texts; and per looked-at frame: frame
(counted from 0), found, and, zeros where nobody was found, of MPII-16: amplitude (n, 16), mean_cell (n, 16, 2),
covariance_cell2 (n, 16, 2, 2), pixel_from_cell (n, 2, 3). `profile` is the detector's `DetectorProfile` as JSON.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from poseterior.data.mpi_inf_3dhp.annotations import FILE as ANNOTATIONS_FILE
from poseterior.data.mpi_inf_3dhp.annotations import TRUTHS, Annotations, read_annotations
from poseterior.data.mpi_inf_3dhp.names import SEQUENCES
from poseterior.detect.base import Detector
from poseterior.errors import InputError, NoPersonError
from poseterior.export.atomic import atomic_path
from poseterior.sources.image import read_image
from poseterior.types import DetectorProfile, PersonBox

FILE = "detections.npz"
FORMAT = "poseterior-detections-1"
BOXES = ("detector", "truth")
BOX_MARGIN = 0.1
"""The body reaches out of the box of its joints by about this part of the longer side."""

_SHAPES = {
    "amplitude": (16,),
    "mean_cell": (16, 2),
    "covariance_cell2": (16, 2, 2),
    "pixel_from_cell": (2, 3),
}


@dataclass(frozen=True)
class SequenceDetections:
    """The file's content; rows where nobody was found hold zeros."""

    profile: DetectorProfile
    boxes: str
    """Who said where the person is: "detector", or "truth" (the annotated joints)."""
    frame: Int[np.ndarray, " frames"]
    found: Bool[np.ndarray, " frames"]
    amplitude: Float[np.ndarray, "frames 16"]
    mean_cell: Float[np.ndarray, "frames 16 2"]
    covariance_cell2: Float[np.ndarray, "frames 16 2 2"]
    pixel_from_cell: Float[np.ndarray, "frames 2 3"]


def image_name(frame: int) -> str:
    """Of a frame counted from 0, below the sequence's folder."""
    return f"imageSequence/img_{frame + 1:06d}.jpg"


def detect_mpi_inf_3dhp(
    folder: str | Path,
    detector: Detector,
    *,
    sequences: tuple[str, ...] = SEQUENCES,
    boxes: str = "detector",
    report: Callable[[str, int, int], None] = lambda sequence, done, total: None,
) -> None:
    """Looks at every valid frame of the sequences and writes each one's `FILE`.

    Args:
        folder: holds TS1, ..., each with annot_data.mat and imageSequence/img_000001.jpg, ...
        detector: of `poseterior.detect`.
        sequences: which of them.
        boxes: "detector" lets the detector find the person; "truth" shows it the box of the annotated joints.
        report: called after each frame with the sequence, frames done, frames in all.

    Raises:
        InputError: a file is missing or cannot be read, or `boxes` is not as above.
        OutputError: a file cannot be written.
    """
    if boxes not in BOXES:
        raise InputError(f"boxes is {boxes!r}; expected one of {', '.join(BOXES)}")
    for sequence in sequences:
        place = Path(folder) / sequence
        annotations = read_annotations(place / ANNOTATIONS_FILE, TRUTHS[0])
        looks = _look(
            place, annotations, detector, boxes, lambda done, total, s=sequence: report(s, done, total)
        )
        write_detections(looks, place / FILE)


def write_detections(detections: SequenceDetections, path: Path) -> None:
    """Writes the file whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    arrays = {name: getattr(detections, name) for name in ("frame", "found", *_SHAPES)}
    texts = {"format": FORMAT, "profile": json.dumps(asdict(detections.profile)), "boxes": detections.boxes}
    with atomic_path(path) as temporary, temporary.open("xb") as file:
        np.savez_compressed(
            file, allow_pickle=False, **arrays, **{name: np.array(text) for name, text in texts.items()}
        )


def read_detections(path: Path) -> SequenceDetections:
    """The file's content.

    Raises:
        InputError: the file is missing, is of another format, or a field is missing, has the wrong shape or values
            that are not finite.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            fields = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist; make it with poseterior.data.mpi_inf_3dhp.detect_mpi_inf_3dhp, or evaluate on "
            "annotated 2D joints"
        ) from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not a readable .npz: {error}") from error
    if str(fields.get("format")) != FORMAT:
        raise InputError(f"{path}: format is {fields.get('format')}; expected {FORMAT}")
    frame, found = fields.get("frame"), fields.get("found")
    if frame is None or frame.ndim != 1 or frame.dtype.kind not in "iu":
        raise InputError(f"{path}: frame is missing or not a list of whole numbers")
    if found is None or found.shape != frame.shape or found.dtype.kind != "b":
        raise InputError(f"{path}: found is missing or not a truth value per frame")
    return SequenceDetections(
        _profile(path, str(fields.get("profile"))),
        str(fields.get("boxes")),
        frame.astype(np.int64),
        found,
        *(_field(path, fields, name, len(frame)) for name in _SHAPES),
    )


def _profile(path: Path, text: str) -> DetectorProfile:
    try:
        values = json.loads(text)
        return DetectorProfile(**{**values, "joint_names": tuple(values["joint_names"])})
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: profile is not a detector profile as JSON") from error


def _field(
    path: Path, fields: dict[str, np.ndarray], name: str, count: int
) -> Float[np.ndarray, "frames ..."]:
    values, expected = fields.get(name), (count, *_SHAPES[name])
    if values is None or values.shape != expected or values.dtype.kind != "f":
        got = "missing" if values is None else f"of shape {values.shape}"
        raise InputError(f"{path}: {name} is {got}; expected {expected} decimal numbers")
    bad = ~np.isfinite(values).reshape(count, -1).all(axis=1)
    if bad.any():
        raise InputError(f"{path}: {name} holds NaN or infinite values in row {int(bad.argmax())}")
    return values.astype(np.float64)


def _look(
    place: Path,
    annotations: Annotations,
    detector: Detector,
    boxes: str,
    report: Callable[[int, int], None],
) -> SequenceDetections:
    total = len(annotations.frame)
    found = np.zeros(total, dtype=bool)
    arrays = {name: np.zeros((total, *shape)) for name, shape in _SHAPES.items()}
    for row, frame in enumerate(annotations.frame.tolist()):
        path = place / image_name(frame)
        box = _box(annotations.joints_px[row]) if boxes == "truth" else None
        try:
            gaussians = detector.detect(read_image(path), box, name=str(path)).gaussians
        except NoPersonError:
            pass
        else:
            found[row] = True
            for name, values in arrays.items():
                values[row] = getattr(gaussians, name)
        report(row + 1, total)
    return SequenceDetections(detector.profile, boxes, annotations.frame, found, **arrays)


def _box(joints_px: Float[np.ndarray, "17 2"]) -> PersonBox:
    low, high = joints_px.min(axis=0), joints_px.max(axis=0)
    margin = BOX_MARGIN * (high - low).max()
    (x, y), (width, height) = low - margin, high - low + 2 * margin
    return PersonBox(float(x), float(y), float(width), float(height))
