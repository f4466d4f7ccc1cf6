"""Figures of an evaluation, from its report alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poseterior.evaluate.figures.best_of import draw_best_of
from poseterior.evaluate.figures.reliability import draw_reliability
from poseterior.evaluate.figures.sigma import draw_sigma
from poseterior.export.atomic import writable_folder
from poseterior.viz.figure import save_figure

FILES = {
    "reliability.png": draw_reliability,
    "error-by-hypotheses.png": draw_best_of,
    "sigma-and-error.png": draw_sigma,
}


def write_figures(report: dict[str, Any], folder: Path) -> list[Path]:
    """Draws all of `FILES` into a folder, which is made; returns their paths.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    writable_folder(folder)
    paths = []
    for name, draw in FILES.items():
        save_figure(draw(report), folder / name)
        paths.append(folder / name)
    return paths
