from pathlib import Path

import numpy as np
import torch
from _toy_pairs import toy_batch
from PIL import Image

from poseterior.flow.config import posterior_config
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.train.figure import MAX_TIMES, NUM_DRAWN, HypothesesFigure, draw_history

FLOW = PosteriorFlow(posterior_config(blocks=1, hidden=4, encoder_hidden=4, encoder_size=2))


def test_the_figure_grows_with_the_run_and_forgets_what_is_trained_again(tmp_path: Path):
    batch = toy_batch(20, 0)
    figure = HypothesesFigure(tmp_path, batch, seed=0, resumed_step=0)
    widths = []
    for step in (0, 10, 20):
        figure.add(FLOW, step)
        widths.append(Image.open(tmp_path / "hypotheses.png").size[0])
    assert widths == sorted(set(widths))

    again = HypothesesFigure(tmp_path, batch, seed=0, resumed_step=10)
    again.add(FLOW, 30)
    with np.load(tmp_path / "hypotheses.npz") as kept:
        assert list(kept["steps"]) == [0, 10, 30]
        assert kept["poses_mm"].shape == (3, 3, NUM_DRAWN, 17, 3)
        # the same weights draw the same poses
        assert np.array_equal(kept["poses_mm"][0], kept["poses_mm"][2])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hypotheses.npz", "hypotheses.png"]


def test_the_pictures_are_from_clear_to_uncertain(tmp_path: Path):
    batch = toy_batch(20, 0)
    grown = batch.heatmap_covariance_m2 * torch.arange(1.0, 21.0)[:, None, None, None] ** 4
    figure = HypothesesFigure(tmp_path, batch._replace(heatmap_covariance_m2=grown), 0, 0)
    variance = figure._batch.heatmap_covariance_m2.diagonal(dim1=-2, dim2=-1).sum(dim=(1, 2))
    assert variance.tolist() == sorted(variance.tolist())
    assert variance[2] > 10 * variance[0]


def test_many_times_share_few_columns_with_the_first_and_the_last_among_them():
    steps = np.arange(0, 5000, 50)
    poses = np.zeros((len(steps), 3, NUM_DRAWN, 17, 3), np.float32)
    figure = draw_history(steps, poses, np.random.default_rng(0).normal(size=(3, 17, 3)) * 300)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(titles) == MAX_TIMES
    assert (titles[0], titles[-1]) == ("step 0", "step 4,950")


def test_a_damaged_history_does_not_stop_a_run(tmp_path: Path):
    (tmp_path / "hypotheses.npz").write_bytes(b"PK broken")
    figure = HypothesesFigure(tmp_path, toy_batch(4, 0), 0, resumed_step=10)
    figure.add(FLOW, 20)
    with np.load(tmp_path / "hypotheses.npz") as kept:
        assert list(kept["steps"]) == [20]
