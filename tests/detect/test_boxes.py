"""Person boxes: what the finder makes of the network's output, and what a user may give."""

import math

import numpy as np
import pytest

from poseterior.detect.boxes import PersonFinder, checked_box, whole_frame
from poseterior.errors import InputError
from poseterior.types import PersonBox


def blank(width=640, height=480):
    return np.zeros((height, width, 3), np.uint8)


class OneAnchorModel:
    """Answers every crop with one find at a fixed anchor: hips and rim in pixels of the 224 x 224 input."""

    def __init__(self, score, hips, rim, anchor=2253, only_call=None):
        self.score, self.hips, self.rim, self.anchor, self.only_call = score, hips, rim, anchor, only_call
        self.inputs = []

    def __call__(self, values):
        self.inputs.append(values)
        scores = np.full((1, 2254, 1), -50.0, np.float32)
        boxes = np.zeros((1, 2254, 12), np.float32)
        if self.only_call is None or self.only_call == len(self.inputs) - 1:
            scores[0, self.anchor, 0] = math.log(self.score / (1 - self.score))
            # the last six anchors are those of the last cell of the stride 32 layers: centre 208, 208
            boxes[0, self.anchor, 4:8] = [*(np.array(self.hips) - 208), *(np.array(self.rim) - 208)]
        return {"Identity": boxes, "Identity_1": scores}


def test_box_is_decoded_from_anchor_and_letterbox():
    model = OneAnchorModel(0.9, hips=(112.0, 112.0), rim=(112.0, 77.0))
    (box,) = PersonFinder(model).find(blank(640, 480))
    # 640 px on 224: 35 px of the input are a radius of 100 px, around the middle of the picture
    np.testing.assert_allclose(
        [box.x_px, box.y_px, box.width_px, box.height_px], [219.5, 139.5, 200.0, 200.0], atol=1e-4
    )
    assert box.source == "detector" and box.score == pytest.approx(0.9, abs=1e-6)
    assert len(model.inputs) == 1


def test_input_is_scaled_to_minus_one_to_one():
    image = blank(448, 448)
    image[:, 224:] = 255
    model = OneAnchorModel(0.9, (112.0, 112.0), (112.0, 50.0))
    PersonFinder(model).find(image)
    values = model.inputs[0]
    assert values.shape == (1, 224, 224, 3) and values.dtype == np.float32
    assert (values[0, :, :110] == -1).all() and (values[0, 2:222, 114:222] == 1).all()


def test_unsure_picture_is_searched_in_tiles_too():
    image = blank(640, 480)
    coarse = OneAnchorModel(0.6, (112.0, 112.0), (112.0, 77.0))
    PersonFinder(coarse).find(image)
    assert len(coarse.inputs) > 1
    nobody = OneAnchorModel(0.3, (112.0, 112.0), (112.0, 77.0))
    assert PersonFinder(nobody).find(image) == []


def test_tiles_find_at_their_place():
    # the second look is the first tile: the left square of 480 px of a picture 1440 px wide
    model = OneAnchorModel(0.95, (112.0, 112.0), (112.0, 77.0), only_call=1)
    (box,) = PersonFinder(model).find(blank(1440, 480))
    np.testing.assert_allclose(box.centre_px, (239.5, 239.5), atol=1e-4)
    assert box.width_px == pytest.approx(2 * 35 * 480 / 224, abs=1e-4)


def test_person_who_does_not_fit_into_the_tile_is_not_taken_from_it():
    model = OneAnchorModel(0.95, (180.0, 112.0), (180.0, 20.0), only_call=1)
    assert PersonFinder(model).find(blank(1440, 480)) == []


@pytest.mark.parametrize("size", [(20_000, 40), (40, 20_000), (16, 16), (300, 300)])
def test_odd_shapes_take_few_looks(size):
    model = OneAnchorModel(0.3, (112.0, 112.0), (112.0, 77.0))
    assert PersonFinder(model).find(blank(*size)) == []
    assert 1 <= len(model.inputs) < 100


def test_two_people_most_prominent_first(asset, demo_frame):
    from poseterior.detect.litert import TfliteModel

    finder = PersonFinder(TfliteModel(asset("pose_detection.tflite")))
    boxes = finder.find(demo_frame(70))
    assert len(boxes) == 2
    hips = [(630, 250), (1308, 730)]
    for box, hip in zip(boxes, hips, strict=True):
        assert math.dist(box.centre_px, hip) < 50
        assert 350 < box.width_px < 520 and box.score is not None and box.score > 0.9


def test_whole_frame_spans_all_pixels():
    assert whole_frame(blank(30, 20)) == PersonBox(-0.5, -0.5, 30.0, 20.0, "whole_frame")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((float("nan"), 0.0, 10.0, 10.0), "must be four finite numbers"),
        ((0.0, float("inf"), 10.0, 10.0), "must be four finite numbers"),
        ((0.0, 0.0, 0.0, 10.0), "must have a width and a height"),
        ((0.0, 0.0, 10.0, -3.0), "must have a width and a height"),
        ((640.0, 0.0, 10.0, 10.0), "lies outside of the picture, which is 640 x 480 px"),
        ((0.0, -10.0, 10.0, 10.0), "lies outside of the picture"),
        ((0.0, 0.0, 1e9, 10.0), "more than ten times"),
    ],
)
def test_bad_box_is_named(values, text):
    with pytest.raises(InputError, match=text) as raised:
        checked_box(PersonBox(*values), blank())
    assert "\n" not in str(raised.value)


def test_box_that_reaches_outside_is_fine():
    box = PersonBox(-50.0, 400.0, 300.0, 300.0)
    assert checked_box(box, blank()) is box
