import json
from dataclasses import replace

import numpy as np
import pytest
from _toy_evaluation import write_synth_folder

from poseterior.compare.plan import tiny_plan
from poseterior.compare.run import compare
from poseterior.errors import InputError
from poseterior.models.network_bundle import load_network
from poseterior.train.config import DeviceConfig
from poseterior.train.methods.fit import Fit

SEEN = ("martinez2017", "li2019-mdn", "cvae", "wehrbein2021")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_synth_folder(
        tmp_path_factory.mktemp("compare") / "data", counts={"train": 12, "validation": 4, "test": 6}
    )


@pytest.fixture
def plan():
    return replace(
        tiny_plan(),
        pictures=16,
        batch_size=4,
        samples=6,
        seeds=(0,),
        max_pictures=4,
        curve_samples=10,
        curve_pictures=2,
    )


def run(plan, data, out, names=SEEN, **more):
    said = []
    finished = compare(
        plan,
        names,
        data,
        (str(data),),
        out,
        device=DeviceConfig("cpu"),
        command="compare",
        say_line=said.append,
        **more,
    )
    return finished, said


def folder_of(out):
    """Of the only set that was measured on."""
    (folder,) = (path for path in out.iterdir() if (path / "comparison.json").exists())
    return folder


def test_from_the_plan_to_the_tables(plan, data, tmp_path, monkeypatch):
    finished, said = run(plan, data, tmp_path)
    assert finished
    trained = [line for line in said if line.startswith("training")]
    assert trained == [
        "training Martinez et al. 2017, seed 0",
        "training Li & Lee 2019 (MDN), seed 0",
        "training Sharma et al. 2019 (CVAE), seed 0",
        "training Wehrbein et al. 2021, seed 0",
    ]
    # 16 pictures by 4
    _, card = load_network(tmp_path / "trainings" / "martinez2017-seed0" / "model")
    assert card.metrics["training"]["steps"] == 4 and card.detector_profile == "toy-detector"

    folder = folder_of(tmp_path)
    results = json.loads((folder / "comparison.json").read_text())
    rows = {row["name"]: row for row in results["rows"]}
    answers = {"li2019-mdn-means", "cvae-ordinal", "wehrbein2021-noise"}
    assert set(rows) == {*SEEN, *answers}
    assert {name: row["samples"] for name, row in rows.items()} == {
        name: {"martinez2017": 1, "li2019-mdn-means": 5}.get(name, 6) for name in rows
    }
    assert [row["name"] for row in results["rows"] if "curve" in row] == list(SEEN[1:])
    # the ordinal oracle changes the single answer and nothing else
    plain, ordinal = (rows[name]["subsets"]["all"] for name in ("cvae", "cvae-ordinal"))
    assert plain["mpjpe_mm.oracle_best"] == ordinal["mpjpe_mm.oracle_best"]
    assert plain["mpjpe_mm.z0"] != ordinal["mpjpe_mm.z0"]
    # noise is put around the single answer
    flow, noise = (rows[name]["subsets"]["all"] for name in ("wehrbein2021", "wehrbein2021-noise"))
    assert flow["mpjpe_mm.z0"] == noise["mpjpe_mm.z0"]
    assert flow["std_mm.depth"] != noise["std_mm.depth"]
    page = (folder / "comparison.md").read_text()
    assert page.index("| Martinez et al. 2017 |") < page.index("| Sharma") < page.index("| Wehrbein")
    assert (folder / "curves.png").stat().st_size > 10_000

    # nothing is done again
    monkeypatch.setattr(Fit, "__post_init__", lambda self: pytest.fail("trained again"))
    assert run(plan, data, tmp_path) == (True, [])


def test_a_stopped_comparison_goes_on(plan, data, tmp_path):
    asked = 0

    def stop():
        nonlocal asked
        asked += 1
        return asked > 6

    # four steps of the first method and its report, and one step of the second
    finished, _ = run(plan, data, tmp_path / "parts", SEEN[:2], stop=stop)
    assert not finished
    assert not list((tmp_path / "parts").glob("*/comparison.json"))
    reports = [path.name for path in (tmp_path / "parts" / "reports").glob("*/*")]
    assert sorted(reports) == ["martinez2017-seed0.json"]
    for out in ("parts", "whole"):
        assert run(plan, data, tmp_path / out, SEEN[1:2])[0]
    weights = "trainings/li2019-mdn-seed0/model/weights.safetensors"
    assert (tmp_path / "parts" / weights).read_bytes() == (tmp_path / "whole" / weights).read_bytes()


def test_another_comparison_needs_another_folder(plan, data, tmp_path):
    assert run(plan, data, tmp_path, SEEN[:1])[0]
    with pytest.raises(
        InputError, match="was begun with pictures = 16, not 20; expected the same, or another"
    ):
        run(replace(plan, pictures=20), data, tmp_path, SEEN[:1])
    # more seeds go on
    finished, said = run(replace(plan, seeds=(0, 1)), data, tmp_path, SEEN[:1])
    assert finished and said[0] == "training Martinez et al. 2017, seed 1"
    results = json.loads((folder_of(tmp_path) / "comparison.json").read_text())
    values = results["rows"][0]["subsets"]["all"]["mpjpe_mm.z0"]["seeds"]
    assert results["rows"][0]["seeds"] == [0, 1] and values[0] != values[1]
    assert np.isfinite(values).all()
