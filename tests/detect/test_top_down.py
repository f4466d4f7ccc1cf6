"""The top-down way with a network that sees a drawn person: where joints come out, and what is refused."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from poseterior.detect.base import Heatmaps
from poseterior.detect.top_down import TopDownDetector
from poseterior.errors import InputError, NoPersonError
from poseterior.skeleton import COCO_17
from poseterior.types import DetectorProfile, PersonBox

PROFILE = DetectorProfile("drawn", 48, 48, 2.0, COCO_17)


@dataclass
class DotModel:
    """Joint k is the disc of blue 50 + 10 k and green 255 - blue; scores and amplitudes as told."""

    scores: list[float] = field(default_factory=lambda: [1.0, 1.0])
    amplitude: float = 1.0
    calls: int = 0
    profile: DetectorProfile = PROFILE
    crop_size_px: int = 192
    margin_around_body: float = 1.25
    margin_around_joints: float = 1.5

    @property
    def crop_from_cell(self):
        return np.array([[4.0, 0.0, 1.5], [0.0, 4.0, 1.5]])

    def heatmaps(self, crops):
        y, x = np.mgrid[:48, :48]
        maps = np.zeros((1, 17, 48, 48), np.float32)
        start = np.full((1, 17, 2), 24.0)
        for joint in range(17):
            # blended pixels at a disc's rim do not add up to 255
            blue, green = crops[0, :, :, 2].astype(int), crops[0, :, :, 1].astype(int)
            rows, columns = np.nonzero((blue == 50 + 10 * joint) & (blue + green == 255))
            if len(rows):
                start[0, joint] = (columns.mean() - 1.5) / 4, (rows.mean() - 1.5) / 4
                squared = (x - start[0, joint, 0]) ** 2 + (y - start[0, joint, 1]) ** 2
                maps[0, joint] = self.amplitude * np.exp(-squared / 8)
        score = self.scores[min(self.calls, len(self.scores) - 1)]
        self.calls += 1
        return Heatmaps(maps, start, np.array([score]))


class Finder:
    def __init__(self, *boxes):
        self.boxes = list(boxes)

    def find(self, image):
        return self.boxes


JOINTS_PX = np.random.default_rng(1).permutation(
    np.stack(np.meshgrid(np.linspace(230, 330, 6), np.linspace(150, 350, 3)), axis=-1).reshape(-1, 2)
)[:17]


def drawn_person():
    image = np.zeros((480, 640, 3), np.uint8)
    y, x = np.mgrid[:480, :640]
    for joint, (joint_x, joint_y) in enumerate(JOINTS_PX):
        inside = (x - joint_x) ** 2 + (y - joint_y) ** 2 < 64
        image[inside, 1:] = 205 - 10 * joint, 50 + 10 * joint
    return image


BOX = PersonBox(170.0, 140.0, 220.0, 220.0, "detector", 0.9)


def make(model, *boxes, **options):
    return TopDownDetector(model, lambda: Finder(*boxes), **options)


@pytest.mark.parametrize("refine", [False, True])
def test_joints_come_out_in_image_pixels(refine):
    model = DotModel()
    detection = make(model, BOX, refine=refine).detect(drawn_person())
    np.testing.assert_allclose(detection.native_gaussians.mean_px, JOINTS_PX, atol=0.6)
    assert model.calls == (2 if refine else 1)
    scale = detection.box.width_px / 192 * 4
    np.testing.assert_allclose(
        detection.native_gaussians.covariance_px2,
        np.tile(4 * scale**2 * np.eye(2), (17, 1, 1)),
        rtol=1e-3,
        atol=0.5,
    )
    assert detection.gaussians.joint_names[0] == "right_ankle"
    assert (detection.image_width_px, detection.image_height_px) == (640, 480)
    assert set(detection.timings_ms) == {"load", "person_box", "crop", "heatmaps", "gaussian_fit", "derive"}
    assert all(time >= 0 for time in detection.timings_ms.values())


def test_user_box_is_used_and_the_finder_is_not_even_made():
    def no_finder():
        raise AssertionError("the finder was made")

    detection = TopDownDetector(DotModel(), no_finder, refine=False).detect(
        drawn_person(), PersonBox(170.0, 140.0, 220.0, 200.0)
    )
    assert detection.box.source == "user" and detection.box.width_px == pytest.approx(275)
    assert detection.box.centre_px == pytest.approx((280, 240))
    assert detection.num_candidates == 1
    with pytest.raises(InputError, match="lies outside of the picture"):
        make(DotModel()).detect(drawn_person(), PersonBox(700.0, 0.0, 10.0, 10.0))


def test_next_box_is_tried_and_people_are_counted():
    empty = PersonBox(400.0, 0.0, 100.0, 100.0, "detector", 0.99)
    detection = make(DotModel(), empty, BOX).detect(drawn_person())
    np.testing.assert_allclose(detection.native_gaussians.mean_px, JOINTS_PX, atol=0.6)
    assert detection.num_candidates == 2


def test_whole_frame_is_the_last_resort_and_stricter():
    assert make(DotModel([0.81, 0.81])).detect(drawn_person()).num_candidates == 1
    assert make(DotModel([0.79, 0.79]), BOX).detect(drawn_person()).score == 0.79
    with pytest.raises(
        NoPersonError, match=r"found in shot\.jpg: at best .* score of 0\.79 .* at least 0\.8 "
    ):
        make(DotModel([0.79, 0.79])).detect(drawn_person(), name="shot.jpg")


@pytest.mark.parametrize("scores", [[0.4, 1.0], [1.0, 0.4]])
def test_both_looks_must_show_a_person(scores):
    with pytest.raises(NoPersonError, match="no person found in the given box of the picture"):
        make(DotModel(scores)).detect(drawn_person(), BOX)


def test_low_heatmaps_are_no_person():
    with pytest.raises(NoPersonError, match="with 0 clearly seen joints"):
        make(DotModel(amplitude=0.4)).detect(drawn_person(), BOX)
