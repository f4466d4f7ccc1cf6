import shutil

import pytest

from poseterior.errors import PoseteriorError
from poseterior.heatmaps import _native as fit
from poseterior.metrics import _native as alignment
from poseterior.native.loader import load_library

LIBRARIES = pytest.mark.parametrize(
    ("library", "header"),
    [(fit.LIBRARY, "start.h"), (alignment.LIBRARY, "rotation.h")],
    ids=["fit", "alignment"],
)


@pytest.fixture
def copied(tmp_path):
    """library -> a copy of it with its sources."""

    def copy(library):
        folder = tmp_path / "_native"
        shutil.copytree(library.parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
        return folder / library.name

    return copy


@LIBRARIES
def test_a_library_is_refused_beside_other_sources_than_its_own(copied, library, header):
    """As after an update of an editable checkout that nobody installed again."""
    copy = copied(library)
    load_library(copy, "part")
    with (copy.parent / header).open("a") as file:
        file.write("/* a newer version */\n")
    with pytest.raises(
        PoseteriorError, match=r"compiled part .* is not of the C sources beside it: reinstall"
    ):
        load_library(copy, "part")
    copy.with_name(header).unlink()
    with pytest.raises(PoseteriorError, match="is not of the C sources"):
        load_library(copy, "part")


@LIBRARIES
def test_an_installed_package_without_sources_runs(copied, library, header):
    copy = copied(library)
    for source in (*copy.parent.glob("*.c"), *copy.parent.glob("*.h")):
        source.unlink()
    load_library(copy, "part")


@LIBRARIES
def test_a_missing_damaged_or_foreign_library_is_one_clear_sentence(copied, library, header):
    copy = copied(library)
    foreign = copy.with_name(f"other{copy.suffix}")
    shutil.copy(copy, foreign)
    with pytest.raises(PoseteriorError, match=r"other\S* cannot be loaded .*other_sources.*: reinstall"):
        load_library(foreign, "part")
    copy.write_bytes(copy.read_bytes()[:100])
    with pytest.raises(PoseteriorError, match=r"compiled part \S+ cannot be loaded .*: reinstall poseterior"):
        load_library(copy, "part")
    copy.unlink()
    with pytest.raises(PoseteriorError, match=r"compiled part \S+ cannot be loaded .*: reinstall poseterior"):
        load_library(copy, "part")


@pytest.mark.parametrize("module", [fit, alignment])
def test_each_part_loads_its_own_library_by_it(monkeypatch, tmp_path, module):
    monkeypatch.setattr(module, "LIBRARY", tmp_path / module.LIBRARY.name)
    with pytest.raises(PoseteriorError, match=module.LIBRARY.name):
        module.library.__wrapped__()
