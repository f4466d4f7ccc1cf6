import json
import os
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from _synthetic import synthetic_hypotheses

from poseterior.errors import InputError, OutputError
from poseterior.hypotheses import Hypotheses
from poseterior.skeleton import H36M_17
from poseterior.types import FitStatus

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def hypotheses():
    original = synthetic_hypotheses(num=12, seed=4, image_name="Männchen 写真.png")
    gaussians = original.detection.gaussians
    status = gaussians.status.copy()
    status[:6] = list(FitStatus)
    return replace(
        original,
        detection=replace(original.detection, gaussians=replace(gaussians, status=status), num_candidates=3),
        settings={**original.settings, "box": [1.5, 2.0, 3.0, 4.0], "versions": {"numpy": "2.0"}},
    )


def assert_same(given: Any, expected: Any, tolerance: float) -> None:
    """Field by field, down to the arrays."""
    assert type(given) is type(expected)
    if is_dataclass(given):
        for field in fields(given):
            assert_same(getattr(given, field.name), getattr(expected, field.name), tolerance)
    elif isinstance(given, np.ndarray):
        if tolerance == 0:
            assert given.dtype == expected.dtype
        np.testing.assert_allclose(given, expected, rtol=0, atol=tolerance)
    else:
        assert given == expected


def test_npz_round_trip_is_exact(hypotheses, tmp_path):
    hypotheses.save(tmp_path / "pose.npz")
    assert_same(Hypotheses.load(tmp_path / "pose.npz"), hypotheses, tolerance=0)


def test_json_round_trip_is_exact_to_a_millionth(hypotheses, tmp_path):
    hypotheses.save(tmp_path / "pose.json")
    assert_same(Hypotheses.load(tmp_path / "pose.json"), hypotheses, tolerance=1e-6)


@pytest.mark.parametrize("suffix", [".npz", ".json", ".NPZ"])
def test_one_hypothesis_can_be_stored(hypotheses, tmp_path, suffix):
    hypotheses[0].save(str(tmp_path / f"pose{suffix}"))
    assert_same(Hypotheses.load(str(tmp_path / f"pose{suffix}")), hypotheses[0], tolerance=1e-6)


def test_npz_is_readable_with_numpy_alone_and_holds_no_pickle(hypotheses, tmp_path):
    hypotheses.save(tmp_path / "pose.npz")
    with np.load(tmp_path / "pose.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["poses_m"], hypotheses.poses_m)
        np.testing.assert_array_equal(
            archive["detection.gaussians.mean_cell"], hypotheses.detection.gaussians.mean_cell
        )
        assert all(archive[name].dtype != object for name in archive.files)
        assert json.loads(str(archive["metadata"]))["format"] == "poseterior/hypotheses"


def test_json_says_what_it_holds(hypotheses, tmp_path):
    hypotheses.save(tmp_path / "pose.json")
    text = (tmp_path / "pose.json").read_text(encoding="utf-8")
    record = json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
    assert (record["format"], record["version"]) == ("poseterior/hypotheses", 1)
    assert record["joint_names"] == list(H36M_17)
    assert record["num_hypotheses"] == 12
    assert "y down" in record["description"]["poses_m"]
    assert "nats" in record["description"]["log_prob"]
    assert record["detection"]["gaussians"]["status"][:6] == [status.name for status in FitStatus]
    assert record["settings"]["seed"] == 4
    np.testing.assert_allclose(record["summary"]["spread_mm"], hypotheses.spread_mm(), atol=1e-6)
    np.testing.assert_allclose(record["summary"]["mean_m"], hypotheses.mean(), atol=1e-6)


def test_json_of_one_hypothesis_has_null_spread(hypotheses, tmp_path):
    hypotheses[0].save(tmp_path / "pose.json")
    assert json.loads((tmp_path / "pose.json").read_text())["summary"]["spread_mm"] is None


def test_the_same_hypotheses_give_the_same_bytes(hypotheses, tmp_path):
    for suffix in (".npz", ".json"):
        for name in ("first", "second"):
            hypotheses.save(tmp_path / f"{name}{suffix}")
        first, second = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("first", "second"))
        assert first == second


@pytest.mark.parametrize("name", ["pose.pkl", "pose", "pose.npy"])
def test_other_suffixes_are_refused(hypotheses, tmp_path, name):
    with pytest.raises(OutputError, match=r"expected \.npz or \.json"):
        hypotheses.save(tmp_path / name)
    with pytest.raises(InputError, match=r"expected \.npz or \.json"):
        Hypotheses.load(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_missing_file_and_a_folder_are_named(tmp_path, suffix):
    with pytest.raises(InputError, match=f"missing{suffix}: No such file"):
        Hypotheses.load(tmp_path / f"missing{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(InputError, match=f"folder{suffix}: Is a directory"):
        Hypotheses.load(tmp_path / f"folder{suffix}")


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 40, b"PK\x03\x04 no archive", b"[1, 2]", b"{}"])
def test_foreign_files_are_named(tmp_path, suffix, content):
    path = tmp_path / f"foreign{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"cannot read .*foreign{suffix}"):
        Hypotheses.load(path)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_file_cut_anywhere_is_named(hypotheses, tmp_path, suffix):
    hypotheses.save(tmp_path / f"whole{suffix}")
    whole = (tmp_path / f"whole{suffix}").read_bytes()
    path = tmp_path / f"cut{suffix}"
    for share in np.linspace(0.02, 0.98, 25):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError, match=f"cannot read .*cut{suffix}"):
            Hypotheses.load(path)


def test_a_flipped_bit_in_the_numbers_is_noticed(hypotheses, tmp_path):
    """The archive's checksums guard every member."""
    path = tmp_path / "pose.npz"
    hypotheses.save(path)
    whole = bytearray(path.read_bytes())
    place = whole.find(hypotheses.poses_m.tobytes()[:32])
    assert place > 0
    whole[place + 100] ^= 1
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"pose\.npz"):
        Hypotheses.load(path)


def test_a_pickle_in_an_npz_is_not_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.savez(tmp_path / "trap.npz", metadata=np.array([Trap()], dtype=object))
    with pytest.raises(InputError, match=r"trap\.npz"):
        Hypotheses.load(tmp_path / "trap.npz")
    assert not (tmp_path / "sprung").exists()


def without(*path):
    def change(record):
        for name in path[:-1]:
            record = record[name]
        del record[path[-1]]

    return change


def setting(value, *path):
    def change(record):
        for name in path[:-1]:
            record = record[name]
        record[path[-1]] = value

    return change


DAMAGE = {
    "other format": (setting("other", "format"), '"format" is "poseterior/hypotheses"'),
    "newer version": (setting(2, "version"), "version is 2; expected 1"),
    "other joints": (setting(["pelvis"], "joint_names"), "joint_names"),
    "no poses": (without("poses_m"), "'poses_m' is missing"),
    "no box": (without("detection", "box"), "'box' is missing"),
    "no box height": (without("detection", "box", "height_px"), "'height_px' is missing"),
    "ragged poses": (setting([[1.0], [1.0, 2.0]], "poses_m"), "wrong kind of value"),
    "words for box": (setting("wide", "detection", "box", "x_px"), "wrong kind of value"),
    "unknown status": (setting(["FINE"] * 16, "detection", "gaussians", "status"), "'FINE'"),
    "too large a number": (setting(10**400, "mode_log_prob"), "wrong kind of value"),
}


@pytest.mark.parametrize(("change", "sentence"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_record_is_named_with_its_field(hypotheses, tmp_path, change, sentence):
    path = tmp_path / "pose.json"
    hypotheses.save(path)
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match=sentence) as caught:
        Hypotheses.load(path)
    assert "pose.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_shapes_in_a_file_are_named_where_no_type_checker_runs(hypotheses, tmp_path):
    """In a process of its own: the suite's checker of annotations would speak before the container does."""
    path = tmp_path / "pose.json"
    hypotheses.save(path)
    record = json.loads(path.read_text())
    for name, value in {"words": {"poses_m": "many"}, "few": {"log_prob": [0.0]}}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({**record, **value}))
    code = (
        "import sys\n"
        "from poseterior.errors import InputError\n"
        "from poseterior.hypotheses import Hypotheses\n"
        "for path in sys.argv[1:]:\n"
        "    try: Hypotheses.load(path)\n"
        "    except InputError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, tmp_path / "words.json", tmp_path / "few.json"]
    words, few = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "words.json: poses_m has the shape none; expected any x 17 x 3" in words
    assert "few.json: log_prob has the shape 1; expected 12" in few


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "1e999"])
def test_json_numbers_must_be_finite(hypotheses, tmp_path, literal):
    path = tmp_path / "pose.json"
    hypotheses.save(path)
    path.write_text(path.read_text().replace('"mode_log_prob": 40.0', f'"mode_log_prob": {literal}'))
    with pytest.raises(InputError, match=r"pose\.json"):
        Hypotheses.load(path)
