"""The values that travel from room to room: shape, dtype, unit and frame of each, at its definition.

Frames and units
----------------
image    pixels, x right, y down; the centre of the top-left pixel is (0, 0).
cell     heatmap cells, x along columns, y along rows; the centre of the top-left cell is (0, 0).
camera   metres, x right, y down, z away from the camera (OpenCV's convention).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from jaxtyping import Float, UInt8


class FitStatus(IntEnum):
    """How the Gaussian fit of one heatmap ended; every status comes with finite numbers."""

    CONVERGED = 0
    """A minimum was reached inside the bounds."""
    AT_BOUND = 1
    """A minimum was reached with a parameter on its bound."""
    MAX_ITERATIONS = 2
    """The iteration limit came first; the values are the best found."""
    NO_SIGNAL = 3
    """Empty, constant or pure-noise map: the start mean is kept, the covariance is as wide as the map."""
    INVALID = 4
    """The map holds NaN or infinity: outcome as for NO_SIGNAL, with amplitude 0."""
    DERIVED = 5
    """Not fitted: moment-matched from other joints, of which the worst is usable."""


@dataclass(frozen=True)
class PersonBox:
    """Where the person is, in image pixels (x right, y down); may reach outside of the image."""

    x_px: float
    y_px: float
    width_px: float
    height_px: float
    source: str = "user"
    """Who said so: "user", "detector", "whole_frame" or "refined"."""
    score: float | None = None
    """The person detector's confidence in [0, 1], or None where no detector was asked."""

    @property
    def centre_px(self) -> tuple[float, float]:
        """Centre of the box in image pixels."""
        return self.x_px + self.width_px / 2, self.y_px + self.height_px / 2


@dataclass(frozen=True)
class JointGaussians:
    """One 2D Gaussian per joint, fitted to heatmaps, in heatmap cells (METHOD: A exp(-d' S^-1 d / 2))."""

    joint_names: tuple[str, ...]
    amplitude: Float[np.ndarray, " joints"]
    """float64, heatmap units (1 = the peak of a confident joint)."""
    mean_cell: Float[np.ndarray, "joints 2"]
    """float64, (x, y) in heatmap cells."""
    covariance_cell2: Float[np.ndarray, "joints 2 2"]
    """float64, symmetric positive definite, heatmap cells squared, y down."""
    rmse: Float[np.ndarray, " joints"]
    """float64, root mean square residual of the fit over the whole map."""
    status: UInt8[np.ndarray, " joints"]
    """`FitStatus` of each joint."""
    pixel_from_cell: Float[np.ndarray, "2 3"] = field(default_factory=lambda: np.eye(2, 3))
    """float64, affine map: image_px = pixel_from_cell @ (x_cell, y_cell, 1)."""

    @property
    def mean_px(self) -> Float[np.ndarray, "joints 2"]:
        """Means in image pixels."""
        return self.mean_cell @ self.pixel_from_cell[:, :2].T + self.pixel_from_cell[:, 2]

    @property
    def covariance_px2(self) -> Float[np.ndarray, "joints 2 2"]:
        """Covariances in image pixels squared."""
        linear = self.pixel_from_cell[:, :2]
        return linear @ self.covariance_cell2 @ linear.T

    @property
    def sigma_cell(self) -> Float[np.ndarray, "joints 2"]:
        """Standard deviations along the principal axes, larger first, in heatmap cells."""
        return np.sqrt(np.linalg.eigvalsh(self.covariance_cell2)[..., ::-1])

    def select(self, indices: list[int]) -> JointGaussians:
        """The Gaussians of the joints at `indices`, in that order."""
        return replace(
            self,
            joint_names=tuple(self.joint_names[i] for i in indices),
            amplitude=self.amplitude[indices],
            mean_cell=self.mean_cell[indices],
            covariance_cell2=self.covariance_cell2[indices],
            rmse=self.rmse[indices],
            status=self.status[indices],
        )


@dataclass(frozen=True)
class DetectorProfile:
    """What a flow must know of the detector whose Gaussians it was trained on (see docs/architecture.md)."""

    name: str
    heatmap_height: int
    heatmap_width: int
    sigma_confident_cells: float
    """Standard deviation of a confident joint's heatmap: the counterpart of the paper's sigma_gt = 2 px."""
    joint_names: tuple[str, ...]
    """The detector's own joints, in the order of its heatmaps."""


@dataclass(frozen=True)
class Detection:
    """What a detector says of one person in one picture."""

    profile: DetectorProfile
    box: PersonBox
    native_gaussians: JointGaussians
    """One per heatmap of the detector."""
    gaussians: JointGaussians
    """The 16 joints in MPII order that the flow is conditioned on, by joint name, some derived."""
    image_width_px: int
    image_height_px: int
    score: float
    """The detector's confidence in [0, 1] that the crop shows a person."""
    num_candidates: int = 1
    """How many candidates the person finder had; the most prominent that proved to be a person was taken."""
    timings_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds by stage: "person_box", "crop", "heatmaps", "gaussian_fit", ..."""
