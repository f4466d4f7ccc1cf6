"""The evaluation set "pose2sim-balancing": a man balancing along a beam, seen by four calibrated cameras.

Source: the demonstration data of Pose2Sim (Pagnon, Domalain, Reveret, "Pose2Sim: an open-source Python package for
multiview markerless kinematics", JOSS 7(77), 2022; BSD-3-Clause): videos out of its wheel 0.7.2, calibration and
triangulated markers out of its wheel 0.4.15.

What to know before quoting a number
------------------------------------
- One subject, one trial of 1.65 s, 99 frames in each of four cameras, faces pixelated. Neighbouring frames are
  nearly the same picture: it is a check against real footage, not a benchmark. Never for training, nor for the
  selection of a model.
- The truth is triangulated from OpenPose's 2D joints in the four views, filtered at 6 Hz, so **errors below 3 to
  4 cm mean nothing**: bone lengths vary by 10 to 36 mm (standard deviation over the trial), and the markers'
  projections lie 12, 8, 19 and 9 px (median, cameras 1 to 4, where a pixel is 2 mm) from the joints that they
  were made from, mostly by a constant shift per camera, so that calibration and videos do not quite agree.
- 16 of the 17 joints are known: the twelve of the limbs; the pelvis, midway between the hips; the thorax, midway
  between the shoulders; the neck, which is Human3.6M's neck/nose, at the nose; the top of the head. The spine is
  not known and is masked. OpenPose's definitions, not Human3.6M's: hips are 20 cm apart.

How the files fit together (all of it measured; `experiments/detect_balancing.py` prints the figures)
-----------------------------------------------------------------------------------------------------
- Markers have y up, the calibration's world has z up: marker (x, y, z) = world (y, z, x).
- Line k of the markers and OpenPose's frame k are one moment, but **frame k of all four videos shows line k - 1**,
  so that the videos' first frame has no truth.
- The videos of cameras 1 and 2 are the calibrated 1088 x 1920 pictures scaled to 1080 x 1906, with 7 black rows
  above and below; their cameras here are those of the videos.
- The calibration's lens distortion moves no point by 0.1 px.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from poseterior.assets import fetch
from poseterior.data.balancing.calibration import read_calibration
from poseterior.data.balancing.camera import CalibratedCamera
from poseterior.data.balancing.trc import Markers, read_trc
from poseterior.data.schema import EvaluationSample
from poseterior.errors import InputError
from poseterior.skeleton import H36M_17
from poseterior.sources.video import iter_frames, read_frame

DATASET = "pose2sim-balancing"
CALIBRATION_ASSET = "balancing_calibration.toml"
MARKERS_ASSET = "balancing_markers.trc"
VIDEO_ASSETS = {
    "cam_01": "balancing_cam01.mp4",
    "cam_02": "balancing_cam02.mp4",
    "cam_03": "balancing_cam03.mp4",
    "cam_04": "balancing_cam04.mp4",
}
"""Camera in the calibration file -> its video among the assets."""

VIDEO_LAG_FRAMES = 1
"""Frame k of every video shows what line k - 1 of the markers says."""

MARKERS_OF_JOINT = {
    **{
        f"{side}_{joint}": (f"{side[0].upper()}{joint.capitalize()}",)
        for side in ("left", "right")
        for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    },
    "pelvis": ("LHip", "RHip"),
    "thorax": ("LShoulder", "RShoulder"),
    "neck": ("Nose",),
    "head": ("Head",),
}
"""Human3.6M-17 joint -> the markers that it is the mean of."""


@dataclass(frozen=True)
class BalancingView:
    """What one camera saw."""

    camera: CalibratedCamera
    video: Path
    frame_indices: tuple[int, ...]
    """The frames of the video that have a truth."""
    joints_m: Float[np.ndarray, "frames 17 3"]
    """float64, Human3.6M-17, camera frame, metres; zeros for joints that are not known."""
    joints_px: Float[np.ndarray, "frames 17 2"]
    """float64, their projections in the video's pixels; zeros for joints that are not known."""


@dataclass(frozen=True)
class BalancingTrial:
    """The trial: four views of the same moments; see the module's text for what its truth is worth."""

    views: tuple[BalancingView, ...]
    has_joint: Bool[np.ndarray, " 17"]
    """Which of the Human3.6M-17 joints are known."""
    frames_per_second: float

    def samples(self, step: int = 1) -> Iterator[EvaluationSample]:
        """Every `step`-th frame of every camera; pictures are decoded where `read_image` is called.

        `read_image` decodes the video from its start; to go through all pictures use `pictures`.
        """
        for view in self.views:
            for row in range(0, len(view.frame_indices), step):
                yield self._sample(view, row)

    def pictures(
        self, step: int = 1
    ) -> Iterator[tuple[EvaluationSample, UInt8[np.ndarray, "height width 3"]]]:
        """As `samples`, each with its picture; every video is decoded once.

        Raises:
            InputError: a video cannot be read, or its frames are not those that the truth belongs to.
        """
        for view in self.views:
            rows = {view.frame_indices[row]: row for row in range(0, len(view.frame_indices), step)}
            for index, image in iter_frames(view.video, stop=view.frame_indices[-1] + 1):
                if index in rows:
                    _check_size(view, image)
                    yield self._sample(view, rows.pop(index)), image
            if rows:
                raise InputError(
                    f"{view.video} has no frame {min(rows)}; expected frames up to {view.frame_indices[-1]}"
                )

    def _sample(self, view: BalancingView, row: int) -> EvaluationSample:
        return EvaluationSample(
            dataset=DATASET,
            subject="S00_P00",
            action="balancing",
            camera_name=view.camera.name,
            frame_index=view.frame_indices[row],
            camera=view.camera,
            joints_m=view.joints_m[row],
            joints_px=view.joints_px[row],
            has_joint=self.has_joint,
            read_image=partial(read_frame, view.video, view.frame_indices[row]),
        )


def load_balancing(folder: str | Path | None = None) -> BalancingTrial:
    """The trial, out of the pinned assets, which are fetched first where they are not on this machine.

    Args:
        folder: the assets' cache folder, see `assets.cache_folder`.

    Raises:
        AssetError: an asset cannot be fetched.
        InputError: a file cannot be used.
    """
    paths = fetch([CALIBRATION_ASSET, MARKERS_ASSET, *VIDEO_ASSETS.values()], folder=folder)
    return balancing_trial(
        paths[CALIBRATION_ASSET],
        paths[MARKERS_ASSET],
        {camera: paths[name] for camera, name in VIDEO_ASSETS.items()},
    )


def balancing_trial(calibration: Path, markers: Path, videos: dict[str, Path]) -> BalancingTrial:
    """The trial out of its files: `videos` holds a path by the camera's name in the calibration.

    Raises:
        InputError: a file cannot be read, a camera or marker is missing, or a marker has gaps.
    """
    cameras, trajectories = read_calibration(calibration), read_trc(markers)
    joints_m, has_joint = h36m_from_markers(trajectories, markers)
    views = []
    for name, video in videos.items():
        if name not in cameras:
            raise InputError(f"calibration {calibration} has no camera {name!r}; it has {', '.join(cameras)}")
        views.append(_view(_camera_of_video(cameras[name], video), video, joints_m, has_joint))
    return BalancingTrial(tuple(views), has_joint, trajectories.frames_per_second)


def h36m_from_markers(
    markers: Markers, path: Path
) -> tuple[Float[np.ndarray, "frames 17 3"], Bool[np.ndarray, " 17"]]:
    """Human3.6M-17 joints in the calibration's world frame (metres, z up), and which of them are known.

    Raises:
        InputError: a marker is missing, or has no position in some frame (`path` is named).
    """
    has_joint = np.array([name in MARKERS_OF_JOINT for name in H36M_17])
    joints_m = np.zeros((len(markers.positions_m), len(H36M_17), 3))
    for name, parts in MARKERS_OF_JOINT.items():
        for part in parts:
            try:
                positions_m = markers.of(part)
            except InputError as error:
                raise InputError(f"{path}: {error}") from None
            if not np.isfinite(positions_m).all():
                frame = int(np.flatnonzero(~np.isfinite(positions_m).all(axis=1))[0])
                raise InputError(f"{path}: marker {part} has no position in frame {frame}; expected no gaps")
            joints_m[:, H36M_17.index(name)] += world_from_marker_axes(positions_m) / len(parts)
    return joints_m, has_joint


def world_from_marker_axes(positions: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 3"]:
    """The markers' axes (y up) to the calibration's world (z up): marker (x, y, z) = world (y, z, x)."""
    return positions[..., [2, 0, 1]]


def _view(
    camera: CalibratedCamera,
    video: Path,
    joints_world_m: Float[np.ndarray, "lines 17 3"],
    has_joint: Bool[np.ndarray, " 17"],
) -> BalancingView:
    # the last lines are later than the video's last frame
    joints_m = camera.to_camera(joints_world_m[: len(joints_world_m) - VIDEO_LAG_FRAMES])
    joints_m[:, ~has_joint] = 0.0
    joints_px = np.zeros((*joints_m.shape[:2], 2))
    joints_px[:, has_joint] = camera.project(joints_m[:, has_joint])
    frames = range(VIDEO_LAG_FRAMES, VIDEO_LAG_FRAMES + len(joints_m))
    return BalancingView(camera, video, tuple(frames), joints_m, joints_px)


def _camera_of_video(camera: CalibratedCamera, video: Path) -> CalibratedCamera:
    image = read_frame(video, 0)
    return camera.letterboxed(image.shape[1], image.shape[0])


def _check_size(view: BalancingView, image: UInt8[np.ndarray, "height width 3"]) -> None:
    if image.shape[:2] != (view.camera.height_px, view.camera.width_px):
        raise InputError(f"{view.video} changes its size from frame to frame; expected one size")
