"""The photo with what the detector saw: the 2D pose, and each joint's Gaussian coloured by its sigma."""

from __future__ import annotations

import matplotlib
import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from poseterior.skeleton import MPII_BONES, bone_indices
from poseterior.types import Detection, JointGaussians
from poseterior.viz.colours import FAINT_INK, GRID, UNCERTAINTY_MAP, side_colour
from poseterior.viz.crop import fit_inside, inside_image, person_window, resized, window_extent
from poseterior.viz.gaussians import ellipse_axes, is_placed
from poseterior.viz.layout import PHOTO, Rectangle, add_panel

_COLOUR_BAR_WIDTH, _COLOUR_BAR_HEIGHT, _COLOUR_BAR_GAP = 300.0, 11.0, 14.0
_RIM = 2.0
"""Points by which the white line under an ellipse's edge is wider."""
_WIDEST_SIGMA = 5.0
"""End of the colour scale in sigmas of a confident joint: where the condition clips (METHOD section 2)."""


def draw_overlay(figure: Figure, image: UInt8[np.ndarray, "height width 3"], detection: Detection) -> Axes:
    """Adds the photo's panel and its colour bar; the axes' data are image pixels."""
    window = person_window(detection, PHOTO.width / PHOTO.height)
    panel = _panel(window)
    axes = add_panel(figure, panel)
    draw_photo(axes, image, window, panel)
    scale = Normalize(0.0, _WIDEST_SIGMA * detection.profile.sigma_confident_cells)
    draw_ellipses(axes, detection.gaussians, scale)
    draw_pose_2d(axes, detection.gaussians)
    axes.set_xlim(*window_extent(window)[:2])
    axes.set_ylim(*window_extent(window)[2:])
    _draw_colour_bar(figure, panel, scale, _pixels_per_cell(detection.gaussians))
    return axes


def draw_photo(
    axes: Axes,
    image: UInt8[np.ndarray, "height width 3"],
    window: tuple[int, int, int, int],
    panel: Rectangle,
) -> None:
    """The window's part of the image at the page's resolution; the rest of the panel is grey."""
    part = inside_image(window, image.shape[1], image.shape[0])
    scale = panel.width / (window[2] - window[0])
    width, height = max(round(scale * (part[2] - part[0])), 1), max(round(scale * (part[3] - part[1])), 1)
    axes.imshow(
        resized(image, part, width, height),
        extent=tuple(window_extent(part)),
        interpolation="nearest",
        aspect="auto",
    )
    axes.set_facecolor(GRID)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _panel(window: tuple[int, int, int, int]) -> Rectangle:
    """The largest rectangle of the window's shape, at the top of the photo's place."""
    left, top, right, bottom = window
    width, height = fit_inside(PHOTO.width, PHOTO.height, (right - left) / (bottom - top))
    return Rectangle(PHOTO.x + (PHOTO.width - width) / 2, PHOTO.top - height, width, height)


def draw_ellipses(axes: Axes, gaussians: JointGaussians, scale: Normalize) -> None:
    """1 and 2 sigma of every joint that the detector placed; the most certain are drawn last, on top.

    All have a white rim, so that dark edges show on a dark photo.
    """
    colours = matplotlib.colormaps[UNCERTAINTY_MAP](scale(gaussians.sigma_cell[:, 0]))
    means_px = gaussians.mean_px
    major_px, minor_px, angle_deg = ellipse_axes(gaussians.covariance_px2)
    placed = np.flatnonzero(is_placed(gaussians))
    ellipses = [
        Ellipse(
            tuple(means_px[joint]),
            2 * sigmas * float(major_px[joint]),
            2 * sigmas * float(minor_px[joint]),
            angle=float(angle_deg[joint]),
            facecolor=(*colours[joint, :3], opacity),
            edgecolor=colours[joint],
            linewidth=width,
        )
        for joint in placed[np.argsort(-major_px[placed], kind="stable")]
        for sigmas, opacity, width in ((2, 0.25, 1.3), (1, 0.40, 2.0))
    ]
    widths = [ellipse.get_linewidth() + _RIM for ellipse in ellipses]
    axes.add_collection(
        PatchCollection(ellipses, facecolors="none", edgecolors=(1, 1, 1, 0.6), linewidths=widths)
    )
    for ellipse in ellipses:
        axes.add_patch(ellipse)


def draw_pose_2d(axes: Axes, gaussians: JointGaussians) -> None:
    """Bones between placed joints, with a white rim so that they show on any photo."""
    placed = is_placed(gaussians)
    bones = [
        (parent, child)
        for parent, child in bone_indices(MPII_BONES, gaussians.joint_names)
        if placed[parent] and placed[child]
    ]
    segments = list(gaussians.mean_px[np.array(bones, dtype=int).reshape(-1, 2)])
    colours = [side_colour(gaussians.joint_names[child]) for _, child in bones]
    axes.add_collection(
        LineCollection(segments, colors="white", linewidths=4.2, alpha=0.85, capstyle="round")
    )
    axes.add_collection(LineCollection(segments, colors=colours, linewidths=2.2, capstyle="round"))
    joints_px = gaussians.mean_px[placed]
    axes.scatter(
        joints_px[:, 0], joints_px[:, 1], s=13, c="white", edgecolors="#222222", linewidths=0.7, zorder=3
    )


def _draw_colour_bar(figure: Figure, photo: Rectangle, scale: Normalize, pixels_per_cell: float) -> None:
    centre = photo.x + photo.width / 2
    axes = add_panel(
        figure,
        Rectangle(
            centre - _COLOUR_BAR_WIDTH / 2,
            photo.y - _COLOUR_BAR_GAP - _COLOUR_BAR_HEIGHT,
            _COLOUR_BAR_WIDTH,
            _COLOUR_BAR_HEIGHT,
        ),
    )
    bar = figure.colorbar(
        ScalarMappable(scale, UNCERTAINTY_MAP), cax=axes, orientation="horizontal", extend="max"
    )
    bar.outline.set_visible(False)
    axes.tick_params(labelsize=9, length=3, colors=FAINT_INK)
    label = f"1 and 2 sigma; colour: larger sigma (heatmap cells of {pixels_per_cell:.3g} px)"
    axes.set_xlabel(label, fontsize=10, color=FAINT_INK)


def _pixels_per_cell(gaussians: JointGaussians) -> float:
    return float(np.sqrt(abs(np.linalg.det(gaussians.pixel_from_cell[:, :2]))))
