"""BlazePose full: 33 heatmaps of 64 x 64 cells from a 256 x 256 crop, on the CPU through LiteRT.

Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking", 2020; the network is
`pose_landmark_full.tflite` of MediaPipe 0.10.21 (Apache-2.0). Unlike MediaPipe, which uses the heatmaps to
correct its regressed landmarks, the heatmaps are the result here: where a joint is hidden, its map grows wide
and low, and that is what the flow is conditioned on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from poseterior import assets
from poseterior.detect.base import Heatmaps
from poseterior.detect.boxes import PersonFinder
from poseterior.detect.litert import TfliteModel
from poseterior.detect.top_down import TopDownDetector
from poseterior.skeleton import BLAZEPOSE_33
from poseterior.types import DetectorProfile

_CROP_PX = 256
_CELLS = 64
_JOINTS = len(BLAZEPOSE_33)
_CELL_PX = _CROP_PX / _CELLS

BLAZEPOSE_FULL = DetectorProfile(
    name="blazepose-full",
    heatmap_height=_CELLS,
    heatmap_width=_CELLS,
    sigma_confident_cells=1.23,
    joint_names=BLAZEPOSE_33,
)
"""The profile. Its sigma is the geometric mean over the limb joints and ears with amplitude > 0.9 in every
20th frame of the sample video (110 Gaussians; 90 % of them lie in 1.09..1.44)."""


class BlazePose:
    """The landmark network as a `HeatmapModel`."""

    profile = BLAZEPOSE_FULL
    crop_size_px = _CROP_PX
    margin_around_body = 1.25
    """MediaPipe's, around the body circle's square."""
    margin_around_joints = 1.4
    """Gives the same crops as the body circle in the median, measured on the sample video."""

    def __init__(self, path: str | Path, num_threads: int = 2):
        """Load `pose_landmark_full.tflite` from `path`; raises ModelError where that cannot be done."""
        self._model = TfliteModel(path, num_threads)

    @property
    def crop_from_cell(self) -> Float[np.ndarray, "2 3"]:
        """float64, affine: crop pixel = 4 x cell - 0.5, with pixel centres at integers.

        Counted from the crop's corner, as MediaPipe does, the pixel is 4 x the cell. Measured by mirroring
        crops (164 confident joints): -0.7 px +- 0.04 instead of -0.5, where cells that are centred on their
        pixels would give +1.5.
        """
        return np.array([[_CELL_PX, 0.0, -0.5], [0.0, _CELL_PX, -0.5]])

    def heatmaps(self, crops: UInt8[np.ndarray, "crops 256 256 3"]) -> Heatmaps:
        """Heatmaps after the sigmoid; start means are the regressed landmarks; score is the pose presence."""
        outputs = [self._model(crop[None].astype(np.float32) / 255.0) for crop in crops]
        logits = np.stack([output["Identity_3"][0, :, :, :_JOINTS] for output in outputs])
        landmarks = np.stack([output["Identity"].reshape(-1, 5)[:_JOINTS, :2] for output in outputs])
        # tanh form: a sigmoid that cannot overflow
        maps = 0.5 * (1.0 + np.tanh(0.5 * logits))
        return Heatmaps(
            maps=np.ascontiguousarray(maps.transpose(0, 3, 1, 2)),
            start_mean_cell=landmarks.astype(np.float64) / _CELL_PX,
            score=np.array([float(output["Identity_1"].item()) for output in outputs]),
        )

    def world_landmarks_m(
        self, crops: UInt8[np.ndarray, "crops 256 256 3"]
    ) -> Float[np.ndarray, "crops 33 3"]:
        """BlazePose's own 3D guess: metres, x right, y down, z away from the camera, mid-hips at 0."""
        outputs = [self._model(crop[None].astype(np.float32) / 255.0)["Identity_4"] for crop in crops]
        return np.stack([output.reshape(-1, 3)[:_JOINTS] for output in outputs]).astype(np.float64)


def create_blazepose(num_threads: int = 2) -> TopDownDetector:
    """BlazePose full with its own person finder; fetches both networks where they are not cached.

    Raises:
        AssetError: a network cannot be fetched.
        ModelError: a network cannot be run.
    """
    paths = assets.fetch(["pose_landmark_full.tflite", "pose_detection.tflite"])
    return TopDownDetector(
        BlazePose(paths["pose_landmark_full.tflite"], num_threads),
        lambda: PersonFinder(TfliteModel(paths["pose_detection.tflite"], num_threads)),
        num_threads=num_threads,
    )
