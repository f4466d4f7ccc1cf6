import os
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from _synthetic import synthetic_hypotheses, synthetic_image
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.text import Text
from PIL import Image

from poseterior.errors import InputError, OutputError
from poseterior.skeleton import H36M_17, H36M_BONES, MPII_16, bone_indices
from poseterior.types import FitStatus
from poseterior.viz import draw_posterior, save_figure
from poseterior.viz.colours import LEFT, RIGHT
from poseterior.viz.spread_bars import BAR_JOINTS

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def hypotheses():
    return synthetic_hypotheses(num=200, seed=0)


@pytest.fixture(scope="module")
def figure(hypotheses):
    figure = draw_posterior(hypotheses, synthetic_image())
    figure.canvas.draw()
    return figure


def axes_titled(figure, title):
    (axes,) = [axes for axes in figure.axes if axes.get_title() == title]
    return axes


def photo_axes(figure):
    (axes,) = [axes for axes in figure.axes if axes.images]
    return axes


def visible_texts(figure):
    """(words, extent in pixels) of everything that is written on the page."""
    undrawn = set(undrawn_labels(figure))
    return [
        (text.get_text(), text.get_window_extent())
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in undrawn
    ]


def undrawn_labels(figure):
    """Labels of ticks outside of the limits stay in the tree, and so does all of an axis that is off."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.majorTicks:
                if not (axes.axison and low <= tick.get_loc() <= high):
                    yield tick.label1
            if not axes.axison:
                yield axis.label


def overlapping(figure):
    page = figure.bbox
    texts = visible_texts(figure)
    outside = [
        name
        for name, extent in texts
        if extent.x0 < 0 or extent.y0 < 0 or extent.x1 > page.width or extent.y1 > page.height
    ]
    pairs = [(a, b) for (a, first), (b, second) in combinations(texts, 2) if first.overlaps(second)]
    return outside + pairs


def lying(hypotheses):
    """The same poses turned by 90 degrees in the image plane."""
    turned = [hypotheses.poses_m[..., [1, 0, 2]], hypotheses.mode_m[..., [1, 0, 2]]]
    return replace(hypotheses, poses_m=turned[0], mode_m=turned[1])


def deep(hypotheses):
    """Depth spread five times as wide."""
    return replace(hypotheses, poses_m=hypotheses.poses_m * np.array([1, 1, 5], np.float32))


def scattered(hypotheses):
    """Joints metres apart, as of a model that has learnt nothing."""
    noise = np.random.default_rng(0).normal(0, 1.5, hypotheses.poses_m.shape).astype(np.float32)
    noise[:, 0] = 0
    return replace(hypotheses, poses_m=hypotheses.poses_m + noise)


def very_deep(hypotheses):
    """Depth spread thirty times as wide."""
    return replace(hypotheses, poses_m=hypotheses.poses_m * np.array([1, 1, 30], np.float32))


def wordy(hypotheses):
    """As many words as the caption may have to hold."""
    gaussians = hypotheses.detection.gaussians
    status = gaussians.status.copy()
    status[[12, 13]] = FitStatus.NO_SIGNAL
    many = hypotheses[np.resize(np.arange(200), 100_000)]
    return replace(
        many,
        image_name="folder/" + "W" * 200 + ".png",
        detection=replace(
            hypotheses.detection, gaussians=replace(gaussians, status=status), num_candidates=12
        ),
        settings={"seed": 4_294_967_295, "model": "models/" + "m" * 80, "stand_in": True},
    )


VARIANTS = {
    "standing": lambda h: h,
    "lying": lying,
    "deep": deep,
    "very deep": very_deep,
    "scattered": scattered,
    "wordy": wordy,
    "one": lambda h: h[0],
}


@pytest.mark.parametrize("change", VARIANTS.values(), ids=VARIANTS)
def test_no_text_overlaps_another_or_leaves_the_page(hypotheses, change):
    figure = draw_posterior(change(hypotheses), synthetic_image())
    figure.canvas.draw()
    assert len(visible_texts(figure)) > 25
    assert overlapping(figure) == []


def frames_with_strange_texts(figure):
    """(words, title of the panel) of texts that reach into a panel whose inside they do not belong to."""
    found = []
    for axes in figure.axes:
        frame = axes.get_window_extent().padded(-1)
        own = {text.get_text() for text in axes.texts}
        found += [
            (w, axes.get_title()) for w, e in visible_texts(figure) if w not in own and e.overlaps(frame)
        ]
    return found


@pytest.mark.parametrize("change", VARIANTS.values(), ids=VARIANTS)
def test_no_text_reaches_into_a_panel(hypotheses, change):
    figure = draw_posterior(change(hypotheses), synthetic_image())
    figure.canvas.draw()
    assert frames_with_strange_texts(figure) == []


def test_the_overlap_test_can_fail(hypotheses):
    figure = draw_posterior(hypotheses[:2], synthetic_image())
    axes = axes_titled(figure, "from the side")
    axes.text(0.5, 1.02, "laid over the title", transform=axes.transAxes, ha="center")
    figure.text(0.99, 0.5, "over the edge of the page")
    figure.canvas.draw()
    assert {"from the side", "laid over the title"} in [set(pair) for pair in overlapping(figure)]
    assert "over the edge of the page" in overlapping(figure)


def test_bars_are_the_spread(figure, hypotheses):
    axes = axes_titled(figure, "spread of the hypotheses")
    labels = [label.get_text() for label in axes.get_yticklabels()]
    spread_mm = hypotheses.spread_mm()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["x", "y", "depth"]
    assert sorted(BAR_JOINTS) == sorted(set(H36M_17) - {"pelvis"})
    for axis, bars in enumerate(axes.containers):
        for bar in bars:
            joint = labels[round(bar.get_y() + bar.get_height() / 2)].replace(" ", "_")
            assert bar.get_width() == pytest.approx(spread_mm[H36M_17.index(joint), axis])
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_ellipses_lie_on_the_joints_with_the_covariances_axes(figure, hypotheses):
    ellipses = [patch for patch in photo_axes(figure).patches if isinstance(patch, Ellipse)]
    gaussians = hypotheses.detection.gaussians
    assert len(ellipses) == 2 * len(MPII_16)
    for mean_px, covariance_px2 in zip(gaussians.mean_px, gaussians.covariance_px2, strict=True):
        two, one = sorted(
            (e for e in ellipses if np.allclose(e.get_center(), mean_px)), key=lambda e: -e.get_width()
        )
        angle = np.radians(one.get_angle())
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        rebuilt = turn @ np.diag([one.get_width() / 2, one.get_height() / 2]) ** 2 @ turn.T
        np.testing.assert_allclose(rebuilt, covariance_px2, rtol=1e-9, atol=1e-9)
        assert two.get_width() == pytest.approx(2 * one.get_width())
        assert two.get_angle() == one.get_angle()


def test_confident_ellipses_show_on_a_black_photo(hypotheses):
    """Their edges are dark: around each there must be a line of light pixels."""
    figure = draw_posterior(hypotheses, np.zeros((540, 960, 3), np.uint8))
    axes = photo_axes(figure)
    for line in axes.collections:
        line.set_visible(not isinstance(line, LineCollection))
    figure.canvas.draw()
    page = np.asarray(figure.canvas.buffer_rgba())[..., :3].max(axis=2)
    ellipses = [patch for patch in axes.patches if isinstance(patch, Ellipse)]
    joint = hypotheses.detection.gaussians.mean_px[MPII_16.index("left_ankle")]
    one, two = sorted(
        (e for e in ellipses if np.allclose(e.get_center(), joint)), key=lambda e: e.get_width()
    )
    for ellipse in (one, two):
        corners = axes.transData.transform(ellipse.get_corners())
        (x, y), reach = corners.mean(axis=0), 6
        edge = axes.transData.transform(ellipse.get_co_vertices())[0]
        across = (
            np.linspace(-reach, reach, 4 * reach + 1)[:, None] * (edge - (x, y)) / np.hypot(*(edge - (x, y)))
        )
        columns, rows = np.floor(edge + across).astype(int).T
        assert page[900 - 1 - rows, columns].max() > 140


def test_wider_ellipses_have_brighter_colours(figure, hypotheses):
    ellipses = [patch for patch in photo_axes(figure).patches if isinstance(patch, Ellipse)]
    brightness = {
        joint: next(
            np.dot(e.get_edgecolor()[:3], (0.2126, 0.7152, 0.0722))
            for e in ellipses
            if np.allclose(e.get_center(), hypotheses.detection.gaussians.mean_px[MPII_16.index(joint)])
        )
        for joint in ("left_wrist", "left_elbow", "left_ankle")
    }
    assert brightness["left_wrist"] > brightness["left_elbow"] > brightness["left_ankle"]


def test_joints_that_were_not_seen_are_named_and_not_drawn(hypotheses):
    gaussians = hypotheses.detection.gaussians
    status = gaussians.status.copy()
    status[MPII_16.index("right_wrist")] = FitStatus.INVALID
    detection = replace(hypotheses.detection, gaussians=replace(gaussians, status=status))
    figure = draw_posterior(replace(hypotheses, detection=detection), synthetic_image())
    axes = photo_axes(figure)
    assert len(axes.patches) == 2 * 15
    assert all(
        len(lines.get_segments()) == 14 for lines in axes.collections if isinstance(lines, LineCollection)
    )
    assert any("not seen: right wrist" in text.get_text() for text in figure.texts)


def test_no_joint_seen_at_all_still_gives_a_picture(hypotheses):
    gaussians = hypotheses.detection.gaussians
    unseen = replace(gaussians, status=np.full(16, FitStatus.NO_SIGNAL, np.uint8))
    detection = replace(hypotheses.detection, gaussians=unseen)
    figure = draw_posterior(replace(hypotheses, detection=detection), synthetic_image())
    assert not photo_axes(figure).patches
    assert any("16 joints not seen" in text.get_text() for text in figure.texts)


VIEW_AXES = {"from the camera": (0, 1), "from the side": (2, 1), "from above": (0, 2)}


@pytest.mark.parametrize(("title", "shown"), VIEW_AXES.items(), ids=VIEW_AXES)
def test_views_hold_every_bone_of_every_hypothesis(figure, hypotheses, title, shown):
    faint, rim, mode = [c for c in axes_titled(figure, title).collections if isinstance(c, LineCollection)]
    bones = bone_indices(H36M_BONES, H36M_17)
    segments = np.array(faint.get_segments()).reshape(200, 16, 2, 2)
    for bone, (parent, child) in enumerate(bones):
        np.testing.assert_allclose(segments[:, bone, 0], hypotheses.poses_m[:, parent][:, shown], atol=1e-6)
        np.testing.assert_allclose(segments[:, bone, 1], hypotheses.poses_m[:, child][:, shown], atol=1e-6)
    expected = hypotheses.mode_m[np.array(bones)][..., shown]
    np.testing.assert_allclose(np.array(mode.get_segments()), expected, atol=1e-6)
    assert mode.get_zorder() > rim.get_zorder() > faint.get_zorder()


def test_views_have_one_scale_and_the_feet_down(figure):
    pixels_per_metre = []
    for title, (_, along) in VIEW_AXES.items():
        axes = axes_titled(figure, title)
        origin, right, up = axes.transData.transform([(0, 0), (1, 0), (0, 1)])
        assert right[0] > origin[0]
        assert (up[1] < origin[1]) == (along == 1)
        pixels_per_metre += [right[0] - origin[0], abs(up[1] - origin[1])]
        assert axes.get_aspect() == 1.0
    np.testing.assert_allclose(pixels_per_metre, pixels_per_metre[0], rtol=1e-6)
    assert pixels_per_metre[0] > 150


@pytest.mark.parametrize("change", VARIANTS.values(), ids=VARIANTS)
def test_ticks_are_round_and_neither_crowded_nor_missing(hypotheses, change):
    figure = draw_posterior(change(hypotheses), synthetic_image())
    for title in VIEW_AXES:
        axes = axes_titled(figure, title)
        for axis, ticks in enumerate((axes.get_xticks(), axes.get_yticks())):
            places = axes.transData.transform(np.stack([ticks, ticks], axis=1))[:, axis]
            assert len(ticks) >= 1
            assert (np.abs(np.diff(places)) >= 59.9).all()
            assert (np.abs(np.diff(places)) <= 160).all()


def test_views_share_their_axes_place_on_the_page(figure):
    front, side, above = (axes_titled(figure, title).get_position() for title in VIEW_AXES)
    assert (front.y0, front.y1) == pytest.approx((side.y0, side.y1))
    assert (front.x0, front.x1) == pytest.approx((above.x0, above.x1))
    assert side.width * 16 == pytest.approx(above.height * 9)


@pytest.mark.parametrize("change", [lambda h: h, scattered], ids=["standing", "scattered"])
def test_views_show_the_mode_and_nearly_all_hypotheses(hypotheses, change):
    hypotheses = change(hypotheses)
    figure = draw_posterior(hypotheses, synthetic_image())
    for title, shown in VIEW_AXES.items():
        axes = axes_titled(figure, title)
        for axis, limits in zip(shown, (axes.get_xlim(), axes.get_ylim()), strict=True):
            low, high = sorted(limits)
            assert low < hypotheses.mode_m[:, axis].min() and hypotheses.mode_m[:, axis].max() < high
            inside = (low < hypotheses.poses_m[..., axis]) & (hypotheses.poses_m[..., axis] < high)
            assert inside.mean(axis=0).min() >= 0.98


def test_sides_are_told_apart_by_colour(figure):
    *_, mode = [
        c for c in axes_titled(figure, "from the camera").collections if isinstance(c, LineCollection)
    ]
    drawn = dict(zip([child for _, child in H36M_BONES], mode.get_colors().tolist(), strict=True))
    hexes = {
        name: "#" + "".join(f"{round(255 * channel):02X}" for channel in colour[:3])
        for name, colour in drawn.items()
    }
    assert {hexes[name] for name in hexes if name.startswith("left")} == {LEFT}
    assert {hexes[name] for name in hexes if name.startswith("right")} == {RIGHT}


def test_the_photo_is_where_its_pixels_say():
    """A white dot under the head must be drawn under the head's mean, to a pixel of the page."""
    hypotheses = synthetic_hypotheses(
        num=5, pixels_per_metre=400.0, pelvis_px=(900.0, 560.0), image_width_px=1600, image_height_px=1200
    )
    mean_px = hypotheses.detection.gaussians.mean_px[MPII_16.index("head")]
    image = np.zeros((1200, 1600, 3), np.uint8)
    column, row = np.round(mean_px).astype(int)
    image[row - 6 : row + 7, column - 6 : column + 7] = 255
    figure = draw_posterior(hypotheses, image)
    axes = photo_axes(figure)
    for artist in (*axes.patches, *axes.collections):
        artist.set_visible(False)
    figure.canvas.draw()
    page = np.asarray(figure.canvas.buffer_rgba())[..., :3].min(axis=2)
    place = axes.get_window_extent()
    top, left = int(900 - place.y1) + 1, int(place.x0) + 1
    photo = page[top : int(900 - place.y0), left : int(place.x1)]
    rows, columns = np.nonzero(photo > 128)
    expected = axes.transData.transform((column, row))
    assert columns.mean() + left + 0.5 == pytest.approx(expected[0], abs=1.0)
    assert 900 - (rows.mean() + top + 0.5) == pytest.approx(expected[1], abs=1.0)


def test_large_and_tiny_photos(hypotheses):
    for width, height, pelvis_px, scale in (
        (9000, 6000, (5000.0, 2500.0), 2000.0),
        (20, 30, (10.0, 14.0), 12.0),
    ):
        sized = synthetic_hypotheses(
            num=5, image_width_px=width, image_height_px=height, pelvis_px=pelvis_px, pixels_per_metre=scale
        )
        figure = draw_posterior(sized, np.full((height, width, 3), 90, np.uint8))
        drawn = photo_axes(figure).images[0].get_array()
        assert max(drawn.shape) <= 722


def test_a_photo_of_another_size_is_refused(hypotheses):
    with pytest.raises(InputError, match=r"expected \(540, 960, 3\)"):
        draw_posterior(hypotheses, synthetic_image(540, 961))


def test_the_caption_says_what_was_drawn(figure):
    words = " ".join(text.get_text() for text in figure.texts)
    for expected in ("synthetic.png", "200 hypotheses", "seed 0", "model synthetic", "stand-in weights"):
        assert expected in words


def test_trained_weights_carry_no_warning(hypotheses):
    figure = draw_posterior(replace(hypotheses, settings={"stand_in": False}), synthetic_image())
    assert not any("stand-in" in text.get_text() for text in figure.texts)


@pytest.mark.parametrize("name", ["$a$_{b}.png", "写真.png", "two\nlines.png", "\\frac{.png"])
def test_any_file_name_can_be_a_title(hypotheses, tmp_path, name):
    """The module turns warnings into errors, so that a missing glyph would fail."""
    named = replace(hypotheses[:3], image_name=name)
    save_figure(draw_posterior(named, synthetic_image()), tmp_path / "x.png")
    assert (tmp_path / "x.png").exists()


def test_drawing_needs_neither_pyplot_nor_torch_and_changes_no_defaults():
    code = (
        "import sys, matplotlib\n"
        "def defaults(): return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams\n"
        "    if name != 'backend'}\n"
        "before = defaults()\n"
        "from _synthetic import synthetic_hypotheses, synthetic_image\n"
        "from poseterior.viz import draw_posterior\n"
        "draw_posterior(synthetic_hypotheses(num=2), synthetic_image())\n"
        "unwanted = {'matplotlib.pyplot', 'torch'} & set(sys.modules)\n"
        "print(*unwanted, defaults() == before)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]


def test_png_is_1600_by_900(figure, tmp_path):
    save_figure(figure, tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.size == (1600, 900)
        pixels = np.asarray(picture.convert("RGB"))
    assert (pixels[0] == 255).all()
    assert pixels.std() > 20


@pytest.mark.parametrize(
    ("suffix", "start"),
    [(".jpg", b"\xff\xd8"), (".jpeg", b"\xff\xd8"), (".pdf", b"%PDF"), (".svg", b"<?xml")],
)
def test_other_formats_by_suffix(hypotheses, tmp_path, suffix, start):
    save_figure(draw_posterior(hypotheses[:2], synthetic_image()), str(tmp_path / f"picture{suffix}"))
    assert (tmp_path / f"picture{suffix}").read_bytes().startswith(start)


def test_an_unknown_suffix_is_refused(figure, tmp_path):
    with pytest.raises(OutputError, match=r"expected \.png, \.jpg, \.pdf or \.svg"):
        save_figure(figure, tmp_path / "picture.txt")


def test_a_failure_while_drawing_leaves_nothing(tmp_path, monkeypatch):
    def half_a_file(_, path, **__):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", half_a_file)
    with pytest.raises(OutputError, match=r"cannot write .*picture\.png: No space left"):
        save_figure(Figure(), tmp_path / "picture.png")
    assert not list(tmp_path.iterdir())
