"""What each part of a training is worth, on the open data, at one small budget.

    python experiments/ablations.py --data runs/open-data --steps 1500 --out runs/ablations
    python experiments/ablations.py --data runs/open-data --table worth-of-heatmaps --steps 10000 --out runs/worth

The first is the counterpart of the paper's Table 4; the second trains the posterior family with the heatmaps'
Gaussians and with the 2D joints alone. Rows differ from a table's first by one option. Each is trained by `poseterior
train` (a row that was stopped goes on from its checkpoint, a finished one is kept) and measured by `poseterior
evaluate` on the test split. With `--only NAME` a single row, so that several processes can share the work. The reports
go to OUT/NAME.json, and once all are there, their summary to docs/results/TABLE.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import tyro

from poseterior.export.atomic import atomic_path

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"


class Table(NamedTuple):
    """Trainings that differ from the first one by one option each."""

    preset: str
    options: tuple[str, ...]
    rows: dict[str, tuple[str, ...]]


TABLES = {
    "ablations": Table(
        "wehrbein2021",
        ("--objective.gradient", "subset"),
        {
            "full": (),
            "without_condition": ("--data.no-condition-shown",),
            "without_hm": ("--objective.weight-hm", "0"),
            "without_gen": ("--objective.weight-gen", "0"),
            "without_mb": ("--objective.weight-mb", "0"),
            "without_det": ("--objective.weight-det", "0"),
            "without_mmd": ("--objective.weight-mmd", "0"),
            "without_2d": ("--objective.weight-2d", "0"),
            "k_1": ("--objective.num-best", "1"),
            "k_10": ("--objective.num-best", "10"),
            "k_50": ("--objective.num-best", "50"),
            "hm_geometry": ("--data.heatmap-metres", "geometry"),
        },
    ),
    "worth-of-heatmaps": Table(
        "posterior", (), {"gaussians_and_joints": (), "joints_alone": ("--flow.inputs", "y")}
    ),
}


@dataclass(frozen=True)
class Arguments:
    """What is trained, and for how long."""

    data: Path
    """Folder of the open set."""
    table: Literal["ablations", "worth-of-heatmaps"] = "ablations"
    steps: int = 1500
    """Generator iterations (of "ablations"), or steps, of each row."""
    samples: int = 200
    seed: int = 0
    out: Path = Path("runs/ablations")
    only: str | None = None
    """A single row."""


def _run(*arguments: object) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-m", "poseterior", *map(str, arguments)],
        env=environment,
        check=True,
    )


def train_row(arguments: Arguments, name: str) -> Path:
    """The row's model folder, trained if it is not there yet."""
    folder = arguments.out / name
    model = folder / "model"
    if not (model / "model.json").is_file():
        resume = ["--resume"] if (folder / "checkpoint.safetensors").is_file() else []
        preset = TABLES[arguments.table].preset
        _run("train", "--preset", preset, *resume, *_options(arguments, name), "--out", folder)
    return model


def _options(arguments: Arguments, name: str) -> Sequence[object]:
    return (
        *("--data.folder", arguments.data, "--seed", arguments.seed),
        *("--schedule.steps", arguments.steps, "--device.num-threads", 1),
        *("--validation.every", 500, "--watch.checkpoint-every", 250),
        *("--card.name", name.replace("_", "-")),
        *TABLES[arguments.table].options,
        *TABLES[arguments.table].rows[name],
    )


def evaluate_row(arguments: Arguments, name: str, model: Path) -> None:
    """Writes the row's report, unless it is there."""
    report = arguments.out / f"{name}.json"
    if not report.is_file():
        data = f"{arguments.data}:test"
        _run(
            *("evaluate", "--model", model, "--data", data, "--samples", arguments.samples),
            *("--seed", arguments.seed, "--json", report),
        )


def summary(arguments: Arguments) -> dict[str, Any]:
    """All rows' reports in one."""
    rows = TABLES[arguments.table].rows
    reports = {name: _summed_up(arguments.out / f"{name}.json") for name in rows}
    return {
        "name": arguments.table,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python experiments/ablations.py --data DATA "
        f"--table {arguments.table} --steps {arguments.steps}",
        "steps": arguments.steps,
        "seed": arguments.seed,
        "samples": arguments.samples,
        "rows": {name: {"options": list(rows[name]), "report": report} for name, report in reports.items()},
    }


def _summed_up(path: Path) -> dict[str, Any]:
    """A report without what no table needs: actions, joints and curves."""
    report = json.loads(path.read_text())
    kept = {key: report[key] for key in ("settings", "model", "dataset", "subsets", "run")}
    for summary in filter(None, kept["subsets"].values()):
        for key in ("joints", "spread_mm", "visibility", "oracle_best_of_first"):
            summary.pop(key, None)
    return kept


def main() -> int:
    """Train, evaluate, and sum up once all rows are there."""
    arguments = tyro.cli(Arguments, description=__doc__)
    rows = TABLES[arguments.table].rows
    if arguments.only not in (None, *rows):
        print(f"ablations: {arguments.only} is no row; expected one of {', '.join(rows)}", file=sys.stderr)
        return 2
    names = list(rows) if arguments.only is None else [arguments.only]
    for name in names:
        evaluate_row(arguments, name, train_row(arguments, name))
    if all((arguments.out / f"{name}.json").is_file() for name in rows):
        with atomic_path(RESULTS / f"{arguments.table}.json") as temporary:
            temporary.write_text(json.dumps(summary(arguments), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
