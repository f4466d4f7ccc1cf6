import numpy as np
import pytest
from _synthetic import synthetic_hypotheses, synthetic_image
from matplotlib.collections import LineCollection

from poseterior.errors import InputError
from poseterior.skeleton import H36M_17, H36M_BONES, bone_indices
from poseterior.viz.side_by_side import Answers, Picture, draw_side_by_side

pytestmark = pytest.mark.filterwarnings("error")

BONES = np.array(bone_indices(H36M_BONES, H36M_17))


def answers(seed, num=30):
    hypotheses = synthetic_hypotheses(num, seed)
    return Answers(hypotheses.poses_m.astype(np.float64), hypotheses.mode_m.astype(np.float64))


def picture(name, truth_m=None):
    return Picture(name, synthetic_image(), synthetic_hypotheses(2).detection, truth_m)


@pytest.fixture(scope="module")
def truth_m():
    truth = synthetic_hypotheses(2).mode_m.astype(np.float64)
    truth[H36M_17.index("spine")] = np.nan
    return truth


@pytest.fixture(scope="module")
def figure(truth_m):
    pictures = [picture("first", truth_m), picture("second")]
    figure = draw_side_by_side(pictures, {"a": [answers(0), answers(1)], "b": [answers(2), answers(3)]})
    figure.canvas.draw()
    return figure


def views(figure):
    """By row and method, each from the camera and from the side."""
    panels = [axes for axes in figure.axes if not axes.images]
    return np.array(panels, dtype=object).reshape(2, 2, 2)


def segments(axes, count):
    """Of the collection with so many lines."""
    (found,) = [
        np.array(collection.get_segments())
        for collection in axes.collections
        if isinstance(collection, LineCollection) and len(collection.get_segments()) == count
    ]
    return found


def test_each_panel_holds_its_method_s_hypotheses_from_its_side(figure):
    for row in range(2):
        for method in range(2):
            poses_m = answers(2 * method + row).poses_m
            for view, axis in enumerate((0, 2)):
                drawn = segments(views(figure)[row, method, view], 30 * len(BONES))
                np.testing.assert_allclose(drawn, poses_m[:, BONES][..., [axis, 1]].reshape(-1, 2, 2))


def test_all_views_show_the_same_space_at_one_scale(figure):
    panels = views(figure)
    for view in range(2):
        limits = {(axes.get_xlim(), axes.get_ylim()) for axes in panels[:, :, view].flat}
        assert len(limits) == 1
    scales = [np.ptp(axes.get_xlim()) / axes.get_window_extent().width for axes in panels.flat]
    scales += [abs(np.ptp(axes.get_ylim())) / axes.get_window_extent().height for axes in panels.flat]
    np.testing.assert_allclose(scales, scales[0], rtol=1e-6)
    # y runs down, as in the picture
    assert panels[0, 0, 0].get_ylim()[0] > panels[0, 0, 0].get_ylim()[1]


def test_bones_of_the_truth_are_drawn_where_both_ends_are_known(figure, truth_m):
    panels = views(figure)
    known = np.isfinite(truth_m[BONES]).all(axis=(1, 2))
    assert known.sum() == len(BONES) - 2
    np.testing.assert_allclose(
        segments(panels[0, 0, 1], known.sum()), truth_m[BONES[known]][..., [2, 1]], atol=1e-12
    )
    sizes = [len(collection.get_segments()) for collection in panels[1, 0, 1].collections[:3]]
    assert known.sum() not in sizes


def test_titles_units_and_names_are_said(figure):
    said = [text.get_text() for text in figure.texts]
    assert {"a", "b", "first", "second"} <= set(said)
    panels = views(figure)
    assert panels[0, 0, 0].get_ylabel() == "y, down (m)"
    assert panels[1, 0, 0].get_xlabel() == "x (m)"
    assert panels[1, 1, 1].get_xlabel() == "depth (m), away →"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["30 hypotheses", "single answer", "person's left", "person's right", "truth"]


def test_without_truth_the_key_has_none():
    figure = draw_side_by_side([picture("p")], {"a": [answers(0)]})
    assert "truth" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_answers_must_be_those_of_the_pictures():
    with pytest.raises(InputError, match="method a has 1 answers; expected one for each of 2 pictures"):
        draw_side_by_side([picture("p"), picture("q")], {"a": [answers(0)]})
    with pytest.raises(InputError, match="0 pictures"):
        draw_side_by_side([], {"a": []})
