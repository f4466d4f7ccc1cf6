"""`poseterior synth --preset tiny`, then `poseterior train --preset tiny` on it: all real."""

import json

import pytest
from _process import poseterior

from poseterior.train.tracker import read_metrics

FALLS_BY = 3.0
"""Validation error of the best of 200, before and after; about 5 was measured."""

LIMIT_S = 300
"""After which the training is killed: the preset promises less than five minutes; half a minute was measured."""


@pytest.fixture(scope="module")
def needed(asset):
    pytest.importorskip("anny", reason='bodies need anny: pip install "poseterior[synth]"')
    asset("pose_landmark_full.tflite")


def test_the_tiny_preset_visibly_learns_on_the_tiny_set(needed, tmp_path):
    made = poseterior("synth", "--preset", "tiny", "--out", tmp_path / "set")
    assert made.returncode == 0, made.stderr
    trained = poseterior(
        *("train", "--preset", "tiny", "--data.folder", tmp_path / "set", "--out", tmp_path / "run"),
        *("--device.num-threads", "1"),
        timeout=LIMIT_S,
    )
    assert trained.returncode == 0, trained.stderr
    first, *_, last = read_metrics(tmp_path / "run" / "metrics.jsonl", "validation")
    assert last["mpjpe_oracle_best_mm"] < first["mpjpe_oracle_best_mm"] / FALLS_BY
    assert last["pmpjpe_oracle_best_mm"] < first["pmpjpe_oracle_best_mm"] / FALLS_BY
    assert last["nll_nats"] < first["nll_nats"] - 45
    card = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert (card["detector_profile"], card["stand_in"]) == ("blazepose-full", True)
