"""One colour per meaning, the same in every panel.

Sides: blue and vermilion of Okabe and Ito, "Color Universal Design", 2008; they differ for colour-blind eyes.
"""

from __future__ import annotations

LEFT = "#0072B2"
RIGHT = "#D55E00"
MIDDLE = "#3A3A3A"
INK = "#222222"
FAINT_INK = "#666666"
GRID = "#E4E4E4"
WARNING = "#A6261D"

AXIS_COLOURS = ("#BFC3C9", "#848B95", "#1B9E77")
"""Spread in x, y and depth: depth, the axis that one picture cannot see, stands out."""

UNCERTAINTY_MAP = "viridis"
"""Perceptually uniform; dark = certain, bright = uncertain."""


def side_colour(joint_name: str) -> str:
    """The colour of the person's side that the joint is on."""
    if joint_name.startswith("left"):
        return LEFT
    return RIGHT if joint_name.startswith("right") else MIDDLE
