import json
from pathlib import Path

import pytest

from poseterior.errors import OutputError
from poseterior.train.tracker import JsonlTracker, TensorBoardTracker, read_metrics


def test_lines_of_steps_that_are_trained_again_are_dropped(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    tracker = JsonlTracker(path, resumed_step=0)
    for step in (10, 20, 30):
        tracker.log(step, "train", {"loss": step / 10})
    tracker.log(20, "validation", {"best": 5.0})
    tracker.close()
    with path.open("a") as file:
        file.write('{"step": 15, "series": "tra')

    again = JsonlTracker(path, resumed_step=20)
    again.log(30, "train", {"loss": 7.0})
    again.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["step"], line["series"]) for line in lines] == [
        (10, "train"),
        (20, "train"),
        (20, "validation"),
        (30, "train"),
    ]
    assert read_metrics(path, "train")[-1] == {"step": 30, "loss": 7.0}
    assert read_metrics(path, "validation") == [{"step": 20, "best": 5.0}]


def test_a_new_run_begins_a_new_file(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 0, "series": "train"}\n')
    JsonlTracker(path, resumed_step=0).close()
    assert path.read_text() == ""


def test_what_cannot_be_written_is_told(tmp_path: Path):
    with pytest.raises(OutputError, match="none"):
        JsonlTracker(tmp_path / "none" / "metrics.jsonl", 0)
    tracker = JsonlTracker(tmp_path / "metrics.jsonl", 0)
    with pytest.raises(ValueError, match="JSON"):
        tracker.log(1, "train", {"loss": float("nan")})


def test_tensorboard_gets_the_scalars(tmp_path: Path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    tracker = TensorBoardTracker(tmp_path, 0)
    tracker.log(3, "validation", {"best": 5.0})
    tracker.log(6, "validation", {"best": 4.0})
    tracker.close()
    events = accumulator.EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("validation/best")] == [(3, 5.0), (6, 4.0)]
