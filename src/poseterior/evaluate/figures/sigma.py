"""Uncertainty beside error, joint by joint (figure 6 of Wehrbein et al., ICCV 2021, and its counterpart in 3D)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poseterior.evaluate.figures.style import (
    FIRST,
    SECOND,
    label,
    new_figure,
    note,
    present_subsets,
    title_of,
)

_WIDTH = 0.38


def draw_sigma(report: dict[str, Any]) -> Figure:
    """Left: mean fitted sigma beside the detector's 2D error. Right: spread of the hypotheses beside their error."""
    subsets = present_subsets(report)
    name = "all" if "all" in subsets else "ambiguous"
    summary = subsets[name]
    figure, (left, right) = new_figure(2, 12.0, 5.6)
    figure.suptitle(title_of(report, name), fontsize=12)
    in_2d = {joint: row for joint, row in summary["joints"].items() if "error_2d_cell" in row}
    if in_2d:
        _bars(
            left,
            list(in_2d),
            {
                "mean fitted sigma": (FIRST, [row["sigma_cell"] for row in in_2d.values()]),
                "mean 2D error": (SECOND, [row["error_2d_cell"] for row in in_2d.values()]),
            },
        )
    else:
        note(left, "the set does not know the true 2D joints")
    label(left, "heatmap cells", "", "the detector")
    if summary["spread_mm"] is None:
        note(right, "one hypothesis has no spread")
    else:
        _bars(
            right,
            list(summary["joints"]),
            {
                "spread of the hypotheses": (
                    FIRST,
                    [math.hypot(*summary["spread_mm"][joint].values()) for joint in summary["joints"]],
                ),
                "mean error of the mean pose": (
                    SECOND,
                    [row["mean_pose_error_mm"] for row in summary["joints"].values()],
                ),
            },
        )
    label(right, "mm, relative to the root", "", "the posterior")
    return figure


def _bars(axes: Axes, joints: list[str], bars: dict[str, tuple[str, list[float]]]) -> None:
    rows = np.arange(len(joints))
    for index, (name, (colour, values)) in enumerate(bars.items()):
        axes.barh(rows + (index - 0.5) * _WIDTH, values, _WIDTH, color=colour, label=name)
    axes.set_yticks(rows, [joint.replace("_", " ") for joint in joints])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)
