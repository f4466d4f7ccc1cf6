"""Figures of a comparison, from its results alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poseterior.compare.page import NOISE_AROUND
from poseterior.evaluate.figures.style import label, new_figure
from poseterior.viz.colours import FAINT_INK
from poseterior.viz.figure import save_figure

CURVES_FILE = "curves.png"
_METRICS = (("mpjpe_mm", "MPJPE"), ("pmpjpe_mm", "PMPJPE"))
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31", "#7F7F7F")
_MARKERS = "osD^vP*Xd"


def write_figures(results: dict[str, Any], folder: Path) -> None:
    """Draws the curves where there are any; raises OutputError where they cannot be written."""
    rows = [row for row in results["rows"] if "curve" in row]
    if rows:
        save_figure(draw_curves(rows), folder / CURVES_FILE)


def draw_curves(rows: list[dict[str, Any]]) -> Figure:
    """Oracle best of the first n hypotheses of each row, and dotted the noise around the flow's z0 (figure 5)."""
    figure, panels = new_figure(2, 12.0, 5.6)
    pictures = rows[0]["curve"]["pictures"]
    figure.suptitle(f"best of the first hypotheses, {pictures:,} ambiguous pictures", fontsize=12)
    for axes, (metric, title) in zip(panels, _METRICS, strict=True):
        _draw(axes, rows, metric)
        label(axes, "hypotheses", "error of the best (oracle), mm", title)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=9)
    return figure


def _draw(axes: Axes, rows: list[dict[str, Any]], metric: str) -> None:
    for row, colour, marker in zip(rows, _COLOURS, _MARKERS, strict=False):
        curve = row["curve"]
        axes.plot(
            curve["counts"],
            curve["model"][metric],
            marker=marker,
            markersize=4,
            color=colour,
            linewidth=1.6,
            label=row["title"],
        )
        if row["name"] == NOISE_AROUND:
            axes.plot(
                curve["counts"],
                curve["noise_baseline"][metric],
                color=FAINT_INK,
                linestyle=":",
                linewidth=1.6,
                label="noise around its z0",
            )
    counts = rows[0]["curve"]["counts"]
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
