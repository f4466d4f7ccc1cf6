"""What every evaluation set gives: pictures of people with the camera and the 3D joints behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8


@runtime_checkable
class Camera(Protocol):
    """From the camera frame to the picture's pixels."""

    @property
    def width_px(self) -> int:
        """Width of the picture."""
        ...

    @property
    def height_px(self) -> int:
        """Height of the picture."""
        ...

    def project(self, points_m: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 2"]:
        """Camera frame (metres, x right, y down, z away) to pixels, the centre of the top-left one at (0, 0)."""
        ...


@dataclass(frozen=True)
class EvaluationSample:
    """One person in one picture, and the truth about them."""

    dataset: str
    """Name of the set, such as "pose2sim-balancing"."""
    subject: str
    action: str
    camera_name: str
    frame_index: int
    """The frame of the video, counted from 0 in the order in which they are shown."""
    camera: Camera
    joints_m: Float[np.ndarray, "17 3"]
    """float64, Human3.6M-17, camera frame, metres, not root-centred; zeros where `has_joint` is False."""
    joints_px: Float[np.ndarray, "17 2"]
    """float64, their true projections in image pixels, may lie outside; zeros where `has_joint` is False."""
    has_joint: Bool[np.ndarray, " 17"]
    """Which joints the set knows; errors are to be taken over these only."""
    read_image: Callable[[], UInt8[np.ndarray, "height width 3"]] | None = None
    """Decodes the picture (uint8 RGB, upright) whenever it is called; None where the set has no pictures."""
