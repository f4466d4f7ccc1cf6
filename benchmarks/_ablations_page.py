"""The page of what each part of the training is worth: the counterparts of the paper's Table 4 and figure 7."""

from __future__ import annotations

from typing import Any, NamedTuple

from _common import RESULTS
from _tables import load, table

from poseterior.compare.ablation_page import ablation_sections
from poseterior.compare.ablations import FULL

TABLES = ("ablations", "condition-and-hm", "worth-of-heatmaps")
"""Results that the page has a section of, in docs/results/NAME.json."""
IMAGES = RESULTS.parent / "images"

ROWS = {"gaussians_and_joints": "Gaussians and 2D joints", "joints_alone": "2D joints alone"}
"""What the rows of the last section are called."""
OF_PAPER = {
    "full": (71.0, 54.2, 93.4, 171.0),
    "no-condition": (71.7, 57.2, 91.2, 137.6),
    "no-hm": (72.4, 56.2, 92.2, 157.3),
    "no-gen": (73.6, 58.2, 92.5, 165.5),
    "no-mb": (76.0, 58.5, 91.6, 161.4),
    "k-1": (71.8, 54.9, 92.6, 167.4),
    "k-10": (70.7, 54.9, 93.3, 168.3),
    "k-50": (71.0, 55.2, 93.1, 168.0),
}
"""MPJPE, PMPJPE, PCK, CPS on H36MA: Table 4 of Wehrbein et al., ICCV 2021."""
OF_AUTHORS = 74_710
"""Generator iterations of the authors' training (METHOD section 4)."""
BATCH = 64
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
    """Table 4's rows on the ambiguous part of the open test split, and beside the paper's."""
    return ["## Ablations (Table 4)", *ablation_sections(result), *_beside_paper(result)]


def _beside_paper(result: dict[str, Any]) -> list[str]:
    """The differences to `full`, here and there."""
    rows = {row["name"]: row["subsets"]["ambiguous"] for row in result["rows"]}
    titles = {row["name"]: row["title"] for row in result["rows"]}
    lines = []
    for name in (name for name in rows if name in OF_PAPER and name != FULL):
        cells = []
        for metric, theirs, full in zip(_BEST, OF_PAPER[name], OF_PAPER[FULL], strict=True):
            ours, reference = (
                _SHOWN.get(metric, 1.0) * rows[row][f"{metric}.oracle_best"]["seeds"][0]
                for row in (name, FULL)
            )
            cells.append(f"{ours - reference:+.1f} / {theirs - full:+.1f}")
        lines.append((titles[name], *cells))
    more = OF_AUTHORS * BATCH / result["plan"]["pictures"]
    return [
        f"Differences to the full training, here / in the paper (H36MA; {more:.0f} times the iterations):",
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
                    f"{100 * paper['at_least_as_wide']:.0f} %",
                    _optional(geometry["sigma_correlation"], ".2f"),
                    _optional(geometry["major_axis_degrees"], ".0f"),
                    f"{geometry['major_axis_joints']:,}",
                )
            )
    parts = [
        "## Condition and L_HM: do hypotheses spread as the heatmaps' Gaussians do? (figure 7)",
        f"{_origin(result)} {result['pictures']:,} pictures of {result['data']} at even distances, "
        f"{result['samples']} hypotheses. For the joints with a fitted sigma above 1.05 confident ones (where L_HM is "
        "at work) and above 2.5: median of sqrt(tr s / tr S), s the covariance of the hypotheses' joint in the image "
        "plane at the person, S the Gaussian's, with quartiles; the share of joints with a ratio of 1 or more; the "
        "same two where heatmap cells become metres by the paper's constant (what L_HM asks for by default); "
        "the correlation of the logarithms of both sigmas; and the median angle between the larger axes where both "
        "ellipses are long (45: no relation), with the number of such joints.",
        table(
            (
                "",
                "joints",
                "ratio",
                "at least as wide",
                "ratio by the constant",
                "at least as wide by it",
                "correlation",
                "angle, degrees",
                "long",
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


def _at(summary: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for key in path:
        summary = summary[key]
    return summary


def _optional(value: float | None, form: str) -> str:
    return "none" if value is None else format(value, form)


def _image(name: str, alternative: str, caption: str) -> list[str]:
    """The picture with its caption, if it is there."""
    return [f"![{alternative}](../images/{name})", caption] if (IMAGES / name).exists() else []
