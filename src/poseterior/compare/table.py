"""The reports of a comparison as one Markdown table: the counterpart of the paper's Table 1 and 2; free of torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from poseterior.compare.plan import Plan
from poseterior.errors import InputError
from poseterior.export.atomic import atomic_path

Column = tuple[str, tuple[str, ...], int]
COLUMNS: tuple[Column, ...] = (
    ("MPJPE single", ("poses", "mpjpe_mm", "z0"), 1),
    ("MPJPE mean pose", ("poses", "mpjpe_mm", "mean_pose"), 1),
    ("MPJPE best (oracle)", ("poses", "mpjpe_mm", "oracle_best"), 1),
    ("MPJPE worst (oracle)", ("poses", "mpjpe_mm", "oracle_worst"), 1),
    ("PMPJPE single", ("poses", "pmpjpe_mm", "z0"), 1),
    ("PMPJPE best (oracle)", ("poses", "pmpjpe_mm", "oracle_best"), 1),
    ("PCK best (oracle)", ("poses", "pck", "oracle_best"), 3),
    ("CPS best (oracle)", ("poses", "cps_mm", "oracle_best"), 1),
    ("energy score", ("samples", "energy_score_mm"), 1),
    ("ECE", ("samples", "ece"), 3),
    ("NLL, nats (mm)", ("density", "nll_nats_mm"), 1),
)
"""Title, place in a report's subset, decimals."""


def write_table(plan: Plan, reports: Path, path: Path) -> None:
    """Writes the table of all reports in the folder `reports`.

    Raises:
        InputError: a report cannot be read.
        OutputError: the table cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(table_of(plan, _read(reports)), encoding="utf-8")


def table_of(plan: Plan, reports: dict[str, list[dict[str, Any]]]) -> str:
    """A part per subset; a cell is the mean over seeds and, in brackets, their least and largest value.

    Args:
        plan: its entries decide the order of the rows.
        reports: row -> report of each seed.
    """
    lines = [
        "# Methods side by side",
        "",
        f"Each method was shown {plan.pictures:,} training pictures, repetitions counted. {plan.samples} hypotheses "
        "per picture unless a row says otherwise. Errors in mm. Oracle: chosen with the truth.",
    ]
    for subset in ("all", "ambiguous"):
        lines += ["", f"## Pictures: {subset}", ""]
        lines.append("| method | parameters | seeds | " + " | ".join(title for title, *_ in COLUMNS) + " |")
        lines.append("|---|" + "---:|" * (len(COLUMNS) + 2))
        for entry in plan.entries:
            for suffix in entry.answers:
                of_row = reports.get(entry.name + suffix, [])
                summaries = [report["subsets"][subset] for report in of_row]
                summaries = [summary for summary in summaries if summary is not None]
                if summaries:
                    cells = [_cell(summaries, place, decimals) for _, place, decimals in COLUMNS]
                    size = f"{of_row[0]['model']['num_parameters']:,}"
                    title = f"{entry.title}{suffix.replace('-', ', ')}"
                    lines.append("| " + " | ".join([title, size, str(len(summaries)), *cells]) + " |")
    return "\n".join(lines) + "\n"


def _cell(summaries: list[dict[str, Any]], place: tuple[str, ...], decimals: int) -> str:
    values = []
    for summary in summaries:
        value: Any = summary
        for key in place:
            value = None if value is None else value.get(key)
        values.append(None if value is None else value["mean"])
    known = [value for value in values if value is not None]
    if not known:
        return "none"
    mean = f"{np.mean(known):.{decimals}f}"
    if len(known) == 1:
        return mean
    return f"{mean} [{min(known):.{decimals}f}, {max(known):.{decimals}f}]"


def _read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    reports: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*-seed*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise InputError(f"cannot read the report {path}; delete it to measure again") from None
        reports.setdefault(path.stem.rpartition("-seed")[0], []).append(content)
    return reports
