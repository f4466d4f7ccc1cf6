import shutil
from pathlib import Path

import pytest

import poseterior.metrics._native as native
from poseterior.errors import PoseteriorError


def test_a_missing_library_is_one_clear_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "poseterior_align.so")
    with pytest.raises(PoseteriorError, match=r"cannot be loaded.*reinstall poseterior"):
        native.library.__wrapped__()


def test_a_library_of_other_sources_is_refused(monkeypatch, tmp_path):
    copy = tmp_path / "_native"
    shutil.copytree(Path(native.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(native, "__file__", str(copy / "__init__.py"))
    monkeypatch.setattr(native, "LIBRARY", copy / native.LIBRARY.name)
    native.library.__wrapped__()
    with (copy / "rotation.h").open("a") as header:
        header.write("/* a newer version */\n")
    with pytest.raises(PoseteriorError, match=r"is not of the C sources beside it: reinstall poseterior"):
        native.library.__wrapped__()
