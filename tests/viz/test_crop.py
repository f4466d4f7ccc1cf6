from dataclasses import replace

import numpy as np
import pytest
from _synthetic import synthetic_hypotheses
from hypothesis import given, settings
from hypothesis import strategies as st

from poseterior.types import FitStatus
from poseterior.viz.crop import fit_inside, inside_image, person_window, resized

ASPECT = 500 / 722


def detection(width=1600, height=1200, pelvis_px=(800.0, 600.0), pixels_per_metre=100.0):
    return synthetic_hypotheses(
        num=2,
        image_width_px=width,
        image_height_px=height,
        pelvis_px=pelvis_px,
        pixels_per_metre=pixels_per_metre,
    ).detection


def test_a_small_person_is_centred_with_a_margin_in_the_panels_shape():
    seen = detection()
    left, top, right, bottom = person_window(seen, ASPECT)
    low, high = seen.gaussians.mean_px.min(axis=0), seen.gaussians.mean_px.max(axis=0)
    assert (bottom - top) == pytest.approx(1.5 * (high[1] - low[1]), abs=2)
    assert (right - left) / (bottom - top) == pytest.approx(ASPECT, rel=0.02)
    assert [(left + right) / 2, (top + bottom) / 2] == pytest.approx(list((low + high) / 2), abs=1.5)


def test_a_person_in_the_corner_moves_the_window_inwards():
    left, top, right, bottom = person_window(detection(pelvis_px=(40.0, 80.0)), ASPECT)
    assert (left, top) == (0, 0)
    assert (right - left) / (bottom - top) == pytest.approx(ASPECT, rel=0.02)


def test_a_person_who_fills_the_frame_shows_all_of_it():
    seen = detection(width=500, height=700, pelvis_px=(250.0, 330.0), pixels_per_metre=380.0)
    assert person_window(seen, ASPECT) == (0, 0, 500, 700)


def test_unseen_joints_do_not_widen_the_window():
    seen = detection()
    gaussians = seen.gaussians
    mean_cell, status = gaussians.mean_cell.copy(), gaussians.status.copy()
    mean_cell[0], status[0] = (500.0, 500.0), FitStatus.NO_SIGNAL
    stray = replace(seen, gaussians=replace(gaussians, mean_cell=mean_cell, status=status))
    left, top, right, bottom = person_window(stray, ASPECT)
    assert (right - left) * (bottom - top) <= 1.02 * np.prod(
        np.diff(np.reshape(person_window(seen, ASPECT), (2, 2)), axis=0)
    )


def test_without_joints_the_box_is_shown():
    seen = detection()
    unseen = replace(seen.gaussians, status=np.full(16, FitStatus.INVALID, np.uint8))
    left, top, right, bottom = person_window(replace(seen, gaussians=unseen), ASPECT)
    box = seen.box
    assert left < box.x_px and right > box.x_px + box.width_px
    assert top < box.y_px and bottom > box.y_px + box.height_px


@settings(max_examples=60)
@given(
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000)),
    st.floats(0.01, 5000.0),
)
def test_the_window_has_image_in_it_and_leaves_it_only_towards_joints(
    width, height, pelvis_px, pixels_per_metre
):
    seen = detection(width, height, pelvis_px, pixels_per_metre)
    window = person_window(seen, ASPECT)
    left, top, right, bottom = inside_image(window, width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    low, high = seen.gaussians.mean_px.min(axis=0), seen.gaussians.mean_px.max(axis=0)
    assert window[0] >= 0 or low[0] < 0
    assert window[1] >= 0 or low[1] < 0
    assert window[2] <= width or high[0] > width - 1
    assert window[3] <= height or high[1] > height - 1
    # what is beyond the image takes nothing from what is in it
    panel = fit_inside(500.0, 722.0, (window[2] - window[0]) / (window[3] - window[1]))
    alone = fit_inside(500.0, 722.0, (right - left) / (bottom - top))
    assert panel[0] / (window[2] - window[0]) == pytest.approx(alone[0] / (right - left))


def test_a_person_cut_off_by_a_square_photos_edge_is_shown_beyond_it():
    seen = detection(500, 500, (250.0, 400.0), 300.0)
    left, top, right, bottom = person_window(seen, ASPECT)
    lowest_px = seen.gaussians.mean_px[:, 1].max()
    assert (top, right) == (0, 500) and left < 20
    assert lowest_px > 600
    assert lowest_px + 10 < bottom <= 722


def test_fit_inside():
    assert fit_inside(500.0, 722.0, 2.0) == (500, 250)
    assert fit_inside(500.0, 722.0, 0.5) == (361, 722)


def test_resizing_keeps_the_mean_colour():
    image = np.random.default_rng(0).integers(0, 255, (400, 300, 3), dtype=np.uint8)
    small = resized(image, (100, 200, 300, 400), 50, 50)
    assert small.shape == (50, 50, 3)
    np.testing.assert_allclose(small.mean(axis=(0, 1)), image[200:400, 100:300].mean(axis=(0, 1)), atol=1.0)
