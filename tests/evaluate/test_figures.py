import numpy as np
import pytest
from _toy_evaluation import GaussianLifter, toy_set
from PIL import Image

from poseterior.evaluate.figures import FILES, write_figures
from poseterior.evaluate.figures.best_of import draw_best_of
from poseterior.evaluate.figures.reliability import draw_reliability
from poseterior.evaluate.figures.sigma import draw_sigma
from poseterior.evaluate.measure import Settings
from poseterior.evaluate.report import evaluate


@pytest.fixture(scope="module")
def report():
    data = toy_set(30)
    data.extra["joints_cell"] = np.zeros((30, 17, 2))
    return evaluate(GaussianLifter(), data, Settings(samples=12)).report


def test_all_are_written_as_pictures(report, tmp_path):
    paths = write_figures(report, tmp_path / "new" / "figures")
    assert [path.name for path in paths] == list(FILES)
    for path in paths:
        with Image.open(path) as image:
            assert np.ptp(np.asarray(image.convert("L"))) == pytest.approx(255, abs=60)
    assert sorted(path.name for path in (tmp_path / "new" / "figures").iterdir()) == sorted(FILES)


def test_lines_are_the_report_s_curves(report):
    summary = report["subsets"]["all"]
    for axes, (part, curve) in zip(
        draw_reliability(report).axes,
        (("density", "hdr_curve"), ("samples", "ece_curve"), ("samples", "central_curve")),
        strict=True,
    ):
        drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
        np.testing.assert_allclose(
            drawn["all"], [estimate["mean"] for estimate in summary[part][curve]["observed"]]
        )
        assert "ambiguous" in drawn
    for axes, metric in zip(draw_best_of(report).axes, ("mpjpe_mm", "pmpjpe_mm"), strict=True):
        drawn = {line.get_label(): line for line in axes.lines}
        curves = report["subsets"]["ambiguous"]["oracle_best_of_first"]
        for label, key in (("model", "model"), ("noise around z0", "noise_baseline")):
            expected = [estimate["mean"] for estimate in curves[key][metric]]
            np.testing.assert_allclose(drawn[label].get_ydata(), expected)
            assert list(drawn[label].get_xdata()) == [1, 2, 5, 10, 12]
    left, right = draw_sigma(report).axes
    assert [bar.get_width() for bar in left.containers[0]] == pytest.approx(
        [row["sigma_cell"] for row in summary["joints"].values() if "sigma_cell" in row]
    )
    assert [bar.get_width() for bar in right.containers[1]] == pytest.approx(
        [row["mean_pose_error_mm"] for row in summary["joints"].values()]
    )


def test_what_is_not_there_is_said(tmp_path):
    data = toy_set(12, sequences=1)
    clear = data.select(np.flatnonzero(~data.ambiguous()))
    report = evaluate(GaussianLifter(gives_log_prob=False), clear, Settings(samples=1)).report
    assert len(write_figures(report, tmp_path)) == 3
    texts = [text.get_text() for axes in draw_reliability(report).axes for text in axes.texts]
    assert texts == ["this method has none"] * 3
    texts = [text.get_text() for axes in draw_sigma(report).axes for text in axes.texts]
    assert texts == ["the set does not know the true 2D joints", "one hypothesis has no spread"]
