from pathlib import Path

import numpy as np
import pytest

from poseterior.data.motion_splits import default_sources
from poseterior.errors import InputError

SUBJECTS = {"cmu_30hz": (1, 2, 3, 10, 12, 13), "uiprmd_20hz": (1, 6, 7, 8, 9)}


def _folder(tmp_path: Path, subjects: dict[str, tuple[int, ...]]) -> Path:
    for name, numbers in subjects.items():
        subject = np.repeat(np.array(numbers, dtype=np.int8), 2)
        joints_m = np.arange(len(subject) * 51, dtype=np.float32).reshape(-1, 17, 3)
        np.savez(tmp_path / f"{name}.npz", joints_m=joints_m, subject=subject, fps=np.array(30.0))
    return tmp_path


def test_every_subject_is_in_exactly_one_split(tmp_path: Path):
    folder = _folder(tmp_path, SUBJECTS)
    seen = {name: [] for name in SUBJECTS}
    for split in ("train", "validation", "test"):
        sources = default_sources(split, folder)
        assert [(motion.name, share) for motion, share in sources] == [
            ("cmu_30hz", 0.8),
            ("uiprmd_20hz", 0.2),
        ]
        for motion, _ in sources:
            seen[motion.name].append(sorted({int(subject) for subject in motion.subject}))
            assert motion.frame_in_capture.max() < 2 * len(SUBJECTS[motion.name])
    assert seen == {"cmu_30hz": [[1, 3, 13], [10], [2, 12]], "uiprmd_20hz": [[1, 6], [7], [8, 9]]}


def test_frames_are_numbered_as_in_the_file(tmp_path: Path):
    (cmu, _), _ = default_sources("test", _folder(tmp_path, SUBJECTS))
    assert cmu.frame_in_capture.tolist() == [2, 3, 8, 9]
    np.testing.assert_array_equal(cmu.at(np.array([False, True, False, True])).frame_in_capture, [3, 9])
    assert cmu.joints_m[2, 0, 0] == 8 * 51


def test_missing_and_foreign_captures_are_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"lacks cmu_30hz\.npz"):
        default_sources("train", tmp_path)
    folder = _folder(tmp_path, {**SUBJECTS, "uiprmd_20hz": (7, 8)})
    assert len(default_sources("validation", folder)) == 2
    with pytest.raises(
        InputError, match=r"uiprmd_20hz\.npz has the subjects \[7, 8\]; expected \[8, 9\] for the test"
    ):
        default_sources("test", folder)
    with pytest.raises(InputError, match="others than those held out for the train split"):
        default_sources("train", folder)
    with pytest.raises(ValueError, match="split must be one of"):
        default_sources("all", folder)


def test_without_a_folder_everyone_walks():
    pytest.importorskip("anny", reason="the walk cycle is inside the package anny")
    for split in ("train", "validation", "test"):
        ((motion, share),) = default_sources(split, None)
        assert (motion.name, share, len(motion.joints_m)) == ("walk_cycle", 1.0, 40)
