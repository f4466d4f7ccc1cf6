"""Rigid and similarity alignment of point sets in closed form (Umeyama, IEEE TPAMI 13(4), 1991)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError

_ROUNDING = 1e-24


@dataclass(frozen=True)
class SimilarityTransform:
    """target = scale * rotation @ source + translation; one transform per batch entry, float64."""

    scale: Float[np.ndarray, "*batch"]
    rotation: Float[np.ndarray, "*batch 3 3"]
    """Proper: its determinant is +1, never a reflection."""
    translation: Float[np.ndarray, "*batch 3"]

    def apply(self, points: Float[np.ndarray, "*#batch joints 3"]) -> Float[np.ndarray, "*#batch joints 3"]:
        """The transformed points, float64; batch axes broadcast."""
        rotated = points.astype(np.float64) @ np.swapaxes(self.rotation, -1, -2)
        return self.scale[..., None, None] * rotated + self.translation[..., None, :]


def root_centre(
    poses: Float[np.ndarray, "*batch joints axes"], root_index: int = 0
) -> Float[np.ndarray, "*batch joints axes"]:
    """The poses moved so that the root joint (default: the pelvis of Human3.6M-17) is at the origin."""
    return poses - poses[..., root_index : root_index + 1, :]


def fit_similarity(
    source: Float[np.ndarray, "*#source joints 3"],
    target: Float[np.ndarray, "*#target joints 3"],
    *,
    with_scale: bool = True,
) -> SimilarityTransform:
    """The similarity (or, without scale, rigid) transform of least squared distance from source to target.

    Any unit and frame; batch axes broadcast. Degenerate sets have an answer too: for points on a line or on
    one spot the rotation is one of the equally good ones, and the scale is 1 where the source has no extent.

    Raises:
        InputError: a coordinate is not finite.
    """
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise InputError("poses to align hold NaN or infinite values; expected finite coordinates")
    source_mean = source.mean(axis=-2, dtype=np.float64)
    target_mean = target.mean(axis=-2, dtype=np.float64)
    from_mean = source - source_mean[..., None, :]
    to_mean = target - target_mean[..., None, :]
    rotation, overlap = _best_rotation(np.swapaxes(to_mean, -1, -2) @ from_mean)
    scale = np.ones_like(overlap)
    if with_scale:
        extent = (from_mean**2).sum(axis=(-2, -1))
        # Coincident points keep an extent of rounding errors; no scale may be read off it.
        has_extent = extent > _ROUNDING * (source.astype(np.float64) ** 2).sum(axis=(-2, -1))
        np.divide(overlap, extent, out=scale, where=has_extent)
    moved_mean = (rotation @ source_mean[..., None])[..., 0]
    return SimilarityTransform(scale, rotation, target_mean - scale[..., None] * moved_mean)


def procrustes_align(
    source: Float[np.ndarray, "*#source joints 3"],
    target: Float[np.ndarray, "*#target joints 3"],
    *,
    with_scale: bool = True,
) -> Float[np.ndarray, "*batch joints 3"]:
    """The source after `fit_similarity` to the target: what PMPJPE compares (METHOD section 5)."""
    return fit_similarity(source, target, with_scale=with_scale).apply(source)


def _best_rotation(
    correlation: Float[np.ndarray, "*batch 3 3"],
) -> tuple[Float[np.ndarray, "*batch 3 3"], Float[np.ndarray, "*batch"]]:
    """The proper rotation R that maximises trace(R^T correlation), and that maximum."""
    left, singular, right = np.linalg.svd(correlation)
    # Where the best orthogonal matrix is a reflection, the weakest direction turns back (Umeyama, eq. 39).
    signs = np.ones_like(singular)
    signs[..., 2] = np.where(np.linalg.det(left) * np.linalg.det(right) < 0, -1.0, 1.0)
    return (left * signs[..., None, :]) @ right, np.asarray((signs * singular).sum(axis=-1))
