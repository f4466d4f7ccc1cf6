from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poseterior.data.motion import Motion, read_motion, without_flips
from poseterior.errors import InputError


def _fields() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "joints_m": rng.normal(size=(6, 17, 3)).astype(np.float32),
        "subject": np.array([1, 1, 1, 2, 2, 2], dtype=np.int8),
        "clip": np.array([0, 0, 0, 1, 1, 1], dtype=np.int16),
        "fps": np.array(30.0, dtype=np.float32),
    }


def test_reads_what_was_written_and_takes_the_subject_for_the_clip_where_there_is_none(tmp_path: Path):
    fields = _fields()
    np.savez(tmp_path / "walk.npz", **fields)
    motion = read_motion(tmp_path / "walk.npz")
    assert motion.name == "walk"
    assert motion.frames_per_second == 30.0
    np.testing.assert_array_equal(motion.joints_m, fields["joints_m"])
    np.testing.assert_array_equal(motion.clip, fields["clip"])
    np.testing.assert_array_equal(motion.of_subjects((2,)).joints_m, fields["joints_m"][3:])

    del fields["clip"]
    np.savez(tmp_path / "no_clips.npz", **fields)
    np.testing.assert_array_equal(read_motion(tmp_path / "no_clips.npz").clip, fields["subject"])


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("joints_m", np.zeros((6, 16, 3), np.float32), "17"),
        ("joints_m", np.full((6, 17, 3), np.nan, np.float32), "finite"),
        ("subject", np.zeros(5, np.int8), "subject"),
        ("clip", np.zeros(6), "clip"),
        ("fps", np.array(0.0), "fps"),
    ],
)
def test_a_bad_field_is_named(tmp_path: Path, field: str, value: np.ndarray, told: str):
    np.savez(tmp_path / "bad.npz", **{**_fields(), field: value})
    with pytest.raises(InputError, match=rf"bad\.npz.*{told}"):
        read_motion(tmp_path / "bad.npz")


def test_missing_files_fields_pickles_and_garbage_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"none\.npz"):
        read_motion(tmp_path / "none.npz")
    (tmp_path / "garbage.npz").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(InputError, match=r"garbage\.npz"):
        read_motion(tmp_path / "garbage.npz")
    fields = _fields()
    del fields["subject"]
    np.savez(tmp_path / "lacking.npz", **fields)
    with pytest.raises(InputError, match="subject"):
        read_motion(tmp_path / "lacking.npz")
    np.savez(tmp_path / "pickled.npz", **{**_fields(), "subject": np.array([{}] * 6, dtype=object)})
    with pytest.raises(InputError, match=r"pickled\.npz"):
        read_motion(tmp_path / "pickled.npz")


def test_both_frames_of_a_flip_are_dropped_but_not_the_seam_between_clips():
    still = np.zeros((8, 17, 3), dtype=np.float32)
    still[4:] += 5.0
    clip = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    motion = Motion("m", still, clip, clip, 30.0)
    assert len(without_flips(motion).joints_m) == 8

    flipped = still.copy()
    flipped[6, 13, 0] += 0.5  # 15 m/s there and back
    kept = without_flips(replace(motion, joints_m=flipped)).joints_m
    np.testing.assert_array_equal(kept, flipped[:5])
    slower = still.copy()
    slower[6, 13, 0] += 0.4  # 12 m/s
    assert len(without_flips(replace(motion, joints_m=slower)).joints_m) == 8
