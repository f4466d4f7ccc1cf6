"""Error of the best of the first hypotheses against their number (figure 5 of Wehrbein et al., ICCV 2021)."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poseterior.evaluate.figures.style import FIRST, SECOND, label, new_figure, present_subsets, title_of
from poseterior.viz.colours import FAINT_INK

_METRICS = (("mpjpe_mm", "MPJPE"), ("pmpjpe_mm", "PMPJPE"))
_WHO = (("model", "model", FIRST), ("noise_baseline", "noise around z0", SECOND))


def draw_best_of(report: dict[str, Any]) -> Figure:
    """MPJPE and PMPJPE of the ambiguous pictures, as in the paper; of all where there are no ambiguous ones."""
    subsets = present_subsets(report)
    name = "ambiguous" if "ambiguous" in subsets else "all"
    figure, panels = new_figure(2, 10.0, 4.4)
    figure.suptitle(title_of(report, name), fontsize=12)
    for axes, (metric, title) in zip(panels, _METRICS, strict=True):
        _draw(axes, subsets[name], metric)
        label(axes, "hypotheses", "error of the best (oracle), mm", title)
        axes.legend(frameon=False, fontsize=9)
    return figure


def _draw(axes: Axes, summary: dict[str, Any], metric: str) -> None:
    curves = summary["oracle_best_of_first"]
    for key, who, colour in _WHO:
        values = curves[key][metric]
        axes.plot(
            curves["counts"], [value["mean"] for value in values], "o-", color=colour, markersize=4, label=who
        )
        intervals = [value["interval"] for value in values]
        if all(interval is not None for interval in intervals):
            low, high = zip(*intervals, strict=True)
            axes.fill_between(curves["counts"], low, high, color=colour, alpha=0.15, linewidth=0)
    single = summary["poses"][metric]["z0"]["mean"]
    axes.axhline(single, color=FAINT_INK, linewidth=1, linestyle=":", label="z0")
    axes.set_xscale("log")
    axes.set_xticks(curves["counts"], [str(count) for count in curves["counts"]])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
