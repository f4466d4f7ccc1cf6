"""The key of the skeletons' lines."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from poseterior.viz.colours import INK, LEFT, MIDDLE, RIGHT
from poseterior.viz.layout import PAGE_HEIGHT, PAGE_WIDTH, Rectangle

_LINES: dict[str, dict[str, Any]] = {
    "mode (latent zero)": {"color": MIDDLE, "linewidth": 2.8},
    "hypotheses": {"color": MIDDLE, "linewidth": 0.9, "alpha": 0.5},
    "person's left": {"color": LEFT, "linewidth": 2.8},
    "person's right": {"color": RIGHT, "linewidth": 2.8},
}


def draw_key(figure: Figure, place: Rectangle) -> None:
    """Adds it in the middle of the place."""
    figure.legend(
        [Line2D([], [], **style) for style in _LINES.values()],
        list(_LINES),
        loc="center",
        bbox_to_anchor=(
            (place.x + place.width / 2) / PAGE_WIDTH,
            (place.y + place.height / 2) / PAGE_HEIGHT,
        ),
        fontsize=10,
        labelcolor=INK,
        frameon=False,
        handlelength=1.8,
        labelspacing=0.7,
    )
