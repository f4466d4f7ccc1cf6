"""What a detector makes of pictures whose truth is known: error, sigma and amplitude, by joint and visibility."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from poseterior.data.synthesis.visibility import Visibility
from poseterior.heatmaps.derive_batch import MpiiGaussians
from poseterior.skeleton import H36M_17, MPII_16

TRUTH_OF_MPII = [H36M_17.index(name) for name in MPII_16]
"""Where the joints of MPII-16 are among Human3.6M-17's."""


@dataclass(frozen=True)
class DetectorErrors:
    """Fitted means against the truth; joints in MPII order, lengths relative to the person's size.

    A person's size is the longer side of the tight box around all true joints in the picture's plane.
    """

    offset: Float[np.ndarray, "pictures 16 2"]
    """Fitted mean minus truth, image axes (x right, y down)."""
    sigma_cell: Float[np.ndarray, "pictures 16"]
    amplitude: Float[np.ndarray, "pictures 16"]
    visibility: UInt8[np.ndarray, "pictures 16"]

    @property
    def visible(self) -> Bool[np.ndarray, "pictures 16"]:
        """Joints that can be seen."""
        return self.visibility == Visibility.VISIBLE

    @property
    def constant_offset(self) -> Float[np.ndarray, "16 2"]:
        """Median offset of each joint where it is visible: detector and truth name different points."""
        seen = np.where(self.visible[..., None], self.offset, np.nan)
        return np.nanmedian(seen, axis=0)

    @property
    def error(self) -> Float[np.ndarray, "pictures 16"]:
        """Distance of fitted mean and truth."""
        return np.linalg.norm(self.offset, axis=-1)

    @property
    def centred_error(self) -> Float[np.ndarray, "pictures 16"]:
        """The same after each joint's constant offset is taken away."""
        return np.linalg.norm(self.offset - self.constant_offset, axis=-1)


def detector_errors(
    gaussians: MpiiGaussians,
    pixel_from_cell: Float[np.ndarray, "pictures 2 3"],
    joints_px: Float[np.ndarray, "pictures 17 2"],
    visibility: UInt8[np.ndarray, "pictures 17"],
) -> DetectorErrors:
    """Fitted Gaussians beside the true joints (Human3.6M-17, pixels)."""
    truth_px = joints_px[:, TRUTH_OF_MPII].astype(np.float64)
    mean_px = gaussians.mean_cell @ np.swapaxes(pixel_from_cell[:, :, :2], -1, -2)
    mean_px = mean_px + pixel_from_cell[:, None, :, 2]
    size_px = np.ptp(joints_px, axis=1).max(axis=-1).astype(np.float64)
    return DetectorErrors(
        offset=(mean_px - truth_px) / size_px[:, None, None],
        sigma_cell=gaussians.sigma_cell,
        amplitude=gaussians.amplitude,
        visibility=visibility[:, TRUTH_OF_MPII],
    )


def error_table(errors: DetectorErrors) -> dict[str, Any]:
    """The numbers of docs/open-data.md: per joint, per visibility, and how well sigma foretells the error."""
    return {
        "pictures": len(errors.offset),
        "joints": {name: _joint_row(errors, joint) for joint, name in enumerate(MPII_16)},
        "visibility": {
            kind.name.lower(): _row(errors, errors.visibility == kind)
            for kind in Visibility
            if (errors.visibility == kind).any()
        },
        "spearman_sigma_error": spearman(errors.sigma_cell.ravel(), errors.error.ravel()),
        "spearman_sigma_error_by_joint_means": spearman(
            errors.sigma_cell.mean(axis=0), errors.error.mean(axis=0)
        ),
    }


def spearman(first: Float[np.ndarray, " values"], second: Float[np.ndarray, " values"]) -> float:
    """Spearman's rank correlation."""
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


def _joint_row(errors: DetectorErrors, joint: int) -> dict[str, Any]:
    here = np.zeros(errors.visibility.shape, dtype=bool)
    here[:, joint] = True
    offset = errors.constant_offset[joint]
    return {
        "visible_share": float(errors.visible[:, joint].mean()),
        "constant_offset_percent": [round(100.0 * float(value), 2) for value in offset],
        "visible": _row(errors, here & errors.visible),
        "hidden": _row(errors, here & ~errors.visible),
        "all": _row(errors, here),
    }


def _row(errors: DetectorErrors, chosen: Bool[np.ndarray, "pictures 16"]) -> dict[str, Any]:
    """Medians and means over the chosen joints; errors in percent of the person's size."""
    if not chosen.any():
        return {"count": 0}
    return {
        "count": int(chosen.sum()),
        "median_error_percent": 100.0 * float(np.median(errors.error[chosen])),
        "median_centred_error_percent": 100.0 * float(np.median(errors.centred_error[chosen])),
        "mean_error_percent": 100.0 * float(errors.error[chosen].mean()),
        "median_sigma_cell": float(np.median(errors.sigma_cell[chosen])),
        "mean_sigma_cell": float(errors.sigma_cell[chosen].mean()),
        "median_amplitude": float(np.median(errors.amplitude[chosen])),
    }
