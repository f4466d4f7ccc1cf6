"""The test set of MPI-INF-3DHP as an evaluation set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from poseterior.data.checksum import checksum_of_files
from poseterior.data.confident import NOTE, confident_gaussians, px_per_cell, squares_around
from poseterior.data.evaluation_set import EvaluationSet
from poseterior.data.hrnet_profile import HRNET_H36M
from poseterior.data.mpi_inf_3dhp.annotations import FILE as ANNOTATIONS_FILE
from poseterior.data.mpi_inf_3dhp.annotations import TRUTHS, Annotations, read_annotations
from poseterior.data.mpi_inf_3dhp.detections import FILE as DETECTIONS_FILE
from poseterior.data.mpi_inf_3dhp.detections import SequenceDetections, image_name, read_detections
from poseterior.data.mpi_inf_3dhp.names import SEQUENCES, SETTING_OF, VALID_FRAMES
from poseterior.data.mpii_joints import MPII_IN_H36M
from poseterior.data.scale import metres_per_unit
from poseterior.errors import InputError
from poseterior.heatmaps.derive_batch import MpiiGaussians
from poseterior.skeleton import H36M_17
from poseterior.types import DetectorProfile

JOINTS_2D = ("detector", "truth")
_PELVIS = H36M_17.index("pelvis")


def load_mpi_inf_3dhp(
    folder: str | Path,
    *,
    joints_2d: str = "detector",
    truth: str = "univ_annot3",
    sequences: tuple[str, ...] = SEQUENCES,
    profile: DetectorProfile = HRNET_H36M,
) -> EvaluationSet:
    """All valid frames of the sequences; `extra["setting"]` holds each picture's setting (texts of `SETTING_OF`).

    Pictures in which the detector found nobody are left out, and counted in `notes`.

    Args:
        folder: holds TS1, ..., TS6, each with annot_data.mat and, for "detector", detections.npz.
        joints_2d: "detector" takes detections.npz (`detect_mpi_inf_3dhp` makes it); "truth" takes annot2, with
            Gaussians that are all confident.
        truth: "univ_annot3" as the test set's own evaluation, or "annot3".
        sequences: which of them.
        profile: of the Gaussians of joints_2d = "truth"; "detector" brings its own.

    Raises:
        InputError: a file is missing or unreadable, a field is missing or has the wrong shape or values that are not
            finite, a valid frame has no truth or no detection, the sequences' detections are not of one detector, or
            an argument is not as above.
    """
    _check_arguments(joints_2d, truth, sequences)
    folder = Path(folder)
    annotations = {name: read_annotations(folder / name / ANNOTATIONS_FILE, truth) for name in sequences}
    paths = [folder / name / ANNOTATIONS_FILE for name in sequences]
    total = sum(len(of_one.frame) for of_one in annotations.values())
    notes = [f"Truth is {truth}; {total} valid frames (all six sequences have {VALID_FRAMES})."]
    if joints_2d == "truth":
        notes += [NOTE, f"2D joints are annot2, given the profile {profile.name}."]
        rows = [np.arange(len(annotations[name].frame)) for name in sequences]
        joints_px = np.concatenate([annotations[name].joints_px for name in sequences])
        squares = squares_around(joints_px, f"{folder}: annot2")
        gaussians = confident_gaussians(joints_px[:, MPII_IN_H36M], squares, profile)
        cell_px = px_per_cell(squares, profile)
    else:
        detections = {name: read_detections(folder / name / DETECTIONS_FILE) for name in sequences}
        paths += [folder / name / DETECTIONS_FILE for name in sequences]
        profile = _one_profile(folder, detections)
        looked_at = [
            _rows(folder / name / DETECTIONS_FILE, annotations[name], detections[name]) for name in sequences
        ]
        rows = [
            detections[name].found[look].nonzero()[0] for name, look in zip(sequences, looked_at, strict=True)
        ]
        taken = [look[kept] for look, kept in zip(looked_at, rows, strict=True)]
        gaussians, cell_px = _detected(list(detections.values()), taken)
        notes.append(
            f"The detector found nobody in {total - len(cell_px)} of {total} pictures; they are left out."
        )
        if any(of_one.boxes == "truth" for of_one in detections.values()):
            notes.append("The detector was shown the box of the annotated joints.")
    return _evaluation_set(
        annotations,
        rows,
        gaussians,
        profile,
        cell_px,
        joints_2d,
        checksum_of_files(folder, paths),
        tuple(notes),
    )


def _evaluation_set(
    annotations: dict[str, Annotations],
    rows: list[Int[np.ndarray, " _"]],
    gaussians: MpiiGaussians,
    profile: DetectorProfile,
    cell_px: Float[np.ndarray, " pictures"],
    joints_2d: str,
    checksum: str,
    notes: tuple[str, ...],
) -> EvaluationSet:
    chosen = list(zip(annotations.items(), rows, strict=True))
    joints_m = np.concatenate([of_one.joints_m[kept] for (_, of_one), kept in chosen])
    joints_px = np.concatenate([of_one.joints_px[kept] for (_, of_one), kept in chosen])
    pictures = [(name, of_one, row) for (name, of_one), kept in chosen for row in kept.tolist()]
    names = tuple(name for name, _, _ in pictures)
    if not pictures:
        raise InputError("the detector found nobody in any picture of MPI-INF-3DHP; expected at least one")
    return EvaluationSet(
        name="mpi-inf-3dhp",
        joints_m=joints_m,
        has_joint=np.ones(joints_m.shape[:2], dtype=bool),
        gaussians=gaussians,
        profile=profile,
        metres_per_cell=metres_per_unit(joints_m, joints_px, _PELVIS) * cell_px,
        subject=names,
        action=tuple(of_one.activity[row] for _, of_one, row in pictures),
        camera=names,
        sequence=names,
        frame=np.array([of_one.frame[row] for _, of_one, row in pictures], dtype=np.int64),
        image_path=tuple(f"{name}/{image_name(int(of_one.frame[row]))}" for name, of_one, row in pictures),
        joints_2d_source=joints_2d,
        checksum=checksum,
        notes=notes,
        extra={"setting": np.array([SETTING_OF[name] for name in names])},
    )


def _check_arguments(joints_2d: str, truth: str, sequences: tuple[str, ...]) -> None:
    for name, value, allowed in (("joints_2d", joints_2d, JOINTS_2D), ("truth", truth, TRUTHS)):
        if value not in allowed:
            raise InputError(f"{name} is {value!r}; expected one of {', '.join(allowed)}")
    if not sequences or not set(sequences) <= set(SEQUENCES) or len(set(sequences)) != len(sequences):
        raise InputError(f"sequences are {sequences}; expected some of {', '.join(SEQUENCES)}, each once")


def _one_profile(folder: Path, detections: dict[str, SequenceDetections]) -> DetectorProfile:
    profiles = {name: of_one.profile for name, of_one in detections.items()}
    (first, profile), *others = profiles.items()
    for name, other in others:
        if other != profile:
            raise InputError(
                f"{folder / name / DETECTIONS_FILE} is of detector {other.name}, "
                f"{folder / first / DETECTIONS_FILE} of {profile.name}; expected one profile"
            )
    return profile


def _rows(path: Path, annotations: Annotations, detections: SequenceDetections) -> Int[np.ndarray, " frames"]:
    """The row of `detections` of each valid frame."""
    row_of = {frame: row for row, frame in enumerate(detections.frame.tolist())}
    missing = [frame for frame in annotations.frame.tolist() if frame not in row_of]
    if missing:
        raise InputError(f"{path} has no entry for frame {missing[0]} (counted from 0), which is valid")
    return np.array([row_of[frame] for frame in annotations.frame.tolist()], dtype=np.int64)


def _detected(
    detections: list[SequenceDetections], rows: list[Int[np.ndarray, " _"]]
) -> tuple[MpiiGaussians, Float[np.ndarray, " pictures"]]:
    """Gaussians of the rows, and the picture pixels that a cell is wide."""

    def joined(name: str) -> np.ndarray:
        return np.concatenate(
            [getattr(of_one, name)[kept] for of_one, kept in zip(detections, rows, strict=True)]
        )

    cell_px = np.sqrt(np.abs(np.linalg.det(joined("pixel_from_cell")[..., :2])))
    return MpiiGaussians(joined("amplitude"), joined("mean_cell"), joined("covariance_cell2")), cell_px
