from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poseterior.data.bvh import read_bvh
from poseterior.data.bvh_joint_maps import CMU_DAZ, CMU_MOTION_BUILDER, BvhPoint, joints_of
from poseterior.errors import InputError
from poseterior.skeleton import H36M_17

SHARED = Path(__file__).resolve().parents[3] / "shared" / "motion"
"""Two real clips and the positions made of them by other code; not part of the repository."""

_ARM = """HIERARCHY
ROOT base
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT upper
  {
    OFFSET 0 10 0
    CHANNELS 3 Yrotation Zrotation Xrotation
    JOINT lower
    {
      OFFSET 0 20 5
      CHANNELS 1 Xrotation
      End Site
      {
        OFFSET 3 0 0
      }
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.02
0 0 0 0 0 0 0 0 0 0
7 8 9 30 40 50 -20 60 10 75
"""


def _map(**places):
    return dict.fromkeys(H36M_17, "base") | places


def _file(tmp_path: Path, text: str = _ARM) -> Path:
    (tmp_path / "arm.bvh").write_text(text)
    return tmp_path / "arm.bvh"


def test_forward_kinematics_agrees_with_scipy_in_any_rotation_order(tmp_path: Path):
    point = BvhPoint("lower", (1.0, -2.0, 4.0))
    joint_map = _map(
        left_elbow="upper", left_wrist="lower", right_wrist="lower_end", head=point, neck=("base", "upper")
    )
    motion = read_bvh(_file(tmp_path), joint_map, metres_per_unit=0.1, subject=4, clip=7)
    assert motion.frames_per_second == pytest.approx(50.0)
    assert (motion.subject.tolist(), motion.clip.tolist(), motion.name) == ([4, 4], [7, 7], "arm")

    base = Rotation.from_euler("ZXY", [30, 40, 50], degrees=True)
    upper = base * Rotation.from_euler("YZX", [-20, 60, 10], degrees=True)
    lower = upper * Rotation.from_euler("X", 75, degrees=True)
    at_base = np.array([7.0, 8.0, 9.0])
    at_upper = at_base + base.apply([0, 10, 0])
    at_lower = at_upper + upper.apply([0, 20, 5])
    expected = {
        "pelvis": at_base,
        "left_elbow": at_upper,
        "left_wrist": at_lower,
        "right_wrist": at_lower + lower.apply([3, 0, 0]),
        "head": at_lower + lower.apply(point.offset),
        "neck": (at_base + at_upper) / 2,
    }
    for name, place in expected.items():
        np.testing.assert_allclose(
            motion.joints_m[1, H36M_17.index(name)], 0.1 * place, atol=1e-5, err_msg=name
        )
    np.testing.assert_allclose(motion.joints_m[0, H36M_17.index("right_wrist")], [0.3, 3.0, 0.5], atol=1e-6)


@pytest.mark.parametrize(
    ("leg", "unit_m"), [(0.8, 1.0), (85.0, 0.01), (790.0, 0.001), (33.0, 0.0254), (14.3, 0.0254 / 0.45)]
)
def test_the_unit_is_found_by_the_length_of_the_legs(tmp_path: Path, leg: float, unit_m: float):
    text = _ARM.replace("OFFSET 0 10 0", f"OFFSET 0 -{leg / 2} 0").replace(
        "OFFSET 0 20 5", f"OFFSET 0 -{leg / 2} 0"
    )
    motion = read_bvh(_file(tmp_path, text), _map(left_hip="base", left_knee="upper", left_ankle="lower"))
    ankle = motion.joints_m[0, H36M_17.index("left_ankle")]
    assert np.linalg.norm(ankle) == pytest.approx(leg * unit_m, rel=1e-5)


def _skeleton_of(names: list[str], offsets: dict[str, tuple[float, float, float]]) -> str:
    joints = "".join(
        f"JOINT {name}\n{{\nOFFSET {' '.join(map(str, offsets.get(name, (0, 0, 0))))}\n"
        "CHANNELS 3 Zrotation Yrotation Xrotation\n}\n"
        for name in names
    )
    zeros = " ".join(["0"] * 3 * len(names))
    root = "ROOT top\n{\nOFFSET 0 0 0\n"
    return f"HIERARCHY\n{root}{joints}}}\nMOTION\nFrames: 1\nFrame Time: 0.01\n{zeros}\n"


def test_both_cmu_skeletons_are_known_by_their_joints_and_others_are_told_what_they_lack(tmp_path: Path):
    for known, unit_m in ((CMU_DAZ, 0.01), (CMU_MOTION_BUILDER, 0.0564444)):
        knee = known.joint_map["left_knee"]
        text = _skeleton_of(sorted(joints_of(known.joint_map)), {knee: (3.0, -4.0, 0.0)})
        motion = read_bvh(_file(tmp_path, text))
        place = motion.joints_m[0, H36M_17.index("left_knee")]
        np.testing.assert_allclose(place, np.array([3.0, -4.0, 0.0]) * unit_m, rtol=1e-5)
    lacking = sorted(joints_of(CMU_DAZ.joint_map) - {"lShin", "head"})
    with pytest.raises(InputError, match=r"arm\.bvh.*CMU for Daz.*lacks head, lShin;"):
        read_bvh(_file(tmp_path, _skeleton_of(lacking, {})))
    with pytest.raises(InputError, match="lacks the joints hand, which the joint map names"):
        read_bvh(_file(tmp_path), _map(left_wrist="hand"))
    with pytest.raises(InputError, match="lacks head"):
        read_bvh(_file(tmp_path), {name: "base" for name in H36M_17 if name != "head"})


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("HIERARCHY", "HIERARCHIE", "line 1: expected HIERARCHY"),
        ("OFFSET 0 10 0", "OFFSET 0 ten 0", "line 8: expected OFFSET and three numbers"),
        ("OFFSET 0 10 0", "OFFSET 0 10", "line 8: expected OFFSET"),
        ("CHANNELS 1 Xrotation", "CHANNELS 2 Xrotation", "line 13: expected CHANNELS"),
        ("CHANNELS 1 Xrotation", "CHANNELS 1 Wrotation", "line 13: expected CHANNELS"),
        ("JOINT lower", "JOINT upper", "line 10: expected a joint of another name than upper"),
        ("JOINT upper\n  {", "JOINT upper\n  (", "line 7: expected {"),
        ("}\nMOTION", "MOTION", "line 20: expected the end of the skeleton"),
        ("ROOT base", "JOINT base", "line 2: expected ROOT"),
        ("Frames: 2", "Frames: two", "line 22: expected Frames"),
        ("Frames: 2", "Frames: 3", "holds 2 frames; expected 3"),
        ("Frame Time: 0.02", "Frame Time: 0", "line 23: expected Frame Time"),
        ("0 0 0 0 0 0 0 0 0 0\n", "0 0 0 0 0 0 0 0 0\n", "line 24: expected 10 numbers"),
        ("60 10 75", "60 nan 75", "line 25: expected 10 numbers"),
        ("MOTION\nFrames: 2", "MOTION", "line 22: expected Frames"),
    ],
)
def test_a_malformed_file_is_refused_naming_the_line(tmp_path: Path, old: str, new: str, told: str):
    assert old in _ARM
    with pytest.raises(InputError) as error:
        read_bvh(_file(tmp_path, _ARM.replace(old, new, 1)), _map())
    assert told in str(error.value)
    assert "arm.bvh" in str(error.value)


def test_short_cut_off_and_unreadable_files_are_refused(tmp_path: Path):
    assert len(read_bvh(_file(tmp_path), _map(), metres_per_unit=1.0, skip_frames=1).joints_m) == 1
    with pytest.raises(InputError, match="has 2 frames; expected more than the 2 to skip"):
        read_bvh(_file(tmp_path), _map(), skip_frames=2)
    with pytest.raises(InputError, match="ends after line 12"):
        read_bvh(_file(tmp_path, "\n".join(_ARM.splitlines()[:12])), _map())
    with pytest.raises(InputError, match=r"none\.bvh"):
        read_bvh(tmp_path / "none.bvh")
    (tmp_path / "binary.bvh").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"binary\.bvh"):
        read_bvh(tmp_path / "binary.bvh")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared motion folder is not here")
@pytest.mark.parametrize("clip", ["02_03", "09_03"])
def test_real_clips_agree_with_the_positions_that_other_code_made_of_them(clip: str):
    with np.load(SHARED / "cmu_30hz.npz", allow_pickle=False) as file:
        expected = file["joints_m"][file["clip"] == list(file["clip_names"]).index(clip)]
    motion = read_bvh(SHARED / "bvh" / f"{clip}.bvh", skip_frames=10)
    assert motion.frames_per_second == pytest.approx(120.0, abs=0.01)
    np.testing.assert_allclose(motion.joints_m[::4], expected, atol=1e-5)
