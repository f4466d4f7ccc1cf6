"""Human3.6M as the paper evaluates it: official 3D poses, and the authors' published detections and Gaussian fits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from poseterior.data.checksum import checksum_of_files
from poseterior.data.evaluation_set import AMBIGUOUS_RATIO, EvaluationSet
from poseterior.data.h36m.cdf import find_cdf, read_cdf_poses
from poseterior.data.h36m.detections import FILES, STEP, VideoDetections, read_detections
from poseterior.data.h36m.fits import FIT_FIELDS, gaussians_from_fits
from poseterior.data.h36m.frame_list import read_frame_list
from poseterior.data.h36m.selection import Rows, ambiguous, every_nth, listed
from poseterior.data.hrnet_profile import HRNET_H36M
from poseterior.data.mpii_joints import MPII_IN_H36M
from poseterior.data.scale import metres_per_unit
from poseterior.errors import InputError
from poseterior.skeleton import MPII_16

NOTES = (
    "Single 2D joints are the authors' detected ones (joints_2d); their means are the condition's.",
    "metres_per_cell is fitted per picture to the detected and the true joints.",
)


def load_h36m(folder: str | Path, *, split: str = "test", every: int = 64) -> EvaluationSet:
    """Every `every`-th frame of the split, as the authors' `eval_action_wise.py` takes them.

    Of each action the pictures of all videos (subject, sub-action, camera) are strung together, and of these every
    (`every` / 4)-th is taken: the count runs on from one video into the next, so that the first picture of a video
    is frame 3 (counted from 0) in the first video of an action only.

    Args:
        folder: holds `FILES[split]` and S1, ..., each with MyPoseFeatures/D3_Positions_mono/*.cdf.
        split: "train" (S1, S5, S6, S7, S8) or "test" (S9, S11).
        every: a multiple of 4; 64 is the paper's protocol, 4 takes all that the authors detected.

    Raises:
        InputError: a file is missing or unreadable, a field has the wrong shape or values that are not finite, a
            detection has no 3D pose, or `split` or `every` is not as above.
    """
    if every < STEP or every % STEP != 0:
        raise InputError(
            f"every is {every}; expected a multiple of {STEP}, since every {STEP}th frame was detected"
        )

    def choose(videos: list[VideoDetections]) -> Rows:
        actions = [video.name.action for video in videos]
        return every_nth(actions, [len(video) for video in videos], every // STEP)

    return _load(Path(folder), split, f"h36m-{split}", choose, ())


def load_h36m_ambiguous(folder: str | Path, *, frame_list: str | Path | None = None) -> EvaluationSet:
    """H36MA, the ambiguous part of the test subjects: of all detected frames, not of every 64th (METHOD section 5).

    Args:
        folder: as for `load_h36m`.
        frame_list: picture names, one a line, such as the authors' `framelist_h36m_hard_subset.txt`; None applies
            the rule: a fitted sigma is above 2.5 times 2 cells.

    Raises:
        InputError: as for `load_h36m`; the list names a picture that was not detected; or no picture is left.
    """
    if frame_list is None:
        note = f"Chosen by the rule: a fitted sigma above {AMBIGUOUS_RATIO} confident sigmas."
        return _load(Path(folder), "test", "h36ma", ambiguous, (note,))
    names = read_frame_list(Path(frame_list))
    note = f"Chosen by the frame list {Path(frame_list).name}."
    return _load(
        Path(folder), "test", "h36ma-list", lambda videos: listed(videos, names, Path(frame_list)), (note,)
    )


def _load(
    folder: Path,
    split: str,
    name: str,
    choose: Callable[[list[VideoDetections]], Rows],
    notes: tuple[str, ...],
) -> EvaluationSet:
    if split not in FILES:
        raise InputError(f"split is {split!r}; expected one of {', '.join(FILES)}")
    pickle_path = folder / FILES[split]
    videos = read_detections(pickle_path, split)
    chosen = [(video, rows) for video, rows in zip(videos, choose(videos), strict=True) if len(rows) > 0]
    if not chosen:
        raise InputError(f"{pickle_path} holds no picture for the set {name}; expected at least one")
    cdf_paths = [find_cdf(folder, video.name) for video, _ in chosen]
    truths = [
        _truth(pickle_path, path, video, rows) for path, (video, rows) in zip(cdf_paths, chosen, strict=True)
    ]
    return _evaluation_set(
        name,
        pickle_path,
        chosen,
        np.concatenate(truths),
        checksum_of_files(folder, [pickle_path, *cdf_paths]),
        notes,
    )


def _truth(
    pickle_path: Path, cdf_path: Path, video: VideoDetections, rows: Int[np.ndarray, " some"]
) -> Float[np.ndarray, "some 17 3"]:
    poses_m = read_cdf_poses(cdf_path)
    last = int(video.frame[rows].max())
    if last >= len(poses_m):
        raise InputError(
            f"{cdf_path} has {len(poses_m)} frames; "
            f"{pickle_path} has a detection for frame {last} (counted from 0), which has no truth"
        )
    return poses_m[video.frame[rows]]


def _evaluation_set(
    name: str,
    pickle_path: Path,
    chosen: list[tuple[VideoDetections, Int[np.ndarray, " _"]]],
    joints_m: Float[np.ndarray, "pictures 17 3"],
    checksum: str,
    notes: tuple[str, ...],
) -> EvaluationSet:
    fits = np.concatenate([video.fits[rows] for video, rows in chosen])
    joints_2d = np.concatenate([video.joints_2d[rows] for video, rows in chosen]).astype(np.float64)
    image_path = tuple(video.image_path[row] for video, rows in chosen for row in rows.tolist())
    _check_finite(pickle_path, image_path, fits, joints_2d)
    gaussians = gaussians_from_fits(fits)

    def per_picture(part: Callable[[VideoDetections], str]) -> tuple[str, ...]:
        return tuple(part(video) for video, rows in chosen for _ in rows)

    inside = np.clip(gaussians.mean_cell, 0.0, HRNET_H36M.heatmap_width - 1.0)
    return EvaluationSet(
        name=name,
        joints_m=joints_m,
        has_joint=np.ones(joints_m.shape[:2], dtype=bool),
        gaussians=gaussians,
        profile=HRNET_H36M,
        metres_per_cell=metres_per_unit(joints_m[:, MPII_IN_H36M], inside, MPII_16.index("pelvis")),
        subject=per_picture(lambda video: video.name.subject),
        action=per_picture(lambda video: video.name.action),
        camera=per_picture(lambda video: video.name.camera),
        # four cameras film one motion, so that their pictures depend on each other
        sequence=per_picture(lambda video: " ".join(video.name[:3])),
        frame=np.concatenate([video.frame[rows] for video, rows in chosen]),
        image_path=image_path,
        checksum=checksum,
        notes=(*NOTES, *notes),
        joints_2d=joints_2d,
    )


def _check_finite(
    pickle_path: Path,
    image_path: tuple[str, ...],
    fits: Float[np.ndarray, "pictures 16 7"],
    joints_2d: Float[np.ndarray, "pictures 16 2"],
) -> None:
    # the RMSE is not used, and may be anything
    for field, values in (("gaussfit", fits[..., : len(FIT_FIELDS) - 1]), ("2d_hrnet", joints_2d)):
        bad = ~np.isfinite(values).all(axis=(1, 2))
        if bad.any():
            raise InputError(
                f"{pickle_path}: {field} of {image_path[int(bad.argmax())]} holds NaN or infinite values"
            )
