"""A report as Markdown: pose errors, the posterior's scores, the paper's table by action, the curves as numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poseterior.export.atomic import atomic_path

_METRICS = {
    "mpjpe_mm": ("MPJPE, mm", 1),
    "pmpjpe_mm": ("PMPJPE, mm", 1),
    "pmpjpe_rigid_mm": ("PMPJPE without scale, mm", 1),
    "n_mpjpe_mm": ("N-MPJPE, mm", 1),
    "pck": ("PCK at 150 mm", 3),
    "auc": ("AUC", 3),
    "cps_mm": ("CPS, mm", 1),
}
_ANSWERS = {
    "z0": "z0",
    "mean_pose": "mean pose",
    "random_one": "random one",
    "k_means_5_oracle_best": "best of 5 centres (oracle)",
    "oracle_best": "best (oracle)",
    "oracle_worst": "worst (oracle)",
}
_ACTION_ANSWERS = {"z0": "z0 (1)", "mean_pose": "mean pose (1)", "oracle_best": "best (oracle)"}
_DENSITY = {
    "nll_nats_mm": ("negative log-likelihood, nats (mm)", 2),
    "entropy_nats_mm": ("entropy, nats (mm)", 2),
    "hdr_calibration_error": ("calibration error of highest-density regions", 3),
    "hdr_overconfidence": ("overconfidence of highest-density regions", 3),
    "hdr_coverage_50": ("truths in the 50 % region", 3),
    "hdr_coverage_90": ("truths in the 90 % region", 3),
}
_SAMPLES = {
    "energy_score_mm": ("energy score, mm", 1),
    "crps_mm": ("CRPS, mm", 2),
    "ece": ("ECE (Pierzchlewicz et al.)", 3),
    "central_calibration_error": ("calibration error of central intervals", 3),
    "central_overconfidence": ("overconfidence of central intervals", 3),
    "central_coverage_50": ("truths in the central 50 % interval", 3),
    "central_coverage_90": ("truths in the central 90 % interval", 3),
    "pit_bias_root_mean_square": ("bias of the truth's rank, root mean square", 3),
}
_AXES = {
    "crps_by_axis_mm": ("CRPS, mm", 2),
    "width_of_central_90_mm": ("width of the central 90 % interval, mm", 1),
    "pit_bias": ("bias of the truth's rank", 3),
    "pit_dispersion": ("dispersion of the truth's rank (1: as wide as right)", 3),
}


_HUGE = 1e7
"""Such as likelihoods of truths that a model holds for impossible; their digits tell nothing."""


def markdown_of(report: dict[str, Any]) -> str:
    """The whole report in tables; numbers in brackets are the ends of 95 % intervals."""
    lines = [f"# {report['model']['name']} on {report['dataset']['name']}", "", *_introduction(report)]
    for name, summary in report["subsets"].items():
        lines += ["", f"## Pictures: {name}", ""]
        lines += ["There are none."] if summary is None else _subset(summary)
    lines += ["", "## By action", "", *_actions(report, "actions")]
    if report["settings_of_the_set"]:
        lines += ["", "## By setting", "", *_actions(report, "settings_of_the_set")]
    return "\n".join([*lines, "", "## How it was made", "", *_provenance(report)]) + "\n"


def write_markdown(report: dict[str, Any], path: Path) -> None:
    """Atomically; raises OutputError where the file cannot be written."""
    with atomic_path(path) as temporary:
        temporary.write_text(markdown_of(report), encoding="utf-8")


def estimate_text(estimate: dict[str, Any], decimals: int) -> str:
    """Such as "44.3 [43.9, 44.8]"."""
    if estimate["mean"] is None:
        return "infinite"
    text = _number(estimate["mean"], decimals)
    if estimate["interval"] is None:
        return text
    low, high = (_number(end, decimals) for end in estimate["interval"])
    return f"{text} [{low}, {high}]"


def _number(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}" if abs(value) < _HUGE else f"{value:.2g}"


def _introduction(report: dict[str, Any]) -> list[str]:
    samples, dataset = report["settings"]["samples"], report["dataset"]
    lines = [
        f"{dataset['num_evaluated']:,} of {dataset['num_pictures']:,} pictures, {samples} hypotheses each, "
        f"seed {report['settings']['seed']}. Brackets: 95 % intervals, bootstrapped over "
        f"{dataset['num_sequences_evaluated']:,} sequences. Oracle: chosen with the truth.",
    ]
    for warning in report["warnings"]:
        lines += ["", f"**{warning}**"]
    for note in dataset["notes"]:
        lines += ["", note]
    return lines


def _subset(summary: dict[str, Any]) -> list[str]:
    poses = summary["poses"]
    answers = {key: name for key, name in _ANSWERS.items() if key in poses["mpjpe_mm"]}
    lines = [f"{summary['num_pictures']:,} pictures, {summary['num_sequences']:,} sequences.", ""]
    lines += _table(
        ["", *answers.values()],
        [
            [title, *(estimate_text(poses[metric][answer], decimals) for answer in answers)]
            for metric, (title, decimals) in _METRICS.items()
        ],
    )
    rows = [
        [title, estimate_text(summary[part][key], decimals)]
        for part, entries in (("density", _DENSITY), ("samples", _SAMPLES))
        if summary[part] is not None
        for key, (title, decimals) in entries.items()
        if key in summary[part]
    ]
    if summary["density"] is not None:
        median = summary["density"]["nll_nats_mm_median"]
        text = estimate_text({"mean": median, "interval": None}, 2)
        rows.insert(1, ["its median over pictures", text])
    symmetry = poses["symmetry_mm"]
    rows += [
        [f"left-right difference of bones, {name}, mm", estimate_text(symmetry[answer], 1)]
        for answer, name in (("mean_value", "hypotheses"), ("mean_pose", "mean pose"), ("truth", "truth"))
    ]
    if "diversity_mm" in poses:
        rows.append(["mean distance of two hypotheses, mm", estimate_text(poses["diversity_mm"]["pairs"], 1)])
    lines += ["", *_table(["the posterior", ""], rows)]
    if summary["samples"] is not None:
        lines += ["", *_axes(summary)]
    return [*lines, "", *_best_of(summary["oracle_best_of_first"]), "", *_joints(summary)]


def _axes(summary: dict[str, Any]) -> list[str]:
    axes = ("x", "y", "depth")
    rows = [
        ["standard deviation of the hypotheses, mm"]
        + [estimate_text(summary["poses"]["std_mm"][axis], 1) for axis in axes]
    ]
    rows += [
        [title, *(estimate_text(summary["samples"][key][axis], decimals) for axis in axes)]
        for key, (title, decimals) in _AXES.items()
    ]
    return _table(["by axis", *axes], rows)


def _best_of(curves: dict[str, Any]) -> list[str]:
    titles = {"mpjpe_mm": "MPJPE", "pmpjpe_mm": "PMPJPE"}
    rows = [
        [f"{who}, {titles[metric]}, mm", *(estimate_text({**value, "interval": None}, 1) for value in values)]
        for key, who in (("model", "model"), ("noise_baseline", "noise around z0"))
        for metric, values in curves[key].items()
    ]
    return _table(["best of the first (oracle)", *map(str, curves["counts"])], rows)


def _joints(summary: dict[str, Any]) -> list[str]:
    spread = summary["spread_mm"] or {}
    rows = []
    for joint, values in summary["joints"].items():
        row = [joint.replace("_", " "), f"{values['z0_error_mm']:.1f}", f"{values['mean_pose_error_mm']:.1f}"]
        row += [f"{spread[joint][axis]:.1f}" if spread else "" for axis in ("x", "y", "depth")]
        row.append(f"{values['calibration_error']:.3f}" if "calibration_error" in values else "")
        row += [f"{values[key]:.2f}" if key in values else "" for key in ("sigma_cell", "error_2d_cell")]
        rows.append(row)
    return _table(
        [
            "joint",
            "error of z0, mm",
            "of the mean pose, mm",
            "spread x, mm",
            "y, mm",
            "depth, mm",
            "calibration error",
            "fitted sigma, cells",
            "2D error, cells",
        ],
        rows,
    )


def _actions(report: dict[str, Any], key: str) -> list[str]:
    """As the paper's table 1: a row for each answer, a column for each action."""
    groups, samples = report[key], report["settings"]["samples"]
    whole = report["subsets"].get("all") or report["subsets"].get("ambiguous")
    with_mean = key == "actions"
    lines: list[str] = []
    for metric in ("mpjpe_mm", "pmpjpe_mm", "pck"):
        title, decimals = _METRICS[metric]
        rows = []
        for answer, name in _ACTION_ANSWERS.items():
            values = [group["poses"][metric][answer]["mean"] for group in groups.values()]
            values += [report["mean_of_actions"][metric][answer]] if with_mean else []
            values.append(whole["poses"][metric][answer]["mean"])
            rows.append([f"{name[:-1]}, {samples})" if answer == "oracle_best" else name])
            rows[-1] += [f"{value:.{decimals}f}" for value in values]
        last = ["mean of actions"] if with_mean else []
        lines += [*_table([title, *groups, *last, "all pictures"], rows), ""]
    return lines[:-1]


def _provenance(report: dict[str, Any]) -> list[str]:
    model, dataset = report["model"], report["dataset"]
    entries = {
        "model": f"{model['name']}: {model['method']}, {model['num_parameters']:,} parameters"
        + (f", weights SHA-256 `{model['weights_sha256'][:16]}...`" if "weights_sha256" in model else ""),
        "data": f"{dataset['name']}, SHA-256 `{dataset['checksum'][:16]}...`, 2D joints: {dataset['joints_2d_source']}"
        f", detector profile {dataset['detector_profile']}",
        "code": f"poseterior {report['versions']['poseterior']}, revision {report['git_revision'] or 'not known'}",
    }
    if "run" in report:
        entries["command"] = f"`{report['run']['command']}`"
        entries["date"] = f"{report['run']['date']}, {report['run']['seconds']:.0f} s"
    return [f"- {name}: {text}" for name, text in entries.items()]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]
