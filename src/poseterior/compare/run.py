"""A comparison from its plan to a report per method and seed; goes on where it stopped (torch)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from poseterior.compare.plan import Entry, Plan
from poseterior.compare.table import write_table
from poseterior.compare.trainings import SayLine, Stopped, trained
from poseterior.data.evaluation_set import EvaluationSet
from poseterior.evaluate.datasets import open_data
from poseterior.evaluate.flow_lifter import FlowLifter
from poseterior.evaluate.measure import Settings
from poseterior.evaluate.report import evaluate, write_report
from poseterior.export.atomic import writable_folder
from poseterior.models.interface import LiftingModel
from poseterior.models.network_bundle import open_network_lifter
from poseterior.train.config import DataConfig, DeviceConfig
from poseterior.train.data import load_training_data

REPORTS_FOLDER = "reports"
TABLE_FILE = "table.md"


def compare(
    plan: Plan,
    names: tuple[str, ...],
    data_folder: Path,
    test: str,
    out: Path,
    *,
    device: DeviceConfig,
    say_line: SayLine,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Trains and measures the methods `names` of the plan, and writes the table of all reports in `out`.

    Args:
        plan: budget, sizes, seeds.
        names: methods, or "all".
        data_folder: training and validation pairs (`train.data`).
        test: what is evaluated, as `poseterior evaluate --data` names it.
        out: folder; trainings, reports and the table go there, and what is there already is not done again.
        device: of the networks: its accelerator is "cpu" or "cuda".
        say_line: takes what is worth telling.
        stop: asked after each step of a training and before each evaluation.

    Returns:
        Whether everything is done.

    Raises:
        PoseteriorError: data, settings or folders cannot be used, or a training diverged.
    """
    entries = plan.chosen(names)
    reports = writable_folder(out) / REPORTS_FOLDER
    writable_folder(reports)
    pairs = load_training_data(DataConfig(folder=data_folder))
    held_out = open_data(test)
    try:
        for seed, entry in plan.trainings(entries):
            folder = out / "trainings" / f"{entry.name}-seed{seed}"
            model = trained(
                    entry, plan, seed, pairs, data_folder, folder, device, say_line, stop
                )  # fmt: skip
            for suffix, changes in entry.answers.items():
                report = reports / f"{entry.name}{suffix}-seed{seed}.json"
                if report.is_file():
                    continue
                if stop():
                    raise Stopped
                say_line(f"measuring {entry.title}{suffix}, seed {seed}")
                lifter = _opened(entry, model, device.accelerator, changes)
                _measure(lifter, held_out, plan, seed, report)
    except Stopped:
        return False
    write_table(plan, reports, out / TABLE_FILE)
    return True


def _opened(entry: Entry, folder: Path, device: str, changes: dict) -> LiftingModel:
    if entry.kind == "flow":
        return FlowLifter.load(folder)
    return open_network_lifter(folder, device=device, **changes)


def _measure(model: LiftingModel, data: EvaluationSet, plan: Plan, seed: int, path: Path) -> None:
    started = time.perf_counter()
    settings = Settings(plan.samples, seed)
    report = evaluate(model, data, settings, subset="both", max_pictures=plan.max_pictures).report
    report["run"] = {"seconds": round(time.perf_counter() - started, 1)}
    write_report(report, path)
