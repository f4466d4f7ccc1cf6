"""Joint errors after each alignment of the protocols, for very many poses (`_native/`, C).

The optimal rotation is that of `geometry.align.fit_similarity`, by the largest root of the quaternions'
characteristic polynomial in float64 instead of an SVD (Horn, J. Opt. Soc. Am. A 4(4), 1987; Theobald, Acta Cryst.
A61, 2005). Poses on a line, on one spot, or mirrored have an optimum too: one of the equally good ones.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError
from poseterior.metrics._native import library

Alignment = Literal["root", "scaled", "rigid", "similarity"]
"""How a pose is moved onto its truth before distances are taken. "root": both with the root joint at the origin
(protocol 1); "scaled": that and the least-squares scale (Rhodin et al., CVPR 2018); "rigid": the rotation and
translation of least squared distance; "similarity": those and the scale (protocol 2)."""

ALIGNMENTS: tuple[Alignment, ...] = ("root", "scaled", "rigid", "similarity")


def aligned_joint_errors(
    predicted: Float[np.ndarray, "*predicted_batch joints 3"],
    truth: Float[np.ndarray, "*truth_batch truth_joints 3"],
    alignments: Collection[Alignment] = ALIGNMENTS,
    *,
    root_index: int = 0,
) -> dict[Alignment, Float[np.ndarray, "*batch joints"]]:
    """Distance of every joint to its truth after each of the alignments, unreduced, in the poses' unit.

    Batch axes broadcast: hypotheses (pictures, hypotheses, joints, 3) go with `truth[:, None]`. The results are
    float64 and lie joint by joint in memory, so that `errors[..., joint]` is contiguous.

    Raises:
        InputError: shapes do not fit, the root is not among the joints, or a coordinate is not finite.
    """
    batch = _batch_shape(predicted, truth)
    joints = predicted.shape[-2]
    if not 0 <= root_index < joints:
        raise InputError(
            f"root_index is {root_index}; expected one of the {joints} joints, 0 to {joints - 1}"
        )
    dtype = np.float32 if predicted.dtype == truth.dtype == np.float32 else np.float64
    truth_batch, per_truth = batch, 1
    if truth.ndim > 2 and truth.shape[-3] == 1:
        # Hypotheses of one picture share its truth, which then need not be repeated.
        truth, truth_batch, per_truth = truth[..., 0, :, :], batch[:-1], max(batch[-1], 1)
    poses = np.ascontiguousarray(np.broadcast_to(predicted, (*batch, joints, 3)), dtype)
    truths = np.ascontiguousarray(np.broadcast_to(truth, (*truth_batch, joints, 3)), dtype)
    errors: dict[Alignment, np.ndarray] = {name: np.empty((joints, *batch)) for name in alignments}
    workspace = np.empty(library().poseterior_align_workspace(joints))
    library().poseterior_align(
        poses.ctypes.data,
        truths.ctypes.data,
        dtype == np.float64,
        int(np.prod(batch, dtype=np.int64)),
        per_truth,
        joints,
        root_index,
        workspace.ctypes.data,
        *(errors[name].ctypes.data if name in errors else None for name in ALIGNMENTS),
    )
    # A coordinate that is not finite makes an error that is not.
    if not all(np.isfinite(values).all() for values in errors.values()):
        raise InputError("poses or their truth hold NaN or infinite values; expected finite coordinates")
    return {name: np.moveaxis(values, 0, -1) for name, values in errors.items()}


def _batch_shape(
    predicted: Float[np.ndarray, "*predicted_batch joints 3"],
    truth: Float[np.ndarray, "*truth_batch truth_joints 3"],
) -> tuple[int, ...]:
    """The broadcast batch axes."""
    fits = predicted.shape[-2:] == truth.shape[-2:] and predicted.shape[-1] == 3 and predicted.shape[-2] > 0
    try:
        if fits:
            return np.broadcast_shapes(predicted.shape[:-2], truth.shape[:-2])
    except ValueError:
        pass
    raise InputError(
        f"poses have the shape {predicted.shape} and their truth {truth.shape}; "
        "expected (..., joints, 3) for both, with batch axes that broadcast"
    )
