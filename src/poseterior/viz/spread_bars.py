"""Bars of the hypotheses' spread per joint, in x, y and depth."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poseterior.hypotheses import Hypotheses
from poseterior.skeleton import H36M_17, indices_of
from poseterior.viz.colours import AXIS_COLOURS, FAINT_INK, GRID, INK, side_colour
from poseterior.viz.layout import BARS, add_panel

BAR_JOINTS = (
    "head",
    "neck",
    "thorax",
    "spine",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""From top to bottom; the pelvis is left out, being the origin."""

_AXIS_NAMES = ("x", "y", "depth")
_BAR_HEIGHT = 0.26


def draw_spread_bars(figure: Figure, hypotheses: Hypotheses) -> Axes:
    """Adds three bars per joint, `Hypotheses.spread_mm`; a note instead if there is one hypothesis."""
    axes = add_panel(figure, BARS)
    axes.set_title("spread of the hypotheses", fontsize=11, color=INK, pad=30)
    if len(hypotheses) < 2:
        axes.set_axis_off()
        axes.text(0.5, 0.98, "one hypothesis has none", ha="center", fontsize=10, color=FAINT_INK)
        return axes
    spread_mm = hypotheses.spread_mm()[indices_of(BAR_JOINTS, H36M_17)]
    rows = np.arange(len(BAR_JOINTS))
    for axis, (name, colour) in enumerate(zip(_AXIS_NAMES, AXIS_COLOURS, strict=True)):
        axes.barh(rows + (axis - 1) * _BAR_HEIGHT, spread_mm[:, axis], _BAR_HEIGHT, color=colour, label=name)
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.set_yticks(rows, [name.replace("_", " ") for name in BAR_JOINTS])
    axes.set_xlabel("standard deviation,\nrelative to the pelvis (mm)", fontsize=10, color=INK)
    axes.tick_params(axis="x", labelsize=9, length=3, colors=FAINT_INK)
    axes.tick_params(axis="y", labelsize=10, length=0)
    for label, name in zip(axes.get_yticklabels(), BAR_JOINTS, strict=True):
        label.set_color(side_colour(name))
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.legend(
        loc="lower center", labelcolor=INK, bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=10, frameon=False,
        handlelength=1.0, handleheight=0.8, handletextpad=0.4, columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip
    return axes
