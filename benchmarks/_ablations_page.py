"""The page of what each part of the training is worth: the counterparts of the paper's Table 4 and figure 7."""

from __future__ import annotations

from typing import Any, NamedTuple

from _common import RESULTS
from _tables import load, table

TABLES = ("ablations", "condition-and-hm", "worth-of-heatmaps")
"""Results that the page has a section of, in docs/results/NAME.json."""
IMAGES = RESULTS.parent / "images"

ROWS = {
    "full": "full",
    "without_condition": "no condition",
    "without_hm": "no L_HM",
    "without_gen": "no L_gen (no critic)",
    "without_mb": "no L_MB",
    "without_det": "no L_det",
    "without_mmd": "no L_MMD",
    "without_2d": "no L_2D",
    "k_1": "k = 1",
    "k_10": "k = 10",
    "k_50": "k = 50",
    "hm_geometry": "L_HM in metres by the camera",
    "gaussians_and_joints": "Gaussians and 2D joints",
    "joints_alone": "2D joints alone",
}
"""What the rows are called."""
OF_PAPER = {
    "full": (71.0, 54.2, 93.4, 171.0),
    "without_condition": (71.7, 57.2, 91.2, 137.6),
    "without_hm": (72.4, 56.2, 92.2, 157.3),
    "without_gen": (73.6, 58.2, 92.5, 165.5),
    "without_mb": (76.0, 58.5, 91.6, 161.4),
    "k_1": (71.8, 54.9, 92.6, 167.4),
    "k_10": (70.7, 54.9, 93.3, 168.3),
    "k_50": (71.0, 55.2, 93.1, 168.0),
}
"""MPJPE, PMPJPE, PCK, CPS on H36MA: Table 4 of Wehrbein et al., ICCV 2021."""
OF_AUTHORS = 74_710
"""Generator iterations of the authors' training (METHOD section 4)."""
_BEST = ("mpjpe_mm", "pmpjpe_mm", "pck", "cps_mm")
_BEST_NAMES = ("MPJPE, mm", "PMPJPE, mm", "PCK, %", "CPS")
_SHOWN = {"pck": 100.0}
"""Metrics that are shown times a factor."""


def ablations_page() -> str:
    """One section for each result that is there."""
    sections = {
        "ablations": ablations_section,
        "condition-and-hm": condition_section,
        "worth-of-heatmaps": worth_section,
    }
    parts = ["# What each part of the training is worth"]
    for name in TABLES:
        if (RESULTS / f"{name}.json").exists():
            parts += sections[name](load(name))
    return "\n\n".join(parts) + "\n"


def ablations_section(result: dict[str, Any]) -> list[str]:
    """Table 4's rows on the ambiguous part of the open test split."""
    rows = {name: row["report"]["subsets"]["ambiguous"] for name, row in result["rows"].items()}
    report = next(iter(result["rows"].values()))["report"]
    samples = result["samples"]
    return [
        "## Ablations (Table 4)",
        f"{_origin(result)} Preset `wehrbein2021` with the objective's gradient from a subset of the hypotheses, "
        f"{result['steps']:,} generator iterations of 64 pictures for each row (the authors: {OF_AUTHORS:,}), so that "
        "rows can be compared with each other, not with the paper's numbers nor with the shipped models. A row differs "
        "from `full` by one option. One training each: what another seed would change is not known.",
        f"{_measured(report, 'ambiguous')} In brackets: difference to `full`. Lower is better but for PCK (at 150 mm, "
        "percent) and CPS.",
        f"**Best and worst of {samples} hypotheses: oracle**, chosen with the truth by each metric for itself.",
        table(
            ("", "option", *(f"oracle best {name}" for name in _BEST_NAMES), "oracle worst PMPJPE, mm"),
            (
                (
                    ROWS.get(name, name),
                    _option(result["rows"][name]["options"]),
                    *(_against(rows, name, ("poses", metric, "oracle_best")) for metric in _BEST),
                    _against(rows, name, ("poses", "pmpjpe_mm", "oracle_worst"), digits=0),
                )
                for name in rows
            ),
        ),
        f"95 % intervals of `full`, over sequences: {_intervals(rows['full'])}.",
        "Without the truth: the single answer, how far the hypotheses spread (standard deviation, mean over joints), "
        "and how well they are calibrated (ECE: 0 is perfect).",
        table(
            ("", "z0 MPJPE, mm", "z0 PMPJPE, mm", "std x, mm", "y", "depth", "ECE", "in central 90 %"),
            (
                (
                    ROWS.get(name, name),
                    _against(rows, name, ("poses", "mpjpe_mm", "z0")),
                    _against(rows, name, ("poses", "pmpjpe_mm", "z0")),
                    *(f"{_value(part, ('poses', 'std_mm', axis)):.0f}" for axis in ("x", "y", "depth")),
                    f"{_value(part, ('samples', 'ece')):.3f}",
                    f"{100 * _value(part, ('samples', 'central_coverage_90')):.0f} %",
                )
                for name, part in rows.items()
            ),
        ),
        *_beside_paper(rows, result["steps"]),
    ]


def _beside_paper(rows: dict[str, Any], steps: int) -> list[str]:
    """Whether the differences have the paper's signs."""
    shared = [name for name in rows if name in OF_PAPER and name != "full"]
    lines = []
    for name in shared:
        cells = []
        for metric, theirs, full in zip(_BEST, OF_PAPER[name], OF_PAPER["full"], strict=True):
            path = ("poses", metric, "oracle_best")
            ours = _SHOWN.get(metric, 1.0) * (_value(rows[name], path) - _value(rows["full"], path))
            cells.append(f"{ours:+.1f} / {theirs - full:+.1f}")
        lines.append((ROWS[name], *cells))
    if not lines:
        return []
    return [
        f"Differences to `full`, here / in the paper (H36MA; {OF_AUTHORS / steps:.0f} times the iterations):",
        table(("", *(f"oracle best {name}" for name in _BEST_NAMES)), lines),
    ]


def condition_section(result: dict[str, Any]) -> list[str]:
    """How far hypotheses follow the Gaussians."""
    lines = []
    for title, row in result["rows"].items():
        for name, said in (("above_1.05", "1.05"), ("above_2.5", "2.5")):
            geometry, paper = (row["agreement"][metres][name] for metres in ("geometry", "paper"))
            low, high = geometry["ratio_quartiles"]
            lines.append(
                (
                    title,
                    f"{geometry['joints']:,} above {said}",
                    f"{geometry['ratio_median']:.2f} [{low:.2f}, {high:.2f}]",
                    f"{100 * geometry['at_least_as_wide']:.0f} %",
                    f"{paper['ratio_median']:.2f}",
                    _optional(geometry["sigma_correlation"], ".2f"),
                    _optional(geometry["major_axis_degrees"], ".0f"),
                )
            )
    parts = [
        "## Condition and L_HM: do hypotheses spread as the heatmaps' Gaussians do? (figure 7)",
        f"{_origin(result)} {result['pictures']:,} pictures of {result['data']} at even distances, "
        f"{result['samples']} hypotheses. For the joints with a fitted sigma above 1.05 confident ones (where L_HM is "
        "at work) and above 2.5: median of sqrt(tr s / tr S), s the covariance of the hypotheses' joint in the image "
        "plane at the person, S the Gaussian's, with quartiles; the share of joints with a ratio of 1 or more; the "
        "same median where heatmap cells become metres by the paper's constant (what L_HM asks for by default); "
        "the correlation of the logarithms of both sigmas; and the median angle between the larger axes where both "
        "ellipses are long (45: no relation).",
        table(
            (
                "",
                "joints",
                "ratio",
                "at least as wide",
                "ratio by the constant",
                "correlation",
                "angle, degrees",
            ),
            lines,
        ),
    ]
    blind = [title for title, row in result["rows"].items() if not row["reads_condition"]]
    if blind:
        parts.append(f"Told another picture's Gaussians, {' and '.join(blind)} answers the same, to the bit.")
    return parts + _image(
        "condition-and-hm.png",
        "One uncertain joint in each of four pictures: the Gaussian, and the hypotheses of each model.",
        "Pictures: of each joint the one in which it alone is uncertain (all other sigmas below 1.5 confident ones) "
        "and most so, by the detections.",
    )


def worth_section(result: dict[str, Any]) -> list[str]:
    """Full Gaussians against the 2D joints alone."""
    reports = {name: row["report"] for name, row in result["rows"].items()}
    samples = result["samples"]
    parts = [
        "## What the heatmaps are worth",
        f"{_origin(result)} The posterior family by maximum likelihood, preset `posterior`, {result['steps']:,} steps "
        "of 512 pictures for each row: once with the 13 Gaussians and the 2D joints as the condition, once with the 2D "
        f"joints alone. {_measured(next(iter(reports.values())), 'all')} The clear rest is what is not `ambiguous`, by "
        "the two means, hence without intervals. NLL in nats for poses in millimetres; oracle: chosen with "
        "the truth.",
    ]
    for part, title in (
        ("ambiguous", "`ambiguous`"),
        ("clear", "The clear rest"),
        ("all", "Both together"),
    ):
        rows = {name: _part_of(report, part) for name, report in reports.items()}
        first, second = rows.values()
        lines = [(ROWS.get(name, name), *_worth_cells(row)) for name, row in rows.items()]
        lines.append(("difference", *_differences(second, first)))
        header = ("", *(column.format(samples) for column, _, _ in _WORTH))
        parts += [f"### {title}, {first.num_pictures:,} pictures", table(header, lines)]
    return parts


_WORTH = (
    ("NLL, nats", ("density", "nll_nats_mm"), 1),
    ("energy score, mm", ("samples", "energy_score_mm"), 1),
    ("oracle best of {}, MPJPE, mm", ("poses", "mpjpe_mm", "oracle_best"), 1),
    ("oracle best of {}, PMPJPE, mm", ("poses", "pmpjpe_mm", "oracle_best"), 1),
    ("z0 MPJPE, mm", ("poses", "mpjpe_mm", "z0"), 1),
    ("in 90 % region of the pose", ("density", "hdr_coverage_90"), 3),
)
"""Title, path in the summary, digits: means over pictures, so that the rest of two subsets can be worked out."""


class _Part(NamedTuple):
    """A row of the last section in one of its tables; estimates in the order of `_WORTH`."""

    num_pictures: int
    estimates: list[dict[str, Any]]


def _part_of(report: dict[str, Any], part: str) -> _Part:
    whole, taken = report["subsets"]["all"], report["subsets"]["ambiguous"]
    if part != "clear":
        summary = report["subsets"][part]
        return _Part(summary["num_pictures"], [_at(summary, path) for _, path, _ in _WORTH])
    count = whole["num_pictures"] - taken["num_pictures"]

    def rest(path: tuple[str, ...]) -> dict[str, Any]:
        means = _at(whole, path)["mean"], _at(taken, path)["mean"]
        if None in means:
            return {"mean": None, "interval": None}
        total = whole["num_pictures"] * means[0] - taken["num_pictures"] * means[1]
        return {"mean": total / count, "interval": None}

    return _Part(count, [rest(path) for _, path, _ in _WORTH])


def _worth_cells(row: _Part) -> list[str]:
    cells = []
    for (_, _, digits), estimate in zip(_WORTH, row.estimates, strict=True):
        text = _optional(estimate["mean"], f".{digits}f")
        if estimate["interval"] is not None:
            low, high = estimate["interval"]
            text += f" [{low:.{digits}f}, {high:.{digits}f}]"
        cells.append(text)
    return cells


def _differences(row: _Part, reference: _Part) -> list[str]:
    """None where one of them is not finite."""
    cells = []
    for (_, _, digits), ours, theirs in zip(_WORTH, row.estimates, reference.estimates, strict=True):
        known = None not in (ours["mean"], theirs["mean"])
        cells.append(_optional(ours["mean"] - theirs["mean"] if known else None, f"+.{digits}f"))
    return cells


def _origin(result: dict[str, Any]) -> str:
    return f"`{result['command']}`, seed {result['seed']}, {result['date'][:10]}."


def _measured(report: dict[str, Any], subset: str) -> str:
    """What the numbers are of."""
    summary = report["subsets"][subset]
    kind = (
        "ambiguous pictures (a fitted sigma above 2.5 confident ones)"
        if subset == "ambiguous"
        else "pictures"
    )
    return (
        f"Measured on {report['dataset']['name']}: {summary['num_pictures']:,} {kind} of "
        f"{len(report['dataset']['subjects'])} people who are in no other split, {summary['num_sequences']} sequences, "
        f"{report['settings']['samples']} hypotheses each, seed {report['settings']['seed']}."
    )


def _option(options: list[str]) -> str:
    """As the command line has it."""
    return f"`{' '.join(options)}`" if options else ""


def _against(rows: dict[str, Any], name: str, path: tuple[str, ...], digits: int = 1) -> str:
    """The value, and its difference to the row `full`."""
    factor = _SHOWN.get(path[1], 1.0)
    value, full = (factor * _value(rows[key], path) for key in (name, "full"))
    text = f"{value:.{digits}f}"
    return text if name == "full" else f"{text} ({value - full:+.{digits}f})"


def _intervals(summary: dict[str, Any]) -> str:
    said = []
    for metric, title in zip(_BEST, _BEST_NAMES, strict=True):
        interval = _at(summary, ("poses", metric, "oracle_best"))["interval"]
        if interval is not None:
            low, high = (_SHOWN.get(metric, 1.0) * end for end in interval)
            said.append(f"{title.split(',')[0]} {low:.1f} to {high:.1f}")
    return ", ".join(said) or "none"


def _at(summary: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for key in path:
        summary = summary[key]
    return summary


def _value(summary: dict[str, Any], path: tuple[str, ...]) -> float:
    return _at(summary, path)["mean"]


def _optional(value: float | None, form: str) -> str:
    return "none" if value is None else format(value, form)


def _image(name: str, alternative: str, caption: str) -> list[str]:
    """The picture with its caption, if it is there."""
    return [f"![{alternative}](../images/{name})", caption] if (IMAGES / name).exists() else []
