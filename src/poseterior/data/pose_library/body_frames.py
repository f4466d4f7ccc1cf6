"""The pelvis' and the chest's axes of a pose, and bone directions in them.

Columns of a frame are its axes in the world: x to the left, y up along the trunk, z forward.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from poseterior.data.simulated.body_shape import HIP_BONES, MIRRORED_BONES
from poseterior.skeleton import H36M_BONES

BONE = {child: index for index, (_, child) in enumerate(H36M_BONES)}
"""Index of the bone that ends in a joint."""
LEG_BONES = [BONE[f"{side}_{joint}"] for side in ("right", "left") for joint in ("hip", "knee", "ankle")]
UPPER_BONES = [index for index in range(len(H36M_BONES)) if index not in LEG_BONES]
"""Trunk, head and arms."""
HEAD_BONES = [BONE["neck"], BONE["head"]]
MIRROR = np.array([-1.0, 1.0, 1.0])
"""Reflection of left and right, in the world as in a body frame."""


def pelvis_frame(directions: Float[np.ndarray, "*poses 16 3"]) -> Float[np.ndarray, "*poses 3 3"]:
    """x from hip to hip, y as near as can be to the lower trunk."""
    return _frame(directions[..., HIP_BONES[1], :], directions[..., BONE["spine"], :])


def chest_frame(directions: Float[np.ndarray, "*poses 16 3"]) -> Float[np.ndarray, "*poses 3 3"]:
    """x from shoulder to shoulder, y as near as can be to the upper trunk."""
    across = directions[..., BONE["left_shoulder"], :] - directions[..., BONE["right_shoulder"], :]
    return _frame(across, directions[..., BONE["thorax"], :])


def mirror(directions: Float[np.ndarray, "*poses 16 3"]) -> Float[np.ndarray, "*poses 16 3"]:
    """The mirrored pose: left and right exchanged, x reflected."""
    return directions[..., MIRRORED_BONES, :] * MIRROR


def unit(vectors: Float[np.ndarray, "*vectors 3"]) -> Float[np.ndarray, "*vectors 3"]:
    """The vectors with length 1; zero stays zero."""
    length = np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    return vectors / np.maximum(length, 1e-12)


def cross(first: Float[np.ndarray, "*vectors 3"], second: Float[np.ndarray, "*vectors 3"]) -> np.ndarray:
    """Cross product, several times faster than `np.cross` on single vectors."""
    ax, ay, az = first[..., 0], first[..., 1], first[..., 2]
    bx, by, bz = second[..., 0], second[..., 1], second[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def unswung(
    vectors: Float[np.ndarray, "*vectors 3"],
    directions: Float[np.ndarray, "*vectors 3"],
    rest: Float[np.ndarray, " 3"],
) -> Float[np.ndarray, "*vectors 3"]:
    """The vectors after the shortest turn that takes `directions` to `rest`."""
    between = directions + rest
    along = (between * vectors).sum(axis=-1, keepdims=True)
    span = np.maximum(1.0 + (directions * rest).sum(axis=-1, keepdims=True), 1e-9)
    return vectors - along / span * between + 2.0 * (directions * vectors).sum(axis=-1, keepdims=True) * rest


def _frame(
    left: Float[np.ndarray, "*poses 3"], up: Float[np.ndarray, "*poses 3"]
) -> Float[np.ndarray, "*poses 3 3"]:
    x = unit(left)
    y = unit(up - (up * x).sum(axis=-1, keepdims=True) * x)
    return np.stack([x, y, cross(x, y)], axis=-1)
