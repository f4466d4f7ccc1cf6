"""The adapter alone: a trial and a detector that say what the test wants."""

import numpy as np
import pytest
from _toy_evaluation import PROFILE, GaussianLifter

from poseterior.data.balancing.trial import BalancingTrial
from poseterior.data.schema import EvaluationSample
from poseterior.errors import InputError, NoPersonError
from poseterior.evaluate.balancing import detect_balancing
from poseterior.evaluate.joints import LIMB_JOINTS
from poseterior.evaluate.measure import Settings
from poseterior.evaluate.report import evaluate
from poseterior.skeleton import H36M_17, MPII_16
from poseterior.types import Detection, JointGaussians, PersonBox

FOCAL_PX = 500.0
SCALE, OFFSET = 8.0, np.array([20.0, 10.0])
"""Picture pixels per cell, and where cell (0, 0) lies."""


class _Camera:
    width_px = height_px = 640

    def project(self, points_m):
        return 320 + FOCAL_PX * points_m[..., :2] / points_m[..., 2:]


def _sample(frame):
    rng = np.random.default_rng(frame)
    joints_m = rng.normal(size=(17, 3)) * [0.2, 0.5, 0.1] + [0.0, 0.0, 4.0]
    known = np.array([name != "spine" for name in H36M_17])
    joints_px = np.where(known[:, None], _Camera().project(joints_m), 0.0)
    return EvaluationSample(
        "pose2sim-balancing",
        "S00_P00",
        "balancing",
        "cam_01" if frame < 6 else "cam_02",
        frame,
        _Camera(),
        np.where(known[:, None], joints_m, 0.0),
        joints_px,
        known,
    )


class _Trial(BalancingTrial):
    def pictures(self, step=1):
        for frame in range(0, 12, step):
            picture = np.zeros((640, 640, 3), np.uint8)
            picture[0, 0, 0] = frame
            yield _sample(frame), picture


class _Detector:
    profile = PROFILE

    def detect(self, image, box=None, *, name="the picture"):
        frame = int(image[0, 0, 0])
        if frame == 2:
            raise NoPersonError(name)
        middle = 2000.0 if frame == 5 else 320.0
        rng = np.random.default_rng(frame)
        gaussians = JointGaussians(
            MPII_16,
            np.ones(16),
            rng.uniform(10, 50, (16, 2)),
            np.tile(2.0 * np.eye(2), (16, 1, 1)),
            np.zeros(16),
            np.zeros(16, np.uint8),
            np.array([[SCALE, 0.0, OFFSET[0]], [0.0, SCALE, OFFSET[1]]]),
        )
        box = PersonBox(middle - 10, 310.0, 20.0, 20.0)
        return Detection(PROFILE, box, gaussians, gaussians, 640, 640, 0.9)


def _detected(step=1):
    return detect_balancing(step=step, trial=_Trial((), np.ones(17, bool), 60.0), detector=_Detector())


def test_frames_without_the_man_are_left_out_and_counted():
    data = _detected()
    assert data.frame.tolist() == [0, 1, 3, 4, 6, 7, 8, 9, 10, 11]
    assert any("In 1 frames the detector found nobody, in 1 somebody else" in note for note in data.notes)
    assert len(set(data.sequence)) == 2
    assert data.image_path[0] == "balancing_cam01.mp4#0"
    assert _detected(step=4).frame.tolist() == [0, 4, 8]
    with pytest.raises(InputError, match="found the man in no frame"):
        detect_balancing(trial=_Trial((), np.ones(17, bool), 60.0), detector=_Nobody())


class _Nobody(_Detector):
    def detect(self, image, box=None, *, name="the picture"):
        raise NoPersonError(name)


def test_truth_and_detections_are_those_of_the_frames():
    data = _detected()
    limbs = [H36M_17.index(name) for name in LIMB_JOINTS]
    assert (data.has_joint == np.isin(np.arange(17), limbs)).all()
    sample = _sample(7)
    row = data.frame.tolist().index(7)
    np.testing.assert_array_equal(data.joints_m[row, limbs], sample.joints_m[limbs])
    assert (np.delete(data.joints_m, limbs, axis=1) == 0).all()
    np.testing.assert_allclose(
        data.extra["joints_cell"][row, limbs], (sample.joints_px[limbs] - OFFSET) / SCALE
    )
    hips = [H36M_17.index(name) for name in ("left_hip", "right_hip")]
    depth_m = sample.joints_m[hips, 2].mean()
    assert data.metres_per_cell[row] == pytest.approx(SCALE * depth_m / FOCAL_PX)


def test_it_can_be_evaluated():
    report = evaluate(GaussianLifter(), _detected(), Settings(samples=8)).report
    assert report["subsets"]["all"]["density"] is None
    assert report["over_time"]["num_videos"] == 2
    assert report["protocol"]["known_joints"] == [name for name in H36M_17 if name in LIMB_JOINTS]
