import pytest
from _toy_evaluation import toy_set, write_synth_folder

from poseterior.errors import InputError
from poseterior.evaluate import datasets
from poseterior.evaluate.datasets import KINDS, Kind, open_data


@pytest.fixture
def folder(tmp_path):
    return write_synth_folder(tmp_path / "set")


def test_a_synth_folder_with_and_without_a_split(folder, tmp_path):
    assert open_data(str(folder)).name == "open-test"
    assert open_data(f"{folder}:validation").name == "open-validation"
    odd = write_synth_folder(tmp_path / "h36m:odd")
    assert len(open_data(str(odd))) == 12
    assert len(open_data(f"{odd}:validation")) == 4


def test_kinds_are_given_folder_and_part(tmp_path, monkeypatch):
    asked = []

    def load(folder, part):
        asked.append((folder, part))
        return toy_set(2)

    monkeypatch.setitem(KINDS, "h36m", Kind(load, "train or test"))
    monkeypatch.setitem(datasets.NAMED, "pose2sim-balancing", lambda part: load(None, part))
    (tmp_path / "a:b").mkdir()
    for spec in (f"h36m:{tmp_path}", f"h36m:{tmp_path}:train", f"h36m:{tmp_path}/a:b"):
        open_data(spec)
    open_data("pose2sim-balancing")
    open_data("pose2sim-balancing:5")
    assert asked == [
        (tmp_path, None),
        (tmp_path, "train"),
        (tmp_path / "a:b", None),
        (None, None),
        (None, "5"),
    ]


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_says_what_an_empty_folder_lacks(kind, tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        open_data(f"{kind}:{tmp_path}")


def test_what_is_no_set_is_refused(folder):
    with pytest.raises(InputError, match="data nowhere: there is no such folder; expected FOLDER"):
        open_data("nowhere")
    with pytest.raises(InputError, match="data nowhere:test: there is no such folder"):
        open_data("nowhere:test")
    with pytest.raises(InputError, match="data h36m:nowhere: there is no folder 'nowhere'"):
        open_data("h36m:nowhere")
    with pytest.raises(InputError, match="there is no split 'dev'"):
        open_data(f"{folder}:dev")
    with pytest.raises(InputError, match="there is no split ''"):
        open_data(f"{folder}:")
    with pytest.raises(InputError, match="expected a number of frames as step"):
        open_data("pose2sim-balancing:x")
