"""What the heatmaps' Gaussians are worth: the posterior family with them, and with the 2D joints alone.

    python experiments/worth_of_heatmaps.py --data runs/open-data --steps 5000 --out runs/worth

Both rows are trained by `poseterior train` (a row that was stopped goes on from its checkpoint, a finished one is kept)
and measured by `poseterior evaluate` on the test split. With `--only NAME` a single row, so that several processes can
share the work. The reports go to OUT/NAME.json, and once both are there, their summary to
docs/results/worth-of-heatmaps.json.
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
from typing import Any, Literal

import tyro

from poseterior.export.atomic import atomic_path

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
ROWS: dict[str, tuple[str, ...]] = {
    "gaussians_and_joints": (),
    "joints_alone": ("--flow.inputs", "y"),
}
"""Options of `poseterior train --preset posterior`."""


@dataclass(frozen=True)
class Arguments:
    """What is trained, and for how long."""

    data: Path
    """Folder of the open set."""
    steps: int = 5000
    """Of each row."""
    samples: int = 200
    seed: int = 0
    out: Path = Path("runs/worth")
    only: Literal["gaussians_and_joints", "joints_alone"] | None = None
    """A single row."""


def _run(*arguments: object) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "poseterior", *map(str, arguments)], env=environment, check=True)


def train_row(arguments: Arguments, name: str) -> Path:
    """The row's model folder, trained if it is not there yet."""
    folder = arguments.out / name
    model = folder / "model"
    if not (model / "model.json").is_file():
        resume = ["--resume"] if (folder / "checkpoint.safetensors").is_file() else []
        _run("train", "--preset", "posterior", *resume, *_options(arguments, name), "--out", folder)
    return model


def _options(arguments: Arguments, name: str) -> Sequence[object]:
    return (
        *("--data.folder", arguments.data, "--seed", arguments.seed),
        *("--schedule.steps", arguments.steps, "--device.num-threads", 1),
        *("--validation.every", 500, "--watch.checkpoint-every", 250),
        *("--card.name", name.replace("_", "-")),
        *ROWS[name],
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
    """Both reports in one."""
    reports = {name: _summed_up(arguments.out / f"{name}.json") for name in ROWS}
    return {
        "name": "worth-of-heatmaps",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"python experiments/worth_of_heatmaps.py --data DATA --steps {arguments.steps}",
        "steps": arguments.steps,
        "seed": arguments.seed,
        "samples": arguments.samples,
        "rows": {name: {"options": list(ROWS[name]), "report": report} for name, report in reports.items()},
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
    """Train, evaluate, and sum up once both rows are there."""
    arguments = tyro.cli(Arguments, description=__doc__)
    for name in ROWS if arguments.only is None else [arguments.only]:
        evaluate_row(arguments, name, train_row(arguments, name))
    if all((arguments.out / f"{name}.json").is_file() for name in ROWS):
        with atomic_path(RESULTS / "worth-of-heatmaps.json") as temporary:
            temporary.write_text(json.dumps(summary(arguments), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
