"""Real footage with 3D: the balancing trial of Pose2Sim's demonstration data, and the readers of its files."""

from __future__ import annotations

from poseterior.data.balancing.calibration import read_calibration
from poseterior.data.balancing.camera import CalibratedCamera
from poseterior.data.balancing.openpose import read_openpose
from poseterior.data.balancing.trc import Markers, read_trc
from poseterior.data.balancing.trial import BalancingTrial, BalancingView, load_balancing

__all__ = [
    "BalancingTrial",
    "BalancingView",
    "CalibratedCamera",
    "Markers",
    "load_balancing",
    "read_calibration",
    "read_openpose",
    "read_trc",
]
