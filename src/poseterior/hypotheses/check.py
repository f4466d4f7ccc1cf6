"""What must hold for a `Hypotheses`; the first thing that does not is named in one sentence."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from poseterior.errors import InputError
from poseterior.skeleton import H36M_17

if TYPE_CHECKING:
    from poseterior.hypotheses.container import Hypotheses
    from poseterior.types import Detection, JointGaussians

_ROOT_TOLERANCE_M = 1e-4


def check_hypotheses(hypotheses: Hypotheses) -> None:
    """Raises InputError unless shapes agree, all numbers are finite, and poses are relative to the pelvis."""
    joints = len(H36M_17)
    _check_array("poses_m", hypotheses.poses_m, (None, joints, 3))
    count = len(hypotheses.poses_m)
    if count == 0:
        raise InputError("poses_m is empty; expected at least one hypothesis")
    _check_array("log_prob", hypotheses.log_prob, (count,))
    _check_array("latents", hypotheses.latents, (count, None))
    _check_array("mode_m", hypotheses.mode_m, (joints, 3))
    _check_root("poses_m", hypotheses.poses_m)
    _check_root("mode_m", hypotheses.mode_m)
    if not math.isfinite(hypotheses.mode_log_prob):
        raise InputError("mode_log_prob is not finite; expected a number")
    if hypotheses.log_prob_kind not in ("posterior", "manifold"):
        raise InputError(f'log_prob_kind is "{hypotheses.log_prob_kind}"; expected "posterior" or "manifold"')
    _check_gaussians("detection.gaussians", hypotheses.detection.gaussians)
    _check_gaussians("detection.native_gaussians", hypotheses.detection.native_gaussians)
    _check_box(hypotheses.detection)
    _check_plain("settings", hypotheses.settings)
    _check_plain("timings_ms", hypotheses.timings_ms)


def _check_array(name: str, array: np.ndarray, shape: tuple[int | None, ...]) -> None:
    fits = array.ndim == len(shape) and all(
        size is None or size == actual for size, actual in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = " x ".join("any" if size is None else str(size) for size in shape)
        given = " x ".join(map(str, array.shape)) or "none"
        raise InputError(f"{name} has the shape {given}; expected {wanted}")
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"{name} has dtype {array.dtype}; expected a floating-point one")
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite values; expected finite numbers")


def _check_root(name: str, poses_m: np.ndarray) -> None:
    offset_m = float(np.abs(poses_m[..., 0, :]).max())
    if offset_m > _ROOT_TOLERANCE_M:
        raise InputError(f"{name} has a pelvis {offset_m:.3g} m off the origin; expected root-relative poses")


def _check_gaussians(name: str, gaussians: JointGaussians) -> None:
    joints = len(gaussians.joint_names)
    _check_array(f"{name}.amplitude", gaussians.amplitude, (joints,))
    _check_array(f"{name}.mean_cell", gaussians.mean_cell, (joints, 2))
    _check_array(f"{name}.covariance_cell2", gaussians.covariance_cell2, (joints, 2, 2))
    _check_array(f"{name}.rmse", gaussians.rmse, (joints,))
    _check_array(f"{name}.pixel_from_cell", gaussians.pixel_from_cell, (2, 3))
    if gaussians.status.shape != (joints,):
        raise InputError(f"{name}.status has the shape {gaussians.status.shape}; expected {joints} values")


def _check_box(detection: Detection) -> None:
    box = detection.box
    numbers = (box.x_px, box.y_px, box.width_px, box.height_px, box.score or 0.0, detection.score)
    if not all(math.isfinite(number) for number in numbers):
        raise InputError("detection.box or detection.score is not finite; expected numbers")


def _check_plain(name: str, values: dict) -> None:
    try:
        json.dumps(values, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} cannot be stored ({error}); expected finite numbers, strings, lists and dicts"
        ) from error
