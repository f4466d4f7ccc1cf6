"""Hypotheses of the same few pictures in the course of a training, as one PNG that grows."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from poseterior.export.atomic import atomic_path
from poseterior.skeleton import H36M_17, H36M_BONES, bone_indices
from poseterior.train.batch import Batch
from poseterior.train.pose_errors import poses_mm
from poseterior.train.seeds import Stream, stream_generator
from poseterior.train.validation import Flow, draw_hypotheses
from poseterior.viz.colours import FAINT_INK, GRID, INK, side_colour

NUM_DRAWN = 40
MAX_TIMES = 6
_QUANTILES = (("clear", 0.1), ("usual", 0.5), ("uncertain", 0.95))
_VIEWS = (("camera", 0), ("side", 2))
"""Name, and the axis that runs across; y runs down."""
_MARGIN_MM = 350.0
_BONES = np.array(bone_indices(H36M_BONES, H36M_17))
_COLOURS = [side_colour(child) for _, child in H36M_BONES]

Times = Int64[np.ndarray, " times"]
History = Float[np.ndarray, "times pictures hypotheses 17 3"]


class HypothesesFigure:
    """The drawn poses so far (npz, so that a resumed run goes on with them) and the picture of them (PNG)."""

    def __init__(self, folder: Path, validation: Batch, seed: int, resumed_step: int) -> None:
        """Chooses pictures by how uncertain their heatmaps are.

        Args:
            folder: of the run.
            validation: the pairs to choose from, on the device of the flow.
            seed: of the hypotheses.
            resumed_step: poses of later steps are dropped.
        """
        self._folder, self._seed = folder, seed
        rows = _chosen_rows(validation)
        self._batch = Batch(*(values[rows] for values in validation))
        self._steps, self._poses = _read_history(folder / "hypotheses.npz", resumed_step, len(rows))

    def add(self, flow: Flow, step: int) -> None:
        """Draws anew, with `flow` after `step` steps; raises OutputError where the files cannot be written."""
        generator = stream_generator("cpu", self._seed, Stream.VALIDATION)
        poses = poses_mm(draw_hypotheses(flow, self._batch, NUM_DRAWN, generator)[0]).astype(np.float32)
        self._steps = np.append(self._steps, step)
        self._poses = np.concatenate([self._poses, poses[None]])
        with atomic_path(self._folder / "hypotheses.npz") as temporary, temporary.open("wb") as file:
            np.savez(file, steps=self._steps, poses_mm=self._poses)
        figure = draw_history(self._steps, self._poses, poses_mm(self._batch.x[:, None])[:, 0])
        with atomic_path(self._folder / "hypotheses.png") as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": "poseterior"})


def _chosen_rows(validation: Batch) -> list[int]:
    variance = validation.heatmap_covariance_m2.diagonal(dim1=-2, dim2=-1).sum(dim=(1, 2))
    order = torch.argsort(variance).tolist()
    return [order[round(quantile * (len(order) - 1))] for _, quantile in _QUANTILES]


def _read_history(path: Path, resumed_step: int, pictures: int) -> tuple[Times, History]:
    empty = np.zeros(0, np.int64), np.zeros((0, pictures, NUM_DRAWN, 17, 3), np.float32)
    if resumed_step == 0:
        return empty
    try:
        with np.load(path, allow_pickle=False) as archive:
            steps, poses = archive["steps"], archive["poses_mm"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        # a figure that cannot go on is no reason not to train
        return empty
    if poses.shape != (len(steps), *empty[1].shape[1:]):
        return empty
    kept = steps <= resumed_step
    return steps[kept], poses[kept]


def draw_history(steps: Times, poses: History, truth_mm: Float[np.ndarray, "pictures 17 3"]) -> Figure:
    """One column for each of at most `MAX_TIMES` steps; each picture from the camera and from its right side."""
    columns = np.unique(np.linspace(0, len(steps) - 1, MAX_TIMES).round().astype(int))
    rows = [(picture, view) for picture in range(len(truth_mm)) for view in _VIEWS]
    width, height = 2.2 * len(columns) + 0.4, 2.2 * len(rows) + 0.8
    figure = Figure((width, height), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    # inches of margin as shares of the page
    figure.subplots_adjust(0.35 / width, 0.4 / height, 1 - 0.05 / width, 1 - 0.3 / height, 0.04, 0.04)
    for row, (picture, (view, across)) in enumerate(rows):
        for column, time in enumerate(columns):
            _draw_cell(axes[row, column], poses[time, picture], truth_mm[picture], across)
        axes[row, 0].set_ylabel(f"{_QUANTILES[picture][0]}, from the {view}", color=INK, fontsize=9)
    for column, time in enumerate(columns):
        axes[0, column].set_title(f"step {steps[time]:,}", color=INK, fontsize=10)
    figure.text(
        0.5,
        0.004,
        f"truth black; left blue, right orange\n{NUM_DRAWN} hypotheses; grid 0.5 m",
        ha="center",
        va="bottom",
        color=FAINT_INK,
        fontsize=8,
    )
    return figure


def _draw_cell(
    axes: Axes, poses: Float[np.ndarray, "hypotheses 17 3"], truth: Float[np.ndarray, "17 3"], across: int
) -> None:
    plane = [across, 1]
    middle = (truth[:, plane].min(axis=0) + truth[:, plane].max(axis=0)) / 2
    # one scale for all views of a picture
    reach = (truth.max(axis=0) - truth.min(axis=0)).max() / 2 + _MARGIN_MM
    ticks = np.arange(-3000, 3001, 500)
    axes.set_xticks(ticks, [])
    axes.set_yticks(ticks, [])
    # after the ticks, which would widen the limits
    axes.set(
        xlim=(middle[0] - reach, middle[0] + reach),
        ylim=(middle[1] + reach, middle[1] - reach),
        aspect="equal",
    )
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_color(GRID)
    segments = poses[:, _BONES][..., plane].reshape(-1, 2, 2)
    colours = _COLOURS * len(poses)
    axes.add_collection(LineCollection(list(segments), colors=colours, linewidths=0.7, alpha=0.2))
    axes.add_collection(LineCollection(list(truth[_BONES][..., plane]), colors=INK, linewidths=1.6))
