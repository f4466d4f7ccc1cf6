"""The balancing trial as an evaluation set: the detector is run over the frames of its videos.

What its truth is worth: `poseterior.data.balancing.trial`. Only the twelve limb joints count as known, since the
others have OpenPose's definitions, not Human3.6M's.
"""

from __future__ import annotations

import hashlib

import numpy as np
from jaxtyping import Float

from poseterior import assets
from poseterior.data.balancing.trial import (
    CALIBRATION_ASSET,
    DATASET,
    MARKERS_ASSET,
    VIDEO_ASSETS,
    BalancingTrial,
    load_balancing,
)
from poseterior.data.evaluation_set import EvaluationSet
from poseterior.data.open_set import joints_cell
from poseterior.data.schema import EvaluationSample
from poseterior.detect.base import Detector
from poseterior.detect.registry import DEFAULT_DETECTOR, create_detector
from poseterior.errors import InputError, NoPersonError
from poseterior.evaluate.joints import LIMB_JOINTS
from poseterior.heatmaps.derive_batch import MpiiGaussians
from poseterior.skeleton import H36M_17, indices_of
from poseterior.types import Detection

SOMEBODY_ELSE = 0.5
"""The wrong person was found where the crop's centre is further from the truth's than this part of the truth's size."""
_LIMBS = indices_of(LIMB_JOINTS, H36M_17)
_HIPS = indices_of(("right_hip", "left_hip"), H36M_17)


def detect_balancing(
    *, step: int = 1, trial: BalancingTrial | None = None, detector: Detector | None = None
) -> EvaluationSet:
    """Every `step`-th frame of the four cameras in which the detector finds the man.

    Args:
        step: 1 takes all frames.
        trial: the pinned one if None.
        detector: the default one if None.

    Raises:
        AssetError: the trial or the detector's weights cannot be fetched.
        InputError: a video cannot be read, or the man is found in no frame.
    """
    detector = detector or create_detector(DEFAULT_DETECTOR)
    samples: list[EvaluationSample] = []
    detections: list[Detection] = []
    nobody = somebody_else = 0
    for sample, image in (trial or load_balancing()).pictures(step):
        try:
            detection = detector.detect(image, name=f"{sample.camera_name} frame {sample.frame_index}")
        except NoPersonError:
            nobody += 1
            continue
        if is_somebody_else(detection, sample.joints_px[sample.has_joint]):
            somebody_else += 1
            continue
        samples.append(sample)
        detections.append(detection)
    if not samples:
        raise InputError(f"set {DATASET}: the detector found the man in no frame; expected at least one")
    notes = (
        "Real footage of one man in one trial of 1.65 s, four cameras; neighbouring frames are nearly the same.",
        "The truth is triangulated: errors below 3 to 4 cm mean nothing.",
        f"In {nobody} frames the detector found nobody, in {somebody_else} somebody else: they are left out.",
    )
    return _set(samples, detections, detector, notes)


def is_somebody_else(detection: Detection, joints_px: Float[np.ndarray, "joints 2"]) -> bool:
    """By the crop, not by how well the joints are placed."""
    low, high = joints_px.min(axis=0), joints_px.max(axis=0)
    away = np.linalg.norm(np.array(detection.box.centre_px) - (low + high) / 2)
    return bool(away > SOMEBODY_ELSE * (high - low).max())


def _set(
    samples: list[EvaluationSample],
    detections: list[Detection],
    detector: Detector,
    notes: tuple[str, ...],
) -> EvaluationSet:
    gaussians = [detection.gaussians for detection in detections]
    joints_m = np.zeros((len(samples), len(H36M_17), 3))
    joints_m[:, _LIMBS] = [sample.joints_m[_LIMBS] for sample in samples]
    has_joint = np.zeros((len(samples), len(H36M_17)), bool)
    has_joint[:, _LIMBS] = True
    pixel_from_cell = np.stack([found.pixel_from_cell for found in gaussians])
    return EvaluationSet(
        name=DATASET,
        joints_m=joints_m,
        has_joint=has_joint,
        gaussians=MpiiGaussians(
            np.stack([found.amplitude for found in gaussians]),
            np.stack([found.mean_cell for found in gaussians]),
            np.stack([found.covariance_cell2 for found in gaussians]),
        ),
        profile=detector.profile,
        metres_per_cell=np.array(
            [_metres_per_cell(sample, cell) for sample, cell in zip(samples, pixel_from_cell, strict=True)]
        ),
        subject=tuple(sample.subject for sample in samples),
        action=tuple(sample.action for sample in samples),
        camera=tuple(sample.camera_name for sample in samples),
        sequence=tuple(f"{sample.subject}-{sample.action}-{sample.camera_name}" for sample in samples),
        frame=np.array([sample.frame_index for sample in samples]),
        image_path=tuple(
            f"{VIDEO_ASSETS[sample.camera_name]}#{sample.frame_index}"
            if sample.camera_name in VIDEO_ASSETS
            else None
            for sample in samples
        ),
        checksum=_checksum(),
        notes=notes,
        extra={
            "joints_cell": joints_cell(np.stack([sample.joints_px for sample in samples]), pixel_from_cell)
        },
    )


def _metres_per_cell(sample: EvaluationSample, pixel_from_cell: Float[np.ndarray, "2 3"]) -> float:
    """By projecting a metre across the picture at the hips' depth."""
    middle = sample.joints_m[_HIPS].mean(axis=0)
    half = np.array([0.5, 0.0, 0.0])
    ends = sample.camera.project(np.stack([middle - half, middle + half]))
    pixels_per_cell = float(np.sqrt(abs(np.linalg.det(pixel_from_cell[:, :2]))))
    return pixels_per_cell / float(np.linalg.norm(ends[1] - ends[0]))


def _checksum() -> str:
    """Of the pinned files that the set is read from."""
    names = {CALIBRATION_ASSET, MARKERS_ASSET, *VIDEO_ASSETS.values()}
    pinned = sorted(f"{asset.name} {asset.sha256}\n" for asset in assets.ASSETS if asset.name in names)
    return hashlib.sha256("".join(pinned).encode()).hexdigest()
