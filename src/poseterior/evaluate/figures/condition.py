"""Effect of condition and L_HM: one joint's Gaussian and its hypotheses (figure 7 of Wehrbein et al., ICCV 2021)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from poseterior.errors import InputError
from poseterior.evaluate.figures.heatmap_spread import root_trace_ratio
from poseterior.evaluate.figures.style import FIRST, SECOND
from poseterior.skeleton import MPII_16, MPII_BONES, bone_indices
from poseterior.viz.colours import FAINT_INK, GRID, INK
from poseterior.viz.gaussians import ellipse_axes

PANEL_HEIGHT = 3.0
"""Inches."""
_BONES = np.array(bone_indices(MPII_BONES, MPII_16))
_TICK_M, _MARGIN_M = 0.5, 0.1
_LABELS_WIDTH, _LABELS_HEIGHT = 1.3, 1.2
_SIGMAS = (1, 2)
_DOT = {"s": 7, "color": FIRST, "alpha": 0.35, "linewidths": 0}


@dataclass(frozen=True)
class JointOfPicture:
    """A column: metres in the image plane (x right, y up), relative to the mean of the 16 joints."""

    joint: str
    pose_m: Float[np.ndarray, "16 2"]
    """The detected 2D pose: means of the Gaussians of MPII-16."""
    covariance_m2: Float[np.ndarray, "2 2"]
    """Of the joint's Gaussian."""
    truth_m: Float[np.ndarray, "2"]
    """Where the joint is."""


def draw_condition(
    pictures: Sequence[JointOfPicture],
    models: Mapping[str, Sequence[Float[np.ndarray, "hypotheses 2"]]],
) -> Figure:
    """One row per model, one column per picture: the Gaussian's ellipses and the hypotheses' joint.

    Args:
        pictures: from left to right.
        models: title to the joint's positions in the hypotheses of each picture, from top to bottom.

    Raises:
        InputError: no picture, no model, or a model has not as many answers as there are pictures.
    """
    _check(pictures, models)
    limits = _limits(pictures)
    across, along = limits[:, 1] - limits[:, 0]
    panel_width = PANEL_HEIGHT * float(across / along)
    size = (panel_width * len(pictures) + _LABELS_WIDTH, PANEL_HEIGHT * len(models) + _LABELS_HEIGHT)
    figure = Figure(size, dpi=100, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(models), len(pictures), squeeze=False, sharex=True, sharey=True)
    for row, (title, answers) in enumerate(models.items()):
        for column, picture in enumerate(pictures):
            axes = panels[row, column]
            _frame(axes, limits)
            _draw(axes, picture, answers[column])
        panels[row, 0].set_ylabel(f"{title}\n\ny, up (m)", fontsize=10, color=INK)
    for column, picture in enumerate(pictures):
        panels[0, column].set_title(picture.joint.replace("_", " "), fontsize=11, color=INK)
        panels[-1, column].set_xlabel("x (m)", fontsize=10, color=INK)
    _draw_key(figure)
    return figure


def _check(pictures: Sequence[JointOfPicture], models: Mapping[str, Sequence[np.ndarray]]) -> None:
    if not pictures or not models:
        raise InputError(
            f"there are {len(pictures)} pictures and {len(models)} models to draw; expected one or more"
        )
    for title, answers in models.items():
        if len(answers) != len(pictures):
            raise InputError(
                f"model {title} has {len(answers)} answers; expected one for each of {len(pictures)} pictures"
            )


def _limits(pictures: Sequence[JointOfPicture]) -> Float[np.ndarray, "2 2"]:
    """(axis, end): what all detected poses and ellipses fill, the same for all panels."""
    points = []
    for picture in pictures:
        reach = _SIGMAS[-1] * np.sqrt(np.diagonal(picture.covariance_m2))
        middle = picture.pose_m[MPII_16.index(picture.joint)]
        points += [picture.pose_m, (middle - reach)[None], (middle + reach)[None], picture.truth_m[None]]
    filled = np.concatenate(points)
    return np.stack([filled.min(axis=0) - _MARGIN_M, filled.max(axis=0) + _MARGIN_M], axis=1)


def _frame(axes: Axes, limits: Float[np.ndarray, "2 2"]) -> None:
    for axis, ends in zip((axes.xaxis, axes.yaxis), limits, strict=True):
        first, last = int(np.ceil(ends[0] / _TICK_M)), int(np.floor(ends[1] / _TICK_M))
        places = [_TICK_M * index for index in range(first, last + 1)]
        axis.set_ticks(places, [f"{place:g}".replace("-", "\N{MINUS SIGN}") for place in places])
    # after the ticks, which would widen the limits
    axes.set(xlim=tuple(limits[0]), ylim=tuple(limits[1]), aspect="equal")
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=FAINT_INK, labelsize=9)
    for side in axes.spines.values():
        side.set_color(GRID)


def _draw(axes: Axes, picture: JointOfPicture, points_m: Float[np.ndarray, "hypotheses 2"]) -> None:
    spread_m2 = np.cov(points_m.T.astype(np.float64))
    axes.add_collection(LineCollection(list(picture.pose_m[_BONES]), colors="#B8B8B8", linewidths=1.6))
    axes.scatter(points_m[:, 0], points_m[:, 1], zorder=2, **_DOT)
    _draw_ellipses(axes, picture.pose_m[MPII_16.index(picture.joint)], picture.covariance_m2, SECOND, "-")
    _draw_ellipses(axes, points_m.mean(axis=0), spread_m2, FIRST, "--")
    axes.plot(*picture.truth_m, "x", color="black", markersize=7, markeredgewidth=1.8, zorder=5)
    ratio = float(root_trace_ratio(spread_m2[None], picture.covariance_m2[None])[0])
    axes.text(0.03, 0.97, f"ratio {ratio:.2f}", transform=axes.transAxes, va="top", fontsize=10, color=INK)


def _draw_ellipses(
    axes: Axes,
    centre: Float[np.ndarray, "2"],
    covariance: Float[np.ndarray, "2 2"],
    colour: str,
    line: str,
) -> None:
    major, minor, angle_deg = (float(values[0]) for values in ellipse_axes(covariance[None]))
    for sigmas in _SIGMAS:
        axes.add_patch(
            Ellipse(
                (float(centre[0]), float(centre[1])),
                2 * sigmas * major,
                2 * sigmas * minor,
                angle=angle_deg,
                facecolor="none",
                edgecolor=colour,
                linewidth=1.8,
                linestyle=line,
                zorder=4,
            )
        )


def _draw_key(figure: Figure) -> None:
    lines = {
        "Gaussian, 1 and 2 sigma": Line2D([], [], color=SECOND, linewidth=1.8),
        "hypotheses, 1 and 2 sigma": Line2D([], [], color=FIRST, linewidth=1.8, linestyle="--"),
        "hypotheses": Line2D([], [], color=FIRST, marker="o", linestyle="", markersize=4, alpha=0.6),
        "truth": Line2D([], [], color="black", marker="x", linestyle="", markersize=7, markeredgewidth=1.8),
        "detected pose": Line2D([], [], color="#B8B8B8", linewidth=1.6),
    }
    figure.legend(
        list(lines.values()),
        list(lines),
        loc="outside lower center",
        ncols=3,
        fontsize=10,
        labelcolor=INK,
        frameon=False,
    )
