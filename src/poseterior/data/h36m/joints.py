"""Human3.6M's 32 joints, of which 17 are used."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError

KEPT_OF_32 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Index among the 32 of each joint of Human3.6M-17; the others are doubles, fingers and toes."""


def seventeen_joints(
    poses: Float[np.ndarray, "frames joints 3"], where: str
) -> Float[np.ndarray, "frames 17 3"]:
    """Human3.6M-17 of poses with 32 or 17 joints, in float64.

    Raises:
        InputError: another number of joints (`where` names file and field).
    """
    count = poses.shape[1]
    if count not in (32, 17):
        raise InputError(f"{where} has {count} joints; expected Human3.6M's 32 or 17")
    return (poses[:, KEPT_OF_32] if count == 32 else poses).astype(np.float64)
