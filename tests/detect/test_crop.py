"""Crops: the affine map is exact, and the pixels are where it says."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from poseterior.detect.crop import crop_square, square_around
from poseterior.types import PersonBox


def ramp(height=300, width=400):
    """uint8 RGB whose red and green are linear in x and y: what is read off tells where it came from."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x / 2, y / 2, 0 * x], axis=-1).astype(np.uint8)


def square(x, y, side):
    return PersonBox(float(x), float(y), float(side), float(side))


def test_whole_pixels_at_scale_one_are_copied_exactly():
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    crop = crop_square(image, square(99.5, 19.5, 256), 256)
    np.testing.assert_array_equal(crop.pixels, image[20:276, 100:356])
    np.testing.assert_allclose(crop.image_from_crop, [[1, 0, 100], [0, 1, 20]], atol=1e-12)


@given(
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
    side=st.floats(8, 2000),
    size=st.sampled_from([64, 224, 256]),
)
def test_affine_maps_the_corners_of_the_crop_to_those_of_the_square(x, y, side, size):
    image = np.zeros((32, 48, 3), np.uint8)
    affine = crop_square(image, square(x, y, side), size).image_from_crop
    corners = np.array([[-0.5, -0.5, 1], [size - 0.5, -0.5, 1], [-0.5, size - 0.5, 1]])
    np.testing.assert_allclose(corners @ affine.T, [[x, y], [x + side, y], [x, y + side]], atol=1e-9)


@pytest.mark.parametrize("side", [60.0, 127.3, 251.3, 290.0])
def test_pixels_are_where_the_affine_map_says(side):
    crop = crop_square(ramp(), square(53.7, 4.2, side), 256)
    size = np.arange(256)
    expected_x = crop.image_from_crop[0, 0] * size + crop.image_from_crop[0, 2]
    expected_y = crop.image_from_crop[1, 1] * size + crop.image_from_crop[1, 2]
    inside = slice(4, -4)
    # the ramp's own rounding down to whole grey levels hides a quarter of a level on average
    red = crop.pixels[128, inside, 0] - (expected_x[inside] / 2 - 0.25)
    green = crop.pixels[inside, 128, 1] - (expected_y[inside] / 2 - 0.25)
    assert abs(red.mean()) < 0.05 and abs(green.mean()) < 0.05
    assert np.abs(red).max() < 1.1 and np.abs(green).max() < 1.1


@pytest.mark.parametrize("scale", [5.0, 9.3])
def test_large_shrinks_average_and_stay_in_place(scale):
    y, x = np.mgrid[:3000, :3000]
    image = np.where(((x + y) % 2)[..., None] == 1, 255, 0).astype(np.uint8).repeat(3, axis=2)
    image[:, 1200:] = 0
    crop = crop_square(image, square(100.0, 200.0, 256 * scale), 256)
    edge = (1200 - 0.5 - crop.image_from_crop[0, 2]) / crop.image_from_crop[0, 0]
    row = crop.pixels[128, :, 0].astype(float)
    averaged = row[: int(edge) - 3]
    assert np.abs(averaged - 127.5).max() < 3
    # the covered length left of the edge is the sum of the pixels
    np.testing.assert_allclose(row.sum() / averaged.mean() - 0.5, edge, atol=0.1)


def test_outside_of_the_picture_is_zero():
    image = np.full((100, 100, 3), 200, np.uint8)
    crop = crop_square(image, square(-50.5, -50.5, 200), 100)
    np.testing.assert_array_equal(crop.pixels[26:74, 26:74], 200)
    assert not crop.pixels[:24].any() and not crop.pixels[:, 76:].any()
    assert not crop_square(image, square(500, 0, 50), 64).pixels.any()
    assert not crop_square(image, square(-51.2, 0, 50), 64).pixels.any()


@given(
    x=st.floats(-200, 200), y=st.floats(-200, 200), side=st.floats(1, 400), size=st.sampled_from([16, 224])
)
@example(x=1.25, y=0.0, side=163.5, size=16)
def test_a_grey_picture_gives_grey_wherever_the_crop_is_inside(x, y, side, size):
    image = np.full((90, 120, 3), 100, np.uint8)
    crop = crop_square(image, square(x, y, side), size)
    scale, offset = crop.image_from_crop[0, 0], crop.image_from_crop[:, 2]
    reach = max(scale, 1.0) + scale / 2  # of the kernel, and of the box reduction before it
    columns, rows = (scale * np.arange(size) + offset[axis] for axis in (0, 1))
    well_inside = np.ix_((rows > reach) & (rows < 89 - reach), (columns > reach) & (columns < 119 - reach))
    assert (crop.pixels[well_inside] == 100).all()
    far_outside = (columns < -2 * reach - 1) | (columns > 120 + 2 * reach)
    assert not crop.pixels[:, far_outside].any()


def test_square_around_keeps_the_centre():
    got = square_around(PersonBox(10.0, 20.0, 40.0, 100.0, "detector", 0.9), 1.25)
    assert got == PersonBox(-32.5, 7.5, 125.0, 125.0, "detector", 0.9)
