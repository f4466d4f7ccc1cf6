"""The hypotheses as translucent skeletons from the front, the side and above, all at one scale in metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from poseterior.hypotheses import Hypotheses
from poseterior.skeleton import H36M_17, H36M_BONES, bone_indices
from poseterior.viz.colours import FAINT_INK, GRID, INK, side_colour
from poseterior.viz.key import draw_key
from poseterior.viz.layout import VIEWS, Rectangle, add_panel

MAX_DRAWN = 500
"""More skeletons than these add ink but no information."""

_GAP_ACROSS, _GAP_DOWN = 16, 34
_LABEL_OFFSET = 52
_SIDE_LABEL_HEIGHT = 24
"""How far the side view's axis label reaches below the gap, into the corner that the key has."""
_FINEST_TICKS_M, _TICK_DISTANCE = 0.25, 60
"""Ticks are a quarter of a metre apart, or more where that would be less than so many pixels."""
_AXIS_LABELS = ("x (m)", "y, down (m)", "depth (m),\naway from camera →")
_SMALLEST_EXTENT_M, _SMALLEST_SHARE = 0.8, 0.2
"""No axis is shown with less, nor with a smaller share of what the longest one has."""
_PADDING_M = 0.06
_SHOWN_PERCENTILES = (1.0, 99.0)
_BONES = np.array(bone_indices(H36M_BONES, H36M_17))
_COLOURS = [side_colour(child) for _, child in H36M_BONES]


@dataclass(frozen=True)
class View:
    """An orthographic view: which camera axis runs across and which one runs up or down the page.

    None of them is mirrored: "from the side" looks from the picture's right to its left, with the camera on the
    page's left; "from above" looks down, with the camera below.
    """

    title: str
    across: int
    along: int


FRONT = View("from the camera", across=0, along=1)
SIDE = View("from the side", across=2, along=1)
ABOVE = View("from above", across=0, along=2)


def draw_views(figure: Figure, hypotheses: Hypotheses) -> dict[str, Axes]:
    """Adds the three views, by title: side beside front, sharing y; above below front, sharing x.

    The key of the lines takes the free corner.
    """
    limits = _limits(hypotheses)
    extent = limits[:, 1] - limits[:, 0]
    scale = min(
        (VIEWS.width - _GAP_ACROSS) / (extent[0] + extent[2]),
        (VIEWS.height - _GAP_DOWN) / (extent[1] + extent[2]),
    )
    across, down, depth = extent * scale
    spare = VIEWS.width - across - _GAP_ACROSS - depth
    front = Rectangle(VIEWS.x + spare / 2, VIEWS.top - down, across, down)
    panels = {
        FRONT: front,
        SIDE: Rectangle(front.right + _GAP_ACROSS, front.y, depth, down),
        ABOVE: Rectangle(front.x, front.y - _GAP_DOWN - depth, across, depth),
    }
    views = {view: add_panel(figure, panel) for view, panel in panels.items()}
    for view, axes in views.items():
        _draw_view(axes, view, hypotheses)
        _frame(axes, view, limits, scale)
        axes.yaxis.set_label_coords(-_LABEL_OFFSET / across, 0.5)
    corner = Rectangle(panels[SIDE].x, panels[ABOVE].y, depth, panels[ABOVE].height - _SIDE_LABEL_HEIGHT)
    draw_key(figure, corner)
    views[FRONT].tick_params(labelbottom=False)
    views[FRONT].set_xlabel("")
    views[SIDE].tick_params(labelleft=False)
    views[SIDE].set_ylabel("")
    return {view.title: axes for view, axes in views.items()}


def _limits(hypotheses: Hypotheses) -> Float[np.ndarray, "3 2"]:
    """Shown range of x, y and depth: the mode, and each joint in 98 % of the hypotheses; see `_SMALLEST_EXTENT_M`."""
    low, high = np.percentile(hypotheses.poses_m, _SHOWN_PERCENTILES, axis=0)
    low = np.minimum(low, hypotheses.mode_m).min(axis=0) - _PADDING_M
    high = np.maximum(high, hypotheses.mode_m).max(axis=0) + _PADDING_M
    least = max(_SMALLEST_EXTENT_M, _SMALLEST_SHARE * float((high - low).max()))
    missing = np.maximum(least - (high - low), 0.0) / 2
    return np.stack([low - missing, high + missing], axis=1)


def _draw_view(axes: Axes, view: View, hypotheses: Hypotheses) -> None:
    axes.add_collection(translucent_skeletons(hypotheses.poses_m[:MAX_DRAWN], view))
    draw_mode(axes, hypotheses.mode_m, view)


def translucent_skeletons(poses_m: Float[np.ndarray, "hypotheses 17 3"], view: View) -> LineCollection:
    """All bones of all hypotheses as one collection, fainter the more there are."""
    points = poses_m[:, :, [view.across, view.along]]
    segments = points[:, _BONES].reshape(-1, 2, 2)
    opacity = float(np.clip(12.0 / len(poses_m), 0.06, 0.6))
    return LineCollection(
        list(segments), colors=_COLOURS * len(poses_m), linewidths=0.9, alpha=opacity, zorder=2
    )


def draw_mode(axes: Axes, mode_m: Float[np.ndarray, "17 3"], view: View) -> None:
    """One pose in full colours above the others, metres, camera frame."""
    points = mode_m[:, [view.across, view.along]]
    segments = list(points[_BONES])
    axes.add_collection(LineCollection(segments, colors="white", linewidths=5.0, capstyle="round", zorder=3))
    axes.add_collection(LineCollection(segments, colors=_COLOURS, linewidths=2.8, capstyle="round", zorder=4))
    axes.scatter(points[:, 0], points[:, 1], s=11, c="white", edgecolors=INK, linewidths=0.8, zorder=5)


def _frame(axes: Axes, view: View, limits: Float[np.ndarray, "3 2"], pixels_per_metre: float) -> None:
    """Equal scale, the same ticks both ways, y pointing down and depth pointing up or right."""
    step_m = _tick_step_m(pixels_per_metre)
    axes.set_xlim(*limits[view.across])
    low, high = limits[view.along]
    axes.set_ylim(*((high, low) if view.along == 1 else (low, high)))
    axes.set_aspect("equal", adjustable="box")
    axes.set_xticks(*_ticks(limits[view.across], step_m))
    axes.set_yticks(*_ticks(limits[view.along], step_m))
    axes.tick_params(labelsize=9, length=3, colors=FAINT_INK)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(GRID)
    axes.set_title(view.title, fontsize=11, color=INK, pad=6)
    axes.set_xlabel(_AXIS_LABELS[view.across], fontsize=10, color=INK)
    axes.set_ylabel(_AXIS_LABELS[view.along], fontsize=10, color=INK)


def _tick_step_m(pixels_per_metre: float) -> float:
    """The finest ticks, or the least of 1, 2, 5 times a power of ten, at which the ticks lie far enough apart."""
    least = _TICK_DISTANCE / pixels_per_metre
    if least <= _FINEST_TICKS_M:
        return _FINEST_TICKS_M
    decade = 10.0 ** np.floor(np.log10(least))
    return float(next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= least))


def _ticks(limits_m: Float[np.ndarray, "2"], step_m: float) -> tuple[list[float], list[str]]:
    first, last = int(np.ceil(limits_m[0] / step_m)), int(np.floor(limits_m[1] / step_m))
    places = [round(step_m * index, 6) for index in range(first, last + 1)]
    return places, [f"{place:g}".replace("-", "\N{MINUS SIGN}") for place in places]
