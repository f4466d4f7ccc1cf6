"""The picture of a posterior: what the detector saw, what the flow makes of it, and how sure it is.

After figures 1, 3 and 9 of Wehrbein et al., ICCV 2021.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from poseterior.errors import InputError, OutputError
from poseterior.export.atomic import atomic_path
from poseterior.hypotheses import Hypotheses
from poseterior.viz.caption import draw_caption
from poseterior.viz.layout import PAGE_HEIGHT, PAGE_WIDTH, PIXELS_PER_INCH
from poseterior.viz.overlay import draw_overlay
from poseterior.viz.skeleton3d import draw_views
from poseterior.viz.spread_bars import draw_spread_bars

_OPTIONS = {
    # A low level halves the time of the whole save for a tenth more bytes.
    ".png": {"pil_kwargs": {"compress_level": 3}, "metadata": {"Software": "poseterior"}},
    ".jpg": {"pil_kwargs": {"quality": 92}},
    ".pdf": {},
    ".svg": {},
}


def draw_posterior(hypotheses: Hypotheses, image: UInt8[np.ndarray, "height width 3"]) -> Figure:
    """The picture of one person's hypotheses, 1600 x 900 pixels.

    Left: the photo around the person, RGB, with the 2D pose and the 1 and 2 sigma ellipses of its Gaussians.
    Middle: the hypotheses and their mode as the camera sees them, from the side (the picture's right, camera on
    the left) and from above (camera below), in metres.
    Right: their spread per joint in x, y and depth, in millimetres.

    Raises:
        InputError: the image's size is not the one that the detector saw.
    """
    detection = hypotheses.detection
    seen = (detection.image_height_px, detection.image_width_px, 3)
    if image.shape != seen:
        raise InputError(f"the image's shape is {image.shape}; expected {seen}, as the detector saw it")
    size_inches = (PAGE_WIDTH / PIXELS_PER_INCH, PAGE_HEIGHT / PIXELS_PER_INCH)
    figure = Figure(size_inches, dpi=PIXELS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    draw_overlay(figure, image, detection)
    draw_views(figure, hypotheses)
    draw_spread_bars(figure, hypotheses)
    draw_caption(figure, hypotheses)
    return figure


def save_figure(figure: Figure, path: str | Path) -> None:
    """Writes a PNG, JPEG, PDF or SVG by the suffix, atomically.

    Raises:
        OutputError: the suffix is another one, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower().replace(".jpeg", ".jpg")
    if suffix not in _OPTIONS:
        raise OutputError(
            f'cannot write {path}: the suffix is "{path.suffix}"; expected .png, .jpg, .pdf or .svg'
        )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=suffix[1:], dpi=PIXELS_PER_INCH, **_OPTIONS[suffix])
