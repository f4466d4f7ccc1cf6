"""Reliability diagram: how often regions of a nominal probability hold the truth."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poseterior.evaluate.figures.style import (
    FIRST,
    SECOND,
    SUBSET_STYLE,
    THIRD,
    label,
    new_figure,
    note,
    present_subsets,
    title_of,
)
from poseterior.viz.colours import FAINT_INK

_PANELS = (
    ("highest-density regions", "density", "hdr_curve", FIRST, "of the whole pose"),
    ("single joints", "samples", "ece_curve", SECOND, "balls around the median (ECE)"),
    ("single coordinates", "samples", "central_curve", THIRD, "central intervals"),
)


def draw_reliability(report: dict[str, Any]) -> Figure:
    """One panel for each kind of region; below the diagonal regions are too small."""
    figure, panels = new_figure(3, 12.0, 4.4)
    figure.suptitle(title_of(report), fontsize=12)
    for axes, (title, part, curve, colour, of_what) in zip(panels, _PANELS, strict=True):
        axes.plot([0, 1], [0, 1], color=FAINT_INK, linewidth=1, linestyle=":")
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        drawn = False
        for name, summary in present_subsets(report).items():
            if curve in (summary[part] or {}):
                _draw(axes, summary[part][curve], name, colour)
                drawn = True
        if drawn:
            axes.legend(frameon=False, fontsize=9, loc="upper left")
        else:
            note(axes, "this method has none")
        label(axes, f"nominal probability\n{of_what}", "share of truths inside", title)
    return figure


def _draw(axes: Axes, curve: dict[str, Any], name: str, colour: str) -> None:
    observed = [estimate["mean"] for estimate in curve["observed"]]
    axes.plot(curve["nominal"], observed, SUBSET_STYLE[name], color=colour, linewidth=1.8, label=name)
    intervals = [estimate["interval"] for estimate in curve["observed"]]
    if all(interval is not None for interval in intervals):
        low, high = zip(*intervals, strict=True)
        axes.fill_between(curve["nominal"], low, high, color=colour, alpha=0.15, linewidth=0)
