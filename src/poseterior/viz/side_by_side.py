"""Several methods' hypotheses of the same pictures side by side, all on the same metric axes.

After figure 8 of Wehrbein et al., ICCV 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from poseterior.errors import InputError
from poseterior.skeleton import H36M_17, H36M_BONES, bone_indices
from poseterior.types import Detection
from poseterior.viz.colours import FAINT_INK, GRID, INK, LEFT, MIDDLE, RIGHT
from poseterior.viz.crop import fit_inside, person_window, window_extent
from poseterior.viz.layout import PIXELS_PER_INCH, Rectangle
from poseterior.viz.overlay import draw_ellipses, draw_photo, draw_pose_2d
from poseterior.viz.skeleton3d import FRONT, SIDE, View, draw_mode, translucent_skeletons

ROW_HEIGHT, PHOTO_WIDTH = 310.0, 230.0
"""Of a picture's views and of its photo, pixels."""
_VIEWS = (FRONT, SIDE)
_AXIS_LABELS = ("x (m)", "y, down (m)", "depth (m), away →")
_TICK_M = 0.5
_LEFT, _RIGHT, _TOP, _BOTTOM = 14.0, 14.0, 66.0, 96.0
_AFTER_PHOTO, _BETWEEN_METHODS, _BETWEEN_VIEWS, _BETWEEN_ROWS = 70.0, 26.0, 8.0, 34.0
_SHOWN_PERCENTILES = (8.0, 92.0)
"""Of each joint; single lines that go further are cut off by the frame."""
_PADDING_M, _LEAST_EXTENT_M = 0.08, 1.0
_WIDEST_SIGMA = 5.0
"""End of the ellipses' colour scale, in confident sigmas: where the condition clips (METHOD section 2)."""
_BONES = np.array(bone_indices(H36M_BONES, H36M_17))
_TRUTH = {"colors": "black", "linewidths": 1.3, "linestyles": [(0, (3.0, 1.6))]}

Poses = Float[np.ndarray, "hypotheses 17 3"]
Limits = Float[np.ndarray, "3 2"]


@dataclass(frozen=True)
class Picture:
    """A row of the figure."""

    name: str
    image: UInt8[np.ndarray, "height width 3"]
    """RGB, as the detector saw it."""
    detection: Detection
    truth_m: Float[np.ndarray, "17 3"] | None = None
    """Human3.6M-17, camera frame, metres, pelvis at the origin; NaN for joints that are not known."""


@dataclass(frozen=True)
class Answers:
    """What a method says of a picture: Human3.6M-17, camera frame, metres, pelvis at the origin."""

    poses_m: Poses
    single_m: Float[np.ndarray, "17 3"]


def draw_side_by_side(pictures: Sequence[Picture], methods: Mapping[str, Sequence[Answers]]) -> Figure:
    """One row per picture: the photo with what the detector saw, then each method from the camera and the side.

    All views have one scale and show the same part of space, in metres relative to the pelvis.

    Args:
        pictures: from top to bottom.
        methods: title to the answers for these pictures, from left to right.

    Raises:
        InputError: no picture, no method, or a method has not as many answers as there are pictures.
    """
    _check(pictures, methods)
    limits = _limits(pictures, methods)
    extent_m = limits[:, 1] - limits[:, 0]
    scale = ROW_HEIGHT / float(extent_m[1])
    widths = [scale * float(extent_m[view.across]) for view in _VIEWS]
    of_method = sum(widths) + _BETWEEN_VIEWS
    first = _LEFT + PHOTO_WIDTH + _AFTER_PHOTO
    page_width = first + len(methods) * (of_method + _BETWEEN_METHODS) - _BETWEEN_METHODS + _RIGHT
    page_height = _TOP + len(pictures) * (ROW_HEIGHT + _BETWEEN_ROWS) - _BETWEEN_ROWS + _BOTTOM
    page = _Page(page_width, page_height)
    for row, picture in enumerate(pictures):
        y = page_height - _TOP - (row + 1) * ROW_HEIGHT - row * _BETWEEN_ROWS
        _draw_detection(page, picture, Rectangle(_LEFT, y, PHOTO_WIDTH, ROW_HEIGHT))
        for column, answers in enumerate(methods.values()):
            x = first + column * (of_method + _BETWEEN_METHODS)
            for view, width in zip(_VIEWS, widths, strict=True):
                axes = page.add(Rectangle(x, y, width, ROW_HEIGHT))
                _draw_view(axes, view, answers[row], picture.truth_m)
                _frame(axes, view, limits)
                _label(axes, view, first=x == first, last=row == len(pictures) - 1, top=row == 0)
                x += width + _BETWEEN_VIEWS
    for column, title in enumerate(methods):
        middle = first + column * (of_method + _BETWEEN_METHODS) + of_method / 2
        page.write(middle, page_height - 26.0, title, fontsize=13, fontweight="bold", color=INK, ha="center")
    _draw_key(page, methods, pictures)
    return page.figure


class _Page:
    """A white page that is laid out in pixels, y up."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        inches = (width / PIXELS_PER_INCH, height / PIXELS_PER_INCH)
        self.figure = Figure(inches, dpi=PIXELS_PER_INCH, facecolor="white")
        FigureCanvasAgg(self.figure)

    def add(self, place: Rectangle) -> Axes:
        """New axes that fill the place."""
        shares = (
            place.x / self.width,
            place.y / self.height,
            place.width / self.width,
            place.height / self.height,
        )
        return self.figure.add_axes(shares, facecolor="white")

    def write(self, x: float, y: float, text: str, **style: Any) -> None:
        """Words; names are not read as mathematics."""
        self.figure.text(x / self.width, y / self.height, text, parse_math=False, **style)


def _check(pictures: Sequence[Picture], methods: Mapping[str, Sequence[Answers]]) -> None:
    if not pictures or not methods:
        raise InputError(
            f"there are {len(pictures)} pictures and {len(methods)} methods to draw; expected one or more"
        )
    for title, answers in methods.items():
        if len(answers) != len(pictures):
            raise InputError(
                f"method {title} has {len(answers)} answers; expected one for each of {len(pictures)} pictures"
            )


def _limits(pictures: Sequence[Picture], methods: Mapping[str, Sequence[Answers]]) -> Limits:
    """Shown range of x, y and depth: of all methods and pictures together."""
    shown = [picture.truth_m for picture in pictures if picture.truth_m is not None]
    for answer in (answer for answers in methods.values() for answer in answers):
        shown += [*np.percentile(answer.poses_m, _SHOWN_PERCENTILES, axis=0), answer.single_m]
    low, high = np.nanmin(shown, axis=(0, 1)) - _PADDING_M, np.nanmax(shown, axis=(0, 1)) + _PADDING_M
    missing = np.maximum(_LEAST_EXTENT_M - (high - low), 0.0) / 2
    return np.stack([low - missing, high + missing], axis=-1)


def _draw_detection(page: _Page, picture: Picture, place: Rectangle) -> None:
    detection = picture.detection
    window = person_window(detection, place.width / place.height)
    left, top, right, bottom = window
    width, height = fit_inside(place.width, place.height, (right - left) / (bottom - top))
    panel = Rectangle(place.x + (place.width - width) / 2, place.top - height, width, height)
    axes = page.add(panel)
    draw_photo(axes, picture.image, window, panel)
    draw_ellipses(
        axes,
        detection.gaussians,
        Normalize(0.0, _WIDEST_SIGMA * detection.profile.sigma_confident_cells),
    )
    draw_pose_2d(axes, detection.gaussians)
    extent = window_extent(window)
    axes.set_xlim(*extent[:2])
    axes.set_ylim(*extent[2:])
    page.write(place.x, place.top + 8.0, picture.name, fontsize=10, color=INK, ha="left")


def _draw_view(axes: Axes, view: View, answers: Answers, truth_m: Float[np.ndarray, "17 3"] | None) -> None:
    axes.add_collection(translucent_skeletons(answers.poses_m, view))
    draw_mode(axes, answers.single_m, view)
    if truth_m is not None:
        segments = truth_m[_BONES][..., [view.across, view.along]]
        known = np.isfinite(segments).all(axis=(1, 2))
        axes.add_collection(LineCollection(list(segments[known]), zorder=6, **_TRUTH))


def _frame(axes: Axes, view: View, limits: Limits) -> None:
    """Equal scale both ways, ticks half a metre apart."""
    axes.set_xticks(_ticks(limits[view.across]))
    axes.set_yticks(_ticks(limits[view.along]))
    # after the ticks, which would widen the limits
    axes.set_xlim(*limits[view.across])
    axes.set_ylim(limits[view.along, 1], limits[view.along, 0])
    axes.set_aspect("equal", adjustable="box")
    axes.tick_params(labelsize=9, length=3, colors=FAINT_INK)
    axes.xaxis.set_major_formatter(_tick_text)
    axes.yaxis.set_major_formatter(_tick_text)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(GRID)


def _label(axes: Axes, view: View, *, first: bool, last: bool, top: bool) -> None:
    """Words at the edges of the page only."""
    if first:
        axes.set_ylabel(_AXIS_LABELS[view.along], fontsize=10, color=INK)
    else:
        axes.tick_params(labelleft=False, left=False)
    if last:
        axes.set_xlabel(_AXIS_LABELS[view.across], fontsize=10, color=INK)
    else:
        axes.tick_params(labelbottom=False, bottom=False)
    if top:
        axes.set_title(view.title, fontsize=10, color=INK, pad=5)


def _ticks(limits_m: Float[np.ndarray, "2"]) -> list[float]:
    first, last = int(np.ceil(limits_m[0] / _TICK_M)), int(np.floor(limits_m[1] / _TICK_M))
    return [_TICK_M * index for index in range(first, last + 1)]


def _tick_text(place: float, _: object) -> str:
    return f"{place:g}".replace("-", "\N{MINUS SIGN}")


def _draw_key(page: _Page, methods: Mapping[str, Sequence[Answers]], pictures: Sequence[Picture]) -> None:
    count = max(len(answer.poses_m) for answers in methods.values() for answer in answers)
    lines = {
        f"{count} hypotheses": Line2D([], [], color=MIDDLE, linewidth=0.9, alpha=0.5),
        "single answer": Line2D([], [], color=MIDDLE, linewidth=2.8),
        "person's left": Line2D([], [], color=LEFT, linewidth=2.8),
        "person's right": Line2D([], [], color=RIGHT, linewidth=2.8),
    }
    if any(picture.truth_m is not None for picture in pictures):
        style = {"color": "black", "linewidth": 1.3, "linestyle": (0, (3.0, 1.6))}
        lines["truth"] = Line2D([], [], **style)
    page.figure.legend(
        list(lines.values()),
        list(lines),
        loc="lower center",
        bbox_to_anchor=(0.5, 6.0 / page.height),
        ncols=len(lines),
        fontsize=10,
        labelcolor=INK,
        frameon=False,
    )
    page.write(
        _LEFT, 50.0, "1 and 2 sigma of the fitted\nGaussians; bright: uncertain", fontsize=9, color=FAINT_INK
    )
