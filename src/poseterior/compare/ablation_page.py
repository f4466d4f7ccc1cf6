"""The page of the ablations: the counterpart of Table 4 of Wehrbein et al. (ICCV 2021)."""

from __future__ import annotations

from typing import Any, NamedTuple

from poseterior.compare.ablations import FULL
from poseterior.compare.markdown import table

SUBSET = "ambiguous"
"""Table 4 is of ambiguous pictures; a set without any is shown whole."""


class _Column(NamedTuple):
    title: str
    value: str
    """Name in a row's values."""
    decimals: int
    factor: float = 1.0


_ORACLE = (
    _Column("oracle best MPJPE, mm", "mpjpe_mm.oracle_best", 1),
    _Column("PMPJPE, mm", "pmpjpe_mm.oracle_best", 1),
    _Column("PCK, %", "pck.oracle_best", 1, 100.0),
    _Column("CPS", "cps_mm.oracle_best", 1),
    _Column("oracle worst MPJPE, mm", "mpjpe_mm.oracle_worst", 0),
    _Column("PMPJPE, mm", "pmpjpe_mm.oracle_worst", 0),
)
_USABLE = (
    _Column("z0 MPJPE, mm", "mpjpe_mm.z0", 1),
    _Column("PMPJPE, mm", "pmpjpe_mm.z0", 1),
    _Column("mean pose MPJPE, mm", "mpjpe_mm.mean_pose", 1),
    _Column("PMPJPE, mm", "pmpjpe_mm.mean_pose", 1),
    _Column("std x, mm", "std_mm.x", 0),
    _Column("y", "std_mm.y", 0),
    _Column("depth", "std_mm.depth", 0),
    _Column("energy score, mm", "energy_score_mm", 0),
    _Column("ECE", "ece", 3),
    _Column("in central 50 %", "central_coverage_50", 1, 100.0),
    _Column("90 %", "central_coverage_90", 1, 100.0),
)
_OF_ALL = (*(column for column in _ORACLE if column.value.startswith(("mpjpe", "pmpjpe"))), *_USABLE[:7])
_BEST = _Column("oracle best PMPJPE", "pmpjpe_mm.oracle_best", 1)
_WORST = _Column("oracle worst PMPJPE", "pmpjpe_mm.oracle_worst", 0)
CLAIMS = (
    *((name, _BEST) for name in ("no-condition", "no-hm", "no-gen", "no-mb", "k-1", "k-10", "k-50")),
    ("no-gen", _WORST),
)
"""Rows that are worse than `full` in the paper, and by which column."""


class _Line(NamedTuple):
    """One training."""

    name: str
    title: str
    option: str
    seed: int
    values: dict[str, float | None]


def ablation_page(results: dict[str, Any]) -> str:
    """Markdown, made from what `compare.results` wrote."""
    return (
        "\n\n".join(["# What each part of the training is worth (Table 4)", *ablation_sections(results)])
        + "\n"
    )


def ablation_sections(results: dict[str, Any]) -> list[str]:
    """The page without its title."""
    subset = _subset(results)
    lines = _lines(results, subset)
    full = _full(lines)
    return [
        _introduction(results, full),
        "**Best and worst hypothesis: oracle**, chosen with the truth by each metric for itself. Lower is better but "
        "for PCK (at 150 mm) and CPS.",
        _differences(lines, full, _ORACLE, with_option=True),
        "Without the truth: the single answer, the mean pose, the spread of the hypotheses (standard deviation, mean "
        "over joints), and how well they are calibrated (ECE: 0 is perfect; central intervals of single coordinates).",
        _differences(lines, full, _USABLE),
        *_claims(lines, full),
        *(_of_all(results) if subset != "all" else []),
    ]


def _subset(results: dict[str, Any]) -> str:
    return SUBSET if results["subset_pictures"].get(SUBSET) else "all"


def _full(lines: list[_Line]) -> _Line | None:
    return next((line for line in lines if line.name == FULL), None)


def _of_all(results: dict[str, Any]) -> list[str]:
    lines = _lines(results, "all")
    return [
        f"All {results['subset_pictures']['all']:,} pictures (best and worst: oracle; std: of the hypotheses).",
        _differences(lines, _full(lines), _OF_ALL),
    ]


def _introduction(results: dict[str, Any], full: _Line | None) -> str:
    plan, dataset, counts = results["plan"], results["dataset"], results["subset_pictures"]
    subset = _subset(results)
    against = "" if full is None else " In brackets: difference to the first row."
    return (
        f"`{results['command']}`, {results['date'][:10]}, seed {results['seeds'][0]} of training and hypotheses where "
        "none is named. The paper's flow, each row trained on "
        f"{plan['pictures']:,} pictures, repetitions counted, with the objective's gradient from a subset of the "
        "hypotheses; a row differs by one option, or by the seed. Rows can be compared with each other, not with the "
        f"paper's numbers nor with models trained for longer. Measured on {counts[subset]:,} pictures ({subset}) of "
        f"{dataset['num_evaluated']:,} of {dataset['name']}, {plan['samples']} hypotheses each.{against}"
    )


def _lines(results: dict[str, Any], subset: str) -> list[_Line]:
    return [
        _Line(
            row["name"],
            row["title"] if seed == results["seeds"][0] else f"{row['title']}, seed {seed}",
            " ".join(f"`{option} = {value}`" for option, value in row["options"].items()),
            seed,
            {name: estimate["seeds"][index] for name, estimate in row["subsets"][subset].items()},
        )
        for row in results["rows"]
        for index, seed in enumerate(row["seeds"])
    ]


def _differences(
    lines: list[_Line], full: _Line | None, columns: tuple[_Column, ...], *, with_option: bool = False
) -> str:
    header = ["", *(["option"] if with_option else []), *(column.title for column in columns)]
    return table(
        header,
        [
            [
                line.title,
                *([line.option] if with_option else []),
                *(_cell(line, full, column) for column in columns),
            ]
            for line in lines
        ],
    )


def _cell(line: _Line, full: _Line | None, column: _Column) -> str:
    value = line.values.get(column.value)
    if value is None:
        return ""
    text = f"{column.factor * value:.{column.decimals}f}"
    reference = None if full is None or line is full else full.values.get(column.value)
    if reference is None:
        return text
    return f"{text} ({column.factor * (value - reference):+.{column.decimals}f})"


def _claims(lines: list[_Line], full: _Line | None) -> list[str]:
    """What the paper's Table 4 says, worked out from the numbers."""
    first = {line.name: line for line in reversed(lines)}
    if full is None:
        return []
    again = next((line for line in lines if line.name == FULL and line is not full), None)
    found = [_claim(first[name], full, again, column) for name, column in CLAIMS if name in first]
    if not found:
        return []
    said = "" if again is None else " Changing nothing but the seed makes the difference in the last column."
    return [
        f"What the paper reports, and what happened here.{said}",
        table(("in the paper", "full", "without", "difference", "", "another seed's"), found),
    ]


def _claim(line: _Line, full: _Line, again: _Line | None, column: _Column) -> list[str]:
    ours, reference = line.values[column.value], full.values[column.value]
    assert ours is not None and reference is not None
    verdict = "holds" if ours > reference else "**does not hold**"
    numbers = [f"{value:.{column.decimals}f}" for value in (reference, ours)]
    seeds = None if again is None else again.values[column.value]
    by_seed = "" if seeds is None else f"{seeds - reference:+.{column.decimals}f}"
    if seeds is not None and abs(ours - reference) <= abs(seeds - reference):
        verdict += ", by no more than a seed changes"
    difference = f"{ours - reference:+.{column.decimals}f}"
    return [f"{column.title}: full < {line.title}", *numbers, difference, verdict, by_seed]
