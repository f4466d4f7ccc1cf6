"""The upper body of one pose on the legs of another, joined at the pelvis."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.data.pose_library.body_frames import UPPER_BONES, pelvis_frame


def recombined(
    legs: Float[np.ndarray, "16 3"], upper: Float[np.ndarray, "16 3"]
) -> Float[np.ndarray, "16 3"]:
    """Hips and legs of the first pose with trunk, head and arms of the second, turned from pelvis to pelvis."""
    turn = pelvis_frame(legs) @ pelvis_frame(upper).T
    directions = legs.copy()
    directions[UPPER_BONES] = upper[UPPER_BONES] @ turn.T
    return directions
