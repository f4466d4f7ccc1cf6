"""Which pictures a figure shows, by a rule that sees the detections alone: never the truth, nor any method's answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from poseterior.data.evaluation_set import AMBIGUOUS_RATIO
from poseterior.heatmaps.condition import SIGMA_RANGE
from poseterior.skeleton import MPII_16

LIMB_ENDS = tuple(name for name in MPII_16 if name.endswith(("knee", "ankle", "elbow", "wrist")))
"""The joints that an ambiguous picture is ambiguous in."""
FOUND_BELOW = 1.5
"""The detector sits on the person where the median sigma of the 16 joints is at most so many confident ones."""
_COLUMNS = [MPII_16.index(name) for name in LIMB_ENDS]


def limb_uncertainty(
    covariance_cell2: Float[np.ndarray, "pictures 16 2 2"], sigma_confident_cells: float
) -> Float[np.ndarray, " pictures"]:
    """Mean over `LIMB_ENDS` of the larger sigma, in confident sigmas, each clipped at 5 as the condition is."""
    return np.minimum(_sigma(covariance_cell2, sigma_confident_cells)[:, _COLUMNS], SIGMA_RANGE[1]).mean(
        axis=1
    )


def person_is_found(
    covariance_cell2: Float[np.ndarray, "pictures 16 2 2"], sigma_confident_cells: float
) -> Bool[np.ndarray, " pictures"]:
    """Whether the detector sits on the person (see `FOUND_BELOW`): where it is lost, all joints are uncertain."""
    return np.median(_sigma(covariance_cell2, sigma_confident_cells), axis=1) <= FOUND_BELOW


def lone_uncertain_joint(
    covariance_cell2: Float[np.ndarray, "pictures 16 2 2"], sigma_confident_cells: float, joint: str
) -> Float[np.ndarray, " pictures"]:
    """The joint's larger sigma in confident ones where it alone is uncertain, 0 elsewhere.

    Alone: it lies between the bound of ambiguous pictures and where the condition clips; no other one is above
    `FOUND_BELOW`.
    """
    sigma = _sigma(covariance_cell2, sigma_confident_cells)
    own = sigma[:, MPII_16.index(joint)]
    others = np.delete(sigma, MPII_16.index(joint), axis=1)
    alone = (own > AMBIGUOUS_RATIO) & (own <= SIGMA_RANGE[1]) & (others <= FOUND_BELOW).all(axis=1)
    return np.where(alone, own, 0.0)


def spread_out(
    score: Float[np.ndarray, " pictures"],
    camera: Sequence[str],
    frame: Int[np.ndarray, " pictures"],
    count: int,
    apart: int = 10,
) -> list[int]:
    """Rows with the highest scores, the cameras in turn, frames of one camera at least `apart` from each other.

    No camera is taken again before all others that still have a frame to offer; fewer than `count` rows come back
    where there are no more.
    """
    chosen: list[int] = []
    cameras = np.asarray(camera)
    while len(chosen) < count:
        free = [
            row
            for row in range(len(score))
            if all(
                cameras[row] != cameras[other] or abs(int(frame[row]) - int(frame[other])) >= apart
                for other in chosen
            )
        ]
        if not free:
            break
        taken = {name: sum(cameras[other] == name for other in chosen) for name in set(camera)}
        chosen.append(min(free, key=lambda row: (taken[cameras[row]], -score[row], row)))
    return chosen


def _sigma(
    covariance_cell2: Float[np.ndarray, "pictures 16 2 2"], sigma_confident_cells: float
) -> Float[np.ndarray, "pictures 16"]:
    """The larger one of each joint, in confident ones."""
    return np.sqrt(np.linalg.eigvalsh(covariance_cell2)[..., -1]) / sigma_confident_cells
