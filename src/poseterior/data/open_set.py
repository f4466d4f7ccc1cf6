"""A split of a set that `poseterior synth` made, as an evaluation set."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from jaxtyping import Float

from poseterior.data.evaluation_set import EvaluationSet
from poseterior.data.pose_library.library import PoseKind
from poseterior.data.synthesis.cameras import CameraFamily
from poseterior.data.synthesis.dataset import SynthDataset
from poseterior.data.synthesis.visibility import Visibility
from poseterior.errors import InputError
from poseterior.heatmaps.derive_batch import mpii_gaussians_of_many
from poseterior.skeleton import H36M_17

SEQUENCE_FRAMES = 150
"""Frames of motion capture (5 s at 30 Hz) whose poses count as depending on each other."""

_PELVIS = H36M_17.index("pelvis")


def load_open_set(folder: str | Path, split: str = "test") -> EvaluationSet:
    """All pictures of a finished split.

    Actions are the kinds of poses (captured, recombined, reoriented, articulated); a sequence is what was posed
    after the same 5 seconds of the same capture, so that `frame` is 0. `extra` holds "visible" (pictures, 17), bool,
    and "joints_cell" (pictures, 17, 2), float64: the true 2D joints in heatmap cells.

    Args:
        folder: where manifest.json is.
        split: "train", "validation" or "test".

    Raises:
        InputError: no such set or split, the split is not finished or is empty, or a value is not finite.
    """
    folder = Path(folder)
    dataset = SynthDataset.open(folder, split)
    if not len(dataset):
        raise InputError(f"{folder} has no {split} samples; expected at least one")
    profile = dataset.profile
    source, subject = dataset["pose_source"].tolist(), dataset["pose_subject"].tolist()
    moment = (dataset["pose_frame"] // SEQUENCE_FRAMES).tolist()
    families = [CameraFamily(family).name.lower() for family in dataset["camera_family"].tolist()]
    joints_m = dataset["joints_m"].astype(np.float64)
    return EvaluationSet(
        name=f"open-{split}",
        joints_m=joints_m,
        has_joint=np.ones(joints_m.shape[:2], bool),
        gaussians=mpii_gaussians_of_many(
            profile.joint_names, dataset["amplitude"], dataset["mean_cell"], dataset["covariance_cell2"]
        ),
        profile=profile,
        metres_per_cell=dataset["pixel_from_cell"][:, 0, 0].astype(np.float64)
        * joints_m[:, _PELVIS, 2]
        / dataset["focal_px"].astype(np.float64),
        subject=tuple(f"capture-{s}-subject-{p}" for s, p in zip(source, subject, strict=True)),
        action=tuple(PoseKind(kind).name.lower() for kind in dataset["pose_kind"].tolist()),
        camera=tuple(
            f"{family}-{number}" for family, number in zip(families, dataset["camera"].tolist(), strict=True)
        ),
        sequence=tuple(
            f"capture-{s}-subject-{p}-part-{m}" for s, p, m in zip(source, subject, moment, strict=True)
        ),
        frame=np.zeros(len(dataset), np.int64),
        image_path=(None,) * len(dataset),
        checksum=_checksum(dataset),
        notes=(
            f"Synthetic people after motion capture of {len(set(zip(source, subject, strict=True)))} people; "
            "intervals are bootstrapped over parts of 5 seconds of these captures: they say nothing of how "
            "the numbers would differ for other people.",
        ),
        extra={
            "visible": dataset["visibility"] == Visibility.VISIBLE,
            "joints_cell": joints_cell(
                dataset["joints_px"].astype(np.float64), dataset["pixel_from_cell"].astype(np.float64)
            ),
        },
    )


def joints_cell(
    joints_px: Float[np.ndarray, "pictures joints 2"], pixel_from_cell: Float[np.ndarray, "pictures 2 3"]
) -> Float[np.ndarray, "pictures joints 2"]:
    """Points of a picture (pixels) in the cells of its heatmaps."""
    linear, offset = pixel_from_cell[:, :, :2], pixel_from_cell[:, :, 2]
    return np.swapaxes(np.linalg.solve(linear, np.swapaxes(joints_px - offset[:, None], 1, 2)), 1, 2)


def _checksum(dataset: SynthDataset) -> str:
    """Of the split's shards as the manifest has them: other splits may still grow."""
    shards: list[tuple[int, str]] = [
        (record.first_index, record.sha256) for record in dataset.manifest.of_split(dataset.split)
    ]
    text = "".join(f"{first} {sha256}\n" for first, sha256 in sorted(shards))
    return hashlib.sha256(text.encode()).hexdigest()
