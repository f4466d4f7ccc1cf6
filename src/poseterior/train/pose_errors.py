"""Errors of hypotheses on pairs that were not trained on (torch)."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from poseterior.flow.config import POSE_SIZE
from poseterior.geometry.normalise import pose_from_vector
from poseterior.metrics.pose import mpjpe, pmpjpe

PosesMm = Float[np.ndarray, "pictures hypotheses 17 3"]

_MM = 1000.0


def pose_errors_mm(
    poses: PosesMm,
    single: Float[np.ndarray, "pictures 17 3"],
    truth: Float[np.ndarray, "pictures 17 3"],
    single_name: str,
) -> dict[str, Float[np.ndarray, " pictures"]]:
    """`mpjpe_*_mm` and `pmpjpe_*_mm` (METHOD section 5), poses in millimetres.

    Of "oracle_best" and "oracle_worst" (chosen by the truth), "sample" (mean error), "mean" (of the mean pose) and
    the single answer, under `single_name`.
    """
    measured: dict[str, Float[np.ndarray, " pictures"]] = {}
    for name, error in (("mpjpe", mpjpe), ("pmpjpe", pmpjpe)):
        errors = error(poses, truth[:, None])
        measured |= {
            f"{name}_oracle_best_mm": errors.min(axis=1),
            f"{name}_oracle_worst_mm": errors.max(axis=1),
            f"{name}_sample_mm": errors.mean(axis=1),
            f"{name}_mean_mm": error(poses.mean(axis=1), truth),
            f"{name}_{single_name}_mm": error(single, truth),
        }
    return measured


def poses_mm(vectors: Float[torch.Tensor, "pictures hypotheses 48"]) -> PosesMm:
    """Human3.6M-17 in the camera frame, pelvis at the origin, millimetres, float64."""
    assert vectors.shape[-1] == POSE_SIZE
    return _MM * pose_from_vector(vectors.double().cpu().numpy())
