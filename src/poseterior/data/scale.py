"""How many metres a pixel (or heatmap cell) is wide at the person's depth, from a pose and its picture."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def metres_per_unit(
    joints_m: Float[np.ndarray, "pictures joints 3"],
    joints_2d: Float[np.ndarray, "pictures joints 2"],
    root: int,
) -> Float[np.ndarray, " pictures"]:
    """Depth of the joint `root` over the focal length that fits the 2D joints best; NaN where none does.

    The focal length is the least-squares one of a pinhole camera of unknown centre: of (u, v) = f (X, Y)/Z + c over
    the joints of one picture, in the unit of `joints_2d`; exact where these are the projections.
    """
    depth_m = joints_m[..., 2]
    safe = np.where(depth_m > 0, depth_m, np.nan)
    rays = joints_m[..., :2] / safe[..., None]
    rays = rays - rays.mean(axis=1, keepdims=True)
    seen = joints_2d - joints_2d.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        focal = (rays * seen).sum(axis=(1, 2)) / (rays**2).sum(axis=(1, 2))
        return np.where(focal > 0, safe[:, root] / focal, np.nan)
