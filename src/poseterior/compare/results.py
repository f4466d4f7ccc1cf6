"""All reports of a comparison as one small dict, for tables and figures; free of torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from poseterior.compare.ablation_page import ablation_page
from poseterior.compare.figures import write_figures
from poseterior.compare.page import page
from poseterior.compare.plan import Answer, Entry, Plan
from poseterior.errors import InputError
from poseterior.evaluate.provenance import date
from poseterior.export.atomic import atomic_path, writable_folder

CURVE_SUFFIX = "-curve"
"""Of the report of many hypotheses of a few ambiguous pictures."""
RESULTS_FILE = "comparison.json"
PAGE_FILE = "comparison.md"
_ANSWERS = ("z0", "mean_pose", "random_one", "k_means_5_oracle_best", "oracle_best", "oracle_worst")
_METRICS = ("mpjpe_mm", "pmpjpe_mm", "pck", "cps_mm")
_SAMPLES = ("energy_score_mm", "crps_mm", "ece", "central_coverage_50", "central_coverage_90")
_DENSITY = ("nll_nats_mm", "nll_nats_mm_median", "hdr_coverage_50", "hdr_coverage_90")

Values = dict[str, dict[str, Any]]
"""name -> {"seeds": value per seed (None where there is none), "interval": of the first seed's pictures or None}."""


def write_results(plan: Plan, reports: Path, trainings: Path, out: Path, command: str) -> None:
    """Writes comparison.json, the page made from it, and its figures into the folder `out`.

    Args:
        plan: its entries decide the order of the rows.
        reports: folder of the reports on one set.
        trainings: folder of the trained models, whose cards know hours and steps.
        out: is made.
        command: that asked for them, for the record.

    Raises:
        InputError: a report or a card cannot be read.
        OutputError: something cannot be written.
    """
    results = {"name": "comparison", "command": command, **results_of(plan, reports, trainings)}
    writable_folder(out)
    with atomic_path(out / RESULTS_FILE) as temporary:
        temporary.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    text = ablation_page(results) if results["plan"]["ablations"] else page(results)
    with atomic_path(out / PAGE_FILE) as temporary:
        temporary.write_text(text, encoding="utf-8")
    write_figures(results, out)


def results_of(plan: Plan, reports: Path, trainings: Path) -> dict[str, Any]:
    """Rows in the plan's order, as many as have reports; see `write_results`."""
    rows, any_report = [], None
    for entry in plan.entries:
        for answer in entry.answers:
            found = _reports(reports, entry, answer.suffix, plan.seeds)
            if not found:
                continue
            any_report = any_report or next(iter(found.values()))
            row = _row(entry, answer, found, trainings)
            curves = _reports(reports, entry, CURVE_SUFFIX, plan.seeds) if row["is_main"] else {}
            for report in curves.values():
                row["curve"] = _curve(report)
            rows.append(row)
    if any_report is None:
        raise InputError(f"there are no reports in {reports}; expected those of one method or more")
    dataset = any_report["dataset"]
    return {
        "date": date(),
        "plan": plan.settings(),
        "seeds": list(plan.seeds),
        "dataset": {key: dataset[key] for key in _DATASET},
        "subset_pictures": {
            name: None if summary is None else summary["num_pictures"]
            for name, summary in any_report["subsets"].items()
        },
        "versions": any_report["versions"],
        "rows": rows,
    }


_DATASET = (
    "name",
    "checksum",
    "num_pictures",
    "num_evaluated",
    "num_sequences_evaluated",
    "subjects",
    "notes",
)


def _row(entry: Entry, answer: Answer, found: dict[int, dict[str, Any]], trainings: Path) -> dict[str, Any]:
    first = next(iter(found.values()))
    cards = [_card(trainings / f"{entry.name}-seed{seed}" / "model" / "model.json") for seed in found]
    return {
        "name": entry.name + answer.suffix,
        "method": entry.name,
        "title": _title(entry, answer),
        "answer": answer.kind,
        "options": entry.options,
        "is_main": not answer.suffix,
        "parameters": first["model"]["num_parameters"],
        "samples": first["settings"]["samples"],
        "seeds": list(found),
        "git_revisions": [report["git_revision"] for report in found.values()],
        "training": [_training(card) for card in cards],
        "subsets": {
            name: _values([report["subsets"][name] for report in found.values()])
            for name, summary in first["subsets"].items()
            if summary is not None
        },
    }


def _title(entry: Entry, answer: Answer) -> str:
    return f"{entry.title}, {answer.title}" if answer.title else entry.title


def _training(card: dict[str, Any]) -> dict[str, Any]:
    training = card["metrics"]["training"]
    return {
        "hours": training["hours"],
        "steps": training.get("steps", training.get("steps_done")),
        "matmul_precision": _device(training)["matmul_precision"],
    }


def _device(training: dict[str, Any]) -> dict[str, Any]:
    """A network's card has it beside the steps, a flow's inside of its configuration."""
    return training["configuration"]["device"] if "configuration" in training else training["device"]


def _values(summaries: list[dict[str, Any]]) -> Values:
    places = {f"{metric}.{answer}": ("poses", metric, answer) for metric in _METRICS for answer in _ANSWERS}
    places |= {f"std_mm.{axis}": ("poses", "std_mm", axis) for axis in ("x", "y", "depth")}
    places |= {name: ("samples", name) for name in _SAMPLES}
    places |= {name: ("density", name) for name in _DENSITY}
    values = {name: _value([_at(summary, place) for summary in summaries]) for name, place in places.items()}
    for index, count in enumerate(summaries[0]["oracle_best_of_first"]["counts"]):
        for metric in ("mpjpe_mm", "pmpjpe_mm"):
            values[f"{metric}.oracle_best_of_first_{count}"] = _value(
                [summary["oracle_best_of_first"]["model"][metric][index] for summary in summaries]
            )
    return values


def _at(summary: dict[str, Any], place: tuple[str, ...]) -> Any:
    value: Any = summary
    for key in place:
        value = None if value is None else value.get(key)
    return value


def _value(estimates: list[Any]) -> dict[str, Any]:
    """A number stands for itself, and has no interval."""
    means = [estimate["mean"] if isinstance(estimate, dict) else estimate for estimate in estimates]
    first = estimates[0]
    return {"seeds": means, "interval": first["interval"] if isinstance(first, dict) else None}


def _curve(report: dict[str, Any]) -> dict[str, Any]:
    """Oracle best of the first hypotheses of a few ambiguous pictures, and the same of noise around the z0."""
    summary = report["subsets"]["ambiguous"]
    curves = summary["oracle_best_of_first"]
    return {
        "pictures": summary["num_pictures"],
        "counts": curves["counts"],
        **{
            who: {
                metric: [estimate["mean"] for estimate in estimates]
                for metric, estimates in curves[who].items()
            }
            for who in ("model", "noise_baseline")
        },
        "single": {metric: summary["poses"][metric]["z0"]["mean"] for metric in ("mpjpe_mm", "pmpjpe_mm")},
    }


def _reports(folder: Path, entry: Entry, suffix: str, seeds: tuple[int, ...]) -> dict[int, dict[str, Any]]:
    """By seed; those that are there."""
    paths = {seed: folder / f"{entry.name}{suffix}-seed{seed}.json" for seed in seeds}
    return {
        seed: _json(path, "report", "delete it to measure again")
        for seed, path in paths.items()
        if path.is_file()
    }


def _card(path: Path) -> dict[str, Any]:
    return _json(path, "model card", "delete its folder to train again")


def _json(path: Path, what: str, remedy: str) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"cannot read the {what} {path}; {remedy}") from None
