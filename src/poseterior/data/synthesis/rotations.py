"""Rotation matrices out of directions: frames, swings, turns; float64, columns are axes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64


def unit(vector: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    """The vector at length 1; a vector without length stays zero."""
    length = float(np.sqrt(vector @ vector))
    return vector / length if length > 1e-12 else vector


def frame(first: Float64[np.ndarray, "3"], second: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """Axes: along `first`; what is left of `second` at right angles to it; and their cross product."""
    first = unit(first)
    second = second - (second @ first) * first
    if second @ second < 1e-12:
        second = _any_normal(first)
    second = unit(second)
    return np.stack([first, second, _cross(first, second)], axis=1)


def swing(start: Float64[np.ndarray, "3"], end: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """The shortest rotation from one direction to another."""
    start, end = unit(start), unit(end)
    axis, cosine = _cross(start, end), float(start @ end)
    if cosine < -1.0 + 1e-9:
        return turn(_any_normal(start), np.pi)
    cross = _skew(axis)
    return np.eye(3) + cross + cross @ cross / (1.0 + cosine)


def turn(axis: Float64[np.ndarray, "3"], angle_rad: float) -> Float64[np.ndarray, "3 3"]:
    """The rotation about an axis by an angle (Rodrigues' formula)."""
    cross = _skew(unit(axis))
    return np.eye(3) + np.sin(angle_rad) * cross + (1.0 - np.cos(angle_rad)) * (cross @ cross)


def between(
    start: Float64[np.ndarray, "3 3"], end: Float64[np.ndarray, "3 3"], share: float
) -> Float64[np.ndarray, "3 3"]:
    """The rotation at `share` of the way from one rotation to another, at constant rate."""
    relative = end @ start.T
    sine_axis = np.array(
        [relative[2, 1] - relative[1, 2], relative[0, 2] - relative[2, 0], relative[1, 0] - relative[0, 1]]
    )
    angle = float(np.arctan2(np.sqrt(sine_axis @ sine_axis), np.trace(relative) - 1.0))
    if sine_axis @ sine_axis < 1e-12:
        # no turn, or half a turn: neither happens between neighbouring parts of a body
        return start
    return turn(sine_axis, share * angle) @ start


def signed_angle_rad(
    start: Float64[np.ndarray, "3"], end: Float64[np.ndarray, "3"], axis: Float64[np.ndarray, "3"]
) -> float:
    """The angle by which `start` must turn about the unit vector `axis` to point along `end`."""
    return float(np.arctan2(axis @ _cross(start, end), start @ end - (start @ axis) * (end @ axis)))


def _any_normal(direction: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    return unit(_cross(direction, np.eye(3)[np.argmin(np.abs(direction))]))


def _cross(a: Float64[np.ndarray, "3"], b: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _skew(axis: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    x, y, z = axis
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
