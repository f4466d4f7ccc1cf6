import json
from dataclasses import replace

import pytest
from _toy_evaluation import write_synth_folder

from poseterior.compare.plan import tiny_plan
from poseterior.compare.run import compare
from poseterior.models.network_bundle import load_network
from poseterior.train.config import DeviceConfig
from poseterior.train.methods.fit import Fit

SEEN = ("martinez2017", "li2019-mdn", "posterior")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_synth_folder(
        tmp_path_factory.mktemp("compare") / "data", counts={"train": 12, "validation": 4, "test": 6}
    )


@pytest.fixture
def plan():
    return replace(tiny_plan(), pictures=16, batch_size=4, samples=6, seeds=(0,), max_pictures=4)


def run(plan, data, out, names=SEEN, **more):
    said = []
    finished = compare(
        plan, names, data, str(data), out, device=DeviceConfig("cpu"), say_line=said.append, **more
    )
    return finished, said


def test_from_the_plan_to_the_table(plan, data, tmp_path, monkeypatch):
    finished, said = run(plan, data, tmp_path)
    assert finished
    assert [line for line in said if line.startswith("training")] == [
        "training Martinez et al. 2017, seed 0",
        "training Li & Lee 2019 (MDN), seed 0",
        "training posterior flow (likelihood), seed 0",
    ]
    reports = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "reports").iterdir()}
    assert set(reports) == {f"{name}-seed0" for name in (*SEEN, "li2019-mdn-means")}
    assert {report["settings"]["samples"] for report in reports.values()} == {6}
    assert {report["subsets"]["all"]["num_pictures"] for report in reports.values()} == {4}
    sampled, means = (reports[f"li2019-mdn{suffix}-seed0"]["model"] for suffix in ("", "-means"))
    assert sampled["weights_sha256"] == means["weights_sha256"]
    assert sampled["gives_log_prob"] and not means["gives_log_prob"]
    # 16 pictures by 4
    _, card = load_network(tmp_path / "trainings" / "martinez2017-seed0" / "model")
    assert card.metrics["training"]["steps"] == 4 and card.detector_profile == "toy-detector"
    table = (tmp_path / "table.md").read_text()
    assert table.count("| Li & Lee 2019 (MDN), means |") == 2
    assert table.index("Martinez") < table.index("Li & Lee 2019") < table.index("posterior flow")

    # nothing is done again
    monkeypatch.setattr(Fit, "__post_init__", lambda self: pytest.fail("trained again"))
    assert run(plan, data, tmp_path) == (True, [])


def test_a_stopped_comparison_goes_on(plan, data, tmp_path):
    asked = 0

    def stop():
        nonlocal asked
        asked += 1
        return asked > 6

    # four steps of the first method and its report, and two of the second
    finished, _ = run(plan, data, tmp_path / "parts", SEEN[:2], stop=stop)
    assert not finished and not (tmp_path / "parts" / "table.md").exists()
    assert [path.name for path in (tmp_path / "parts" / "reports").iterdir()] == ["martinez2017-seed0.json"]
    for out in ("parts", "whole"):
        assert run(plan, data, tmp_path / out, SEEN[1:2])[0]
    weights = "trainings/li2019-mdn-seed0/model/weights.safetensors"
    assert (tmp_path / "parts" / weights).read_bytes() == (tmp_path / "whole" / weights).read_bytes()
