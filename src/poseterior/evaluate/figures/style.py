"""What the figures of an evaluation share."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from poseterior.viz.colours import FAINT_INK, GRID, INK, LEFT, RIGHT

FIRST, SECOND, THIRD = LEFT, RIGHT, "#009E73"
"""Okabe and Ito's blue, vermilion and bluish green."""
SUBSET_STYLE = {"all": "-", "ambiguous": "--"}


def new_figure(columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A white page with one row of panels, in inches of 100 pixels."""
    figure = Figure((width, height), dpi=100, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, columns, squeeze=False)[0]
    for axes in panels:
        axes.grid(color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, colors=FAINT_INK, labelsize=9)
        for side in axes.spines.values():
            side.set_visible(False)
    return figure, list(panels)


def title_of(report: dict[str, Any], subset: str = "all") -> str:
    """Model, set, pictures."""
    summary = report["subsets"].get(subset)
    count = report["dataset"]["num_evaluated"] if summary is None else summary["num_pictures"]
    kind = "" if subset == "all" else f"{subset} "
    return f"{report['model']['name']} on {report['dataset']['name']}, {count:,} {kind}pictures"


def present_subsets(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Those that hold pictures."""
    return {name: summary for name, summary in report["subsets"].items() if summary is not None}


def label(axes: Axes, x: str, y: str, title: str) -> None:
    """Axis labels and a title, in ink."""
    axes.set_xlabel(x, fontsize=10, color=INK)
    axes.set_ylabel(y, fontsize=10, color=INK)
    axes.set_title(title, fontsize=11, color=INK)


def note(axes: Axes, text: str) -> None:
    """In place of what there is nothing of."""
    axes.text(
        0.5, 0.5, text, ha="center", va="center", color=FAINT_INK, fontsize=10, transform=axes.transAxes
    )
