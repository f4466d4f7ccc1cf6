import os
import stat

import pytest
from _synthetic import synthetic_hypotheses

from poseterior.errors import OutputError
from poseterior.export.atomic import atomic_path, writable_folder


def test_the_file_appears_only_at_the_end(tmp_path):
    target = tmp_path / "result.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == tmp_path
        assert not target.exists()
    assert target.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_a_failure_midway_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "result.txt"
    target.write_text("old")
    with pytest.raises(type(error)), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_said_in_one_sentence(tmp_path):
    with (
        pytest.raises(OutputError, match=r"cannot write .*result\.txt: No space left"),
        atomic_path(tmp_path / "result.txt") as temporary,
    ):
        temporary.write_text("half")
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_saving_leaves_nothing_when_the_disk_fails_midway(tmp_path, monkeypatch, suffix):
    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OutputError, match="Input/output error"):
        synthetic_hypotheses(num=3).save(tmp_path / f"pose{suffix}")
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tmp_path):
    with (
        pytest.raises(OutputError, match=r"the folder .*nowhere does not exist"),
        atomic_path(tmp_path / "nowhere" / "x.txt"),
    ):
        pytest.fail("the block must not run")


def test_a_file_in_the_folders_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match="file: it is not a folder"),
        atomic_path(tmp_path / "file" / "x.txt"),
    ):
        pytest.fail("the block must not run")


def test_a_folder_in_the_files_place_is_named(tmp_path):
    (tmp_path / "x.txt").mkdir()
    with pytest.raises(OutputError, match=r"x\.txt: it is a folder"), atomic_path(tmp_path / "x.txt"):
        pytest.fail("the block must not run")


@pytest.mark.skipif(os.name != "posix", reason="umask is POSIX's")
def test_the_file_has_the_rights_of_any_new_file(tmp_path):
    with atomic_path(tmp_path / "atomic.txt") as temporary:
        temporary.write_text("")
    (tmp_path / "plain.txt").write_text("")
    rights = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("atomic.txt", "plain.txt")]
    assert rights[0] == rights[1]


def test_a_name_as_long_as_the_file_system_takes_can_be_written(tmp_path):
    target = tmp_path / ("n" * 251 + ".txt")
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
    assert target.exists()


def test_writable_folder_makes_parents_and_keeps_what_is_there(tmp_path):
    folder = writable_folder(tmp_path / "a" / "b")
    (folder / "kept.txt").write_text("")
    assert writable_folder(folder) == folder
    assert (folder / "kept.txt").exists()


def test_writable_folder_names_a_file_on_the_way(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="file"):
            writable_folder(place)


def test_a_read_only_folder_is_named(tmp_path, monkeypatch):
    """The answer is asked of the system, since tests may run as root, who may write anywhere."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="the folder is not writable"):
        writable_folder(tmp_path)
    with pytest.raises(OutputError, match="the folder is not writable"), atomic_path(tmp_path / "x.txt"):
        pytest.fail("the block must not run")


def test_a_name_or_folder_that_is_too_long_is_named(tmp_path):
    with (
        pytest.raises(OutputError, match=r"cannot write .*: File name too long"),
        atomic_path(tmp_path / ("n" * 300)),
    ):
        pytest.fail("the block must not run")
    with pytest.raises(OutputError, match=r"cannot make the folder .*: File name too long"):
        writable_folder(tmp_path / ("n" * 300))
