"""Errors of poses against the truth, unreduced: the caller says over what to average."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.geometry.align import root_centre
from poseterior.metrics.alignment import Alignment, aligned_joint_errors


def joint_errors(
    predicted: Float[np.ndarray, "*#batch joints axes"], truth: Float[np.ndarray, "*#batch joints axes"]
) -> Float[np.ndarray, "*batch joints"]:
    """Distance of every joint to its truth, in the poses' unit; batch axes broadcast."""
    return np.linalg.norm(predicted - truth, axis=-1)


def mpjpe(
    predicted: Float[np.ndarray, "*#batch joints axes"], truth: Float[np.ndarray, "*#batch joints axes"]
) -> Float[np.ndarray, "*batch"]:
    """Protocol 1: mean distance over joints after root-centring both (METHOD section 5), one per pose."""
    return joint_errors(root_centre(predicted), root_centre(truth)).mean(axis=-1)


def pmpjpe(
    predicted: Float[np.ndarray, "*#batch joints 3"],
    truth: Float[np.ndarray, "*#batch joints 3"],
    *,
    with_scale: bool = True,
) -> Float[np.ndarray, "*batch"]:
    """Protocol 2: mean distance over joints after similarity Procrustes alignment, one per pose.

    Without scale the alignment is rigid.

    Raises:
        InputError: a coordinate is not finite.
    """
    return _mean_error(predicted, truth, "similarity" if with_scale else "rigid")


def n_mpjpe(
    predicted: Float[np.ndarray, "*#batch joints 3"], truth: Float[np.ndarray, "*#batch joints 3"]
) -> Float[np.ndarray, "*batch"]:
    """MPJPE after root-centring and the least-squares scale (Rhodin et al., CVPR 2018), one per pose.

    Raises:
        InputError: a coordinate is not finite.
    """
    return _mean_error(predicted, truth, "scaled")


def _mean_error(
    predicted: Float[np.ndarray, "*#batch joints 3"],
    truth: Float[np.ndarray, "*#batch joints 3"],
    alignment: Alignment,
) -> Float[np.ndarray, "*batch"]:
    return np.asarray(aligned_joint_errors(predicted, truth, (alignment,))[alignment].mean(axis=-1))
