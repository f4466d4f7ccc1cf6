"""A comparison from its plan to reports, tables and figures; goes on where it stopped (torch)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from poseterior.compare.lifters import lifter_of
from poseterior.compare.plan import MAIN_ANSWER, Answer, Entry, Plan
from poseterior.compare.records import check_same_plan
from poseterior.compare.results import CURVE_SUFFIX, write_results
from poseterior.compare.trainings import SayLine, Stopped, trained
from poseterior.data.evaluation_set import EvaluationSet
from poseterior.evaluate.datasets import open_data
from poseterior.evaluate.measure import Settings
from poseterior.evaluate.provenance import date
from poseterior.evaluate.report import Subset, evaluate, write_report
from poseterior.export.atomic import writable_folder
from poseterior.train.config import DataConfig, DeviceConfig
from poseterior.train.data import TrainingData, load_training_data
from poseterior.train.pair_files import made_with

REPORTS_FOLDER = "reports"
TRAININGS_FOLDER = "trainings"


@dataclass(frozen=True)
class _Measuring:
    """A report that is wanted."""

    entry: Entry
    answer: Answer
    seed: int
    path: Path
    samples: int
    subset: Subset
    max_pictures: int | None


def compare(
    plan: Plan,
    names: tuple[str, ...],
    data_folder: Path,
    tests: tuple[str, ...],
    out: Path,
    *,
    device: DeviceConfig,
    command: str,
    say_line: SayLine,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Trains and measures the methods `names` of the plan, and writes tables and figures of all reports in `out`.

    Args:
        plan: budget, sizes, seeds.
        names: methods, or "all".
        data_folder: training and validation pairs (`train.data`).
        tests: what is evaluated, as `poseterior evaluate --data` names them.
        out: folder; trainings, reports and results go there, and what is there already is not done again.
        device: of the networks: its accelerator is "cpu" or "cuda".
        command: that asks for it, kept with the results.
        say_line: takes what is worth telling.
        stop: asked after each step of a training and before each evaluation.

    Returns:
        Whether everything is done.

    Raises:
        PoseteriorError: data, settings or folders cannot be used, `out` holds another comparison, or a training
            diverged.
    """
    plan.check()
    torch.set_float32_matmul_precision(device.matmul_precision)
    entries = plan.chosen(names)
    config = DataConfig(folder=data_folder)
    pairs = load_training_data(replace(config, **made_with(data_folder, config.train_split)))
    held_out = [(spec, open_data(spec)) for spec in tests]
    check_same_plan(writable_folder(out), plan, pairs.fingerprint())
    try:
        for seed, entry in plan.trainings(entries):
            folder = out / TRAININGS_FOLDER / f"{entry.name}-seed{seed}"
            model = trained(entry, plan, seed, pairs, data_folder, folder, device, say_line, stop)
            for spec, data in held_out:
                reports = writable_folder(out / REPORTS_FOLDER / folder_name(data.name))
                for wanted in _wanted(plan, entry, seed, data, reports):
                    if stop():
                        raise Stopped
                    say_line(f"measuring {wanted.path.stem} on {data.name}")
                    _measure(wanted, model, spec, data, pairs, device.accelerator)
    except Stopped:
        return False
    for _, data in held_out:
        reports = out / REPORTS_FOLDER / folder_name(data.name)
        write_results(plan, reports, out / TRAININGS_FOLDER, out / folder_name(data.name), command)
    return True


def folder_name(set_name: str) -> str:
    """A set's name without what folders cannot be called."""
    return re.sub(r"[^\w.-]+", "-", set_name)


def _wanted(plan: Plan, entry: Entry, seed: int, data: EvaluationSet, reports: Path) -> Iterator[_Measuring]:
    """The reports that are not there yet."""
    for answer in entry.answers:
        path = reports / f"{entry.name}{answer.suffix}-seed{seed}.json"
        samples = plan.samples if answer.samples is None else answer.samples
        if not path.is_file():
            yield _Measuring(entry, answer, seed, path, samples, "both", plan.max_pictures)
    with_curve = plan.curve_pictures > 0 and seed == plan.seeds[0] and entry.answers[0].samples != 1
    if with_curve and data.ambiguous().any():
        path = reports / f"{entry.name}{CURVE_SUFFIX}-seed{seed}.json"
        if not path.is_file():
            yield _Measuring(
                entry, MAIN_ANSWER, seed, path, plan.curve_samples, "ambiguous", plan.curve_pictures
            )


def _measure(
    wanted: _Measuring, folder: Path, spec: str, data: EvaluationSet, pairs: TrainingData, device: str
) -> None:
    model = lifter_of(
        wanted.entry,
        wanted.answer,
        folder,
        data,
        pairs.validation,
        device=device,
        samples=wanted.samples,
        seed=wanted.seed,
    )
    started = time.perf_counter()
    settings = Settings(wanted.samples, wanted.seed)
    report: dict[str, Any] = evaluate(
        model, data, settings, subset=wanted.subset, max_pictures=wanted.max_pictures
    ).report
    report["run"] = {"data": spec, "date": date(), "seconds": round(time.perf_counter() - started, 1)}
    write_report(report, wanted.path)
