"""One schema for every set that a model can be evaluated on (or trained on): truth, detections, provenance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from poseterior.errors import InputError
from poseterior.geometry.normalise import vector_from_joints_2d
from poseterior.heatmaps.condition import condition_for
from poseterior.heatmaps.derive_batch import MpiiGaussians
from poseterior.models.interface import LiftingInputs
from poseterior.types import DetectorProfile

AMBIGUOUS_RATIO = 2.5
"""A picture is ambiguous if a fitted sigma exceeds this many confident sigmas: 5 px of 2 px (H36MA, METHOD 5)."""


@dataclass(frozen=True)
class EvaluationSet:
    """Pictures row by row; every array has one entry per picture.

    Raises:
        InputError: lengths differ, a value is not finite, or a joint's Gaussian has no extent.
    """

    name: str
    """Such as "open-test" or "h36m-test"."""
    joints_m: Float[np.ndarray, "pictures 17 3"]
    """float64, Human3.6M-17, camera frame (x right, y down, z away), metres, not root-centred; 0 where unknown."""
    has_joint: Bool[np.ndarray, "pictures 17"]
    """Which joints the set knows; errors are taken over these only."""
    gaussians: MpiiGaussians
    """What the detector saw: 16 joints of MPII-16, heatmap cells, y down."""
    profile: DetectorProfile
    """Of that detector."""
    metres_per_cell: Float[np.ndarray, " pictures"]
    """Width of a heatmap cell at the person's depth; NaN where the set cannot tell."""
    subject: tuple[str, ...]
    action: tuple[str, ...]
    camera: tuple[str, ...]
    sequence: tuple[str, ...]
    """Pictures of one sequence depend on each other: intervals are bootstrapped by sequence."""
    frame: Int[np.ndarray, " pictures"]
    """Frame of the sequence's video, from 0; 0 where there is none."""
    image_path: tuple[str | None, ...]
    """Relative to the set's folder, as the set names it; None where there is no picture."""
    joints_2d: Float[np.ndarray, "pictures 16 2"] | None = None
    """2D joints of MPII-16 (y down, any unit) where the set has others than the Gaussians' means: then y is of them,
    as in the authors' code, and the Gaussians only enter the condition."""
    joints_2d_source: str = "detector"
    """"detector", or "truth" where 2D joints are projections of the truth (said in every report)."""
    checksum: str = ""
    """SHA-256 that identifies the set's content: of its manifest or its files."""
    notes: tuple[str, ...] = ()
    """What a reader of the numbers must know: one sentence each."""
    extra: dict[str, np.ndarray] = field(default_factory=dict)
    """More per picture that single sets know (such as `visible` (pictures, 17)), by name."""

    def __post_init__(self) -> None:
        _check(self)

    def __len__(self) -> int:
        return len(self.joints_m)

    def ambiguous(self) -> Bool[np.ndarray, " pictures"]:
        """The H36MA rule: some joint's larger standard deviation is above 2.5 confident sigmas."""
        largest = np.linalg.eigvalsh(self.gaussians.covariance_cell2)[..., -1].max(axis=-1)
        return np.sqrt(largest) > AMBIGUOUS_RATIO * self.profile.sigma_confident_cells

    def inputs(self, variant: str = "paper") -> LiftingInputs:
        """What a method may see; numbered by row."""
        seen = self.gaussians
        condition = condition_for(
            self.profile, seen.amplitude, seen.mean_cell, seen.covariance_cell2, variant
        )
        y = vector_from_joints_2d(self.gaussians.mean_cell if self.joints_2d is None else self.joints_2d)
        return LiftingInputs(y.astype(np.float32), condition.astype(np.float32), np.arange(len(self)))

    def select(self, rows: Int[np.ndarray, " some"]) -> EvaluationSet:
        """The pictures at `rows`, in that order."""

        def chosen(values: tuple) -> tuple:
            return tuple(values[row] for row in rows.tolist())

        gaussians = MpiiGaussians(
            self.gaussians.amplitude[rows],
            self.gaussians.mean_cell[rows],
            self.gaussians.covariance_cell2[rows],
        )
        return replace(
            self,
            joints_m=self.joints_m[rows],
            has_joint=self.has_joint[rows],
            gaussians=gaussians,
            metres_per_cell=self.metres_per_cell[rows],
            joints_2d=None if self.joints_2d is None else self.joints_2d[rows],
            subject=chosen(self.subject),
            action=chosen(self.action),
            camera=chosen(self.camera),
            sequence=chosen(self.sequence),
            frame=self.frame[rows],
            image_path=chosen(self.image_path),
            extra={name: values[rows] for name, values in self.extra.items()},
        )


def _check(data: EvaluationSet) -> None:
    count = len(data.joints_m)
    lengths = {
        "has_joint": len(data.has_joint),
        "gaussians": len(data.gaussians.amplitude),
        "metres_per_cell": len(data.metres_per_cell),
        **{name: len(getattr(data, name)) for name in ("subject", "action", "camera", "sequence")},
        "frame": len(data.frame),
        "image_path": len(data.image_path),
        "joints_2d": count if data.joints_2d is None else len(data.joints_2d),
        **{f"extra.{name}": len(values) for name, values in data.extra.items()},
    }
    for name, length in lengths.items():
        if length != count:
            raise InputError(
                f"set {data.name}: {name} has {length} pictures; expected {count} as in joints_m"
            )
    arrays = {
        "joints_m": data.joints_m,
        "gaussians.amplitude": data.gaussians.amplitude,
        "gaussians.mean_cell": data.gaussians.mean_cell,
        "gaussians.covariance_cell2": data.gaussians.covariance_cell2,
        **({} if data.joints_2d is None else {"joints_2d": data.joints_2d}),
    }
    for name, values in arrays.items():
        bad = ~np.isfinite(values).reshape(count, -1).all(axis=1)
        if bad.any():
            raise InputError(
                f"set {data.name}: {name} of picture {int(bad.argmax())} holds NaN or infinite values; "
                "expected finite numbers"
            )
