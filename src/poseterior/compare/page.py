"""The page of a comparison: the counterparts of Tables 1, 2 and 5 and of figure 5 of Wehrbein et al. (ICCV 2021)."""

from __future__ import annotations

from typing import Any

import numpy as np

from poseterior.compare.markdown import table
from poseterior.compare.orderings import orderings

Row = dict[str, Any]
Column = tuple[str, str, int]
"""Title, name in a row's values, decimals."""

_SINGLE: tuple[Column, ...] = (
    ("MPJPE", "mpjpe_mm.z0", 1),
    ("PMPJPE", "pmpjpe_mm.z0", 1),
    ("mean pose MPJPE", "mpjpe_mm.mean_pose", 1),
    ("PMPJPE ", "pmpjpe_mm.mean_pose", 1),
)
_BEST: tuple[Column, ...] = (
    ("oracle best MPJPE", "mpjpe_mm.oracle_best", 1),
    ("PMPJPE", "pmpjpe_mm.oracle_best", 1),
)
_AMBIGUOUS: tuple[Column, ...] = (
    *_BEST,
    ("PCK", "pck.oracle_best", 3),
    ("CPS", "cps_mm.oracle_best", 1),
    ("oracle worst MPJPE", "mpjpe_mm.oracle_worst", 0),
    ("PMPJPE ", "pmpjpe_mm.oracle_worst", 0),
)
_POSTERIOR: tuple[Column, ...] = (
    ("std x", "std_mm.x", 0),
    ("y", "std_mm.y", 0),
    ("depth", "std_mm.depth", 0),
    ("energy score", "energy_score_mm", 0),
    ("ECE", "ece", 3),
    ("in central 50 %", "central_coverage_50", 3),
    ("90 %", "central_coverage_90", 3),
    ("in 90 % region of the pose", "hdr_coverage_90", 3),
    ("median NLL, nats (mm)", "nll_nats_mm_median", 1),
)
NOISE_AROUND = "wehrbein2021"
"""Of the method whose noise baseline is shown beside the curves, as in the paper."""
_FEW = (1, 5, 10, 50, 200)
_PAIR = (("mpjpe_mm", "MPJPE"), ("pmpjpe_mm", "PMPJPE"))

DEFINITIONS = """All errors are in mm, relative to the pelvis. MPJPE: mean distance over 17 joints; PMPJPE: the same
after the best rotation, scale and shift; PCK: share of 14 joints within 150 mm; CPS: area up to 300
mm under the share of pictures in which 16 aligned joints are all that near. **Oracle**: chosen
among the hypotheses with the truth, by each metric for itself: nobody who lacks the truth can have
it. Single: the method's one answer (z0 of a flow, the mean of a mixture's heaviest kernel, the
decoder at zero of a CVAE). Mean pose: of the hypotheses. Energy score: lower is better, exact for
the true posterior. ECE: 0 where balls around the median hold the truth as often as they say.
Central intervals: of single coordinates. NLL: of the truth's whole pose, where a method has a
density. A cell is the mean over the seeds, with the smallest and the largest of them in brackets
where there is more than one."""


def page(results: dict[str, Any], curves_image: str = "curves.png") -> str:
    """Markdown of all tables, made from what `compare.results` wrote; `curves_image` is where their figure lies."""
    rows = results["rows"]
    parts = ["# Methods side by side", _introduction(results), DEFINITIONS.replace("\n", " ")]
    parts += ["## All pictures: one answer, and the best of many (Table 1)", _table_1(rows)]
    ambiguous = results["subset_pictures"].get("ambiguous")
    if ambiguous:
        parts += [
            f"## Ambiguous pictures: {ambiguous:,} (Table 2)",
            _values_table(rows, "ambiguous", _AMBIGUOUS),
        ]
    parts += ["## The posterior, all pictures", _values_table(rows, "all", _POSTERIOR)]
    parts += ["## Few samples, all pictures (Table 5)", _FEW_SAID, _table_5(rows)]
    curves = [row for row in rows if "curve" in row]
    if curves:
        parts += _figure_5(curves, curves_image)
    return "\n\n".join([*parts, *orderings(results)]) + "\n"


def _introduction(results: dict[str, Any]) -> str:
    plan, dataset = results["plan"], results["dataset"]
    return (
        f"`{results['command']}`, {results['date'][:10]}, seeds {', '.join(map(str, results['seeds']))} of trainings "
        f"and hypotheses. Every method was shown {plan['pictures']:,} training pictures, repetitions counted; nothing "
        "was chosen on the test set. Measured on "
        f"{dataset['num_evaluated']:,} of {dataset['num_pictures']:,} pictures of {dataset['name']}, "
        f"{dataset['num_sequences_evaluated']:,} sequences, with {plan['samples']} hypotheses a picture, but where a "
        "row says otherwise."
    )


def _table_1(rows: list[Row]) -> str:
    header = ["", "parameters", "hours", "seeds", "hypotheses", *(title for title, *_ in (*_SINGLE, *_BEST))]
    lines = []
    for row in rows:
        hours = _with_range([training["hours"] for training in row["training"]], 2)
        facts = [f"{row['parameters']:,}", hours, str(len(row["seeds"])), str(row["samples"])]
        values = row["subsets"]["all"]
        lines.append([row["title"], *facts, *(_cell(values, *column[1:]) for column in (*_SINGLE, *_BEST))])
    return table(header, lines)


def _values_table(rows: list[Row], subset: str, columns: tuple[Column, ...]) -> str:
    lines = [
        [row["title"], *(_cell(row["subsets"][subset], *column[1:]) for column in columns)]
        for row in rows
        if subset in row["subsets"]
    ]
    # one answer has no spread
    return table(["", *(title for title, *_ in columns)], [line for line in lines if any(line[1:])])


_FEW_SAID = (
    "Oracle best MPJPE / PMPJPE of the first hypotheses, and of the five centres of K-Means over all of them. "
    "One hypothesis is a random one."
)


def _table_5(rows: list[Row]) -> str:
    lines = []
    for row in rows:
        values = row["subsets"]["all"]
        cells = [_pair(values, f"oracle_best_of_first_{count}") for count in _FEW]
        lines.append([row["title"], *cells, _pair(values, "k_means_5_oracle_best")])
    return table(["", *map(str, _FEW), "K-Means (5)"], lines)


def _pair(values: dict[str, Any], name: str) -> str:
    pair = [_mean(values, f"{metric}.{name}") for metric, _ in _PAIR]
    return "" if None in pair else " / ".join(f"{value:.1f}" for value in pair)


def _figure_5(rows: list[Row], image: str) -> list[str]:
    counts, pictures = rows[0]["curve"]["counts"], rows[0]["curve"]["pictures"]
    parts = [
        "## Error against the number of hypotheses, ambiguous pictures (figure 5)",
        f"Oracle best of the first hypotheses on {pictures:,} ambiguous pictures, first seed, and of noise around the "
        "flow's z0: draws of the heatmaps' Gaussians in x and y, and in depth of the Gaussian that serves best there "
        "(an oracle too).",
        f"![Error of the best of the first n hypotheses of each method.]({image})",
    ]
    for metric, title in _PAIR:
        lines = []
        for row in rows:
            lines.append([row["title"], *_numbers(row["curve"]["model"][metric])])
            if row["name"] == NOISE_AROUND:
                numbers = _numbers(row["curve"]["noise_baseline"][metric])
                lines.append([f"{row['title']}, noise around its z0", *numbers])
        parts.append(table([title, *map(str, counts)], lines))
    return parts


def _numbers(values: list[float]) -> list[str]:
    return [f"{value:.1f}" for value in values]


def _cell(values: dict[str, Any], name: str, decimals: int) -> str:
    known = _known(values, name)
    return _with_range(known, decimals) if known else ""


def _with_range(seeds: list[float], decimals: int) -> str:
    mean = f"{np.mean(seeds):.{decimals}f}"
    return mean if len(seeds) == 1 else f"{mean} [{min(seeds):.{decimals}f}, {max(seeds):.{decimals}f}]"


def _known(values: dict[str, Any], name: str) -> list[float]:
    return [value for value in values.get(name, {"seeds": []})["seeds"] if value is not None]


def _mean(values: dict[str, Any], name: str) -> float | None:
    known = _known(values, name)
    return float(np.mean(known)) if known else None
