"""The page that sets the models side by side."""

from __future__ import annotations

from typing import Any

from _common import RESULTS
from _tables import load, table

MODELS = ("standin", "wehrbein2021", "posterior")
"""Of which `poseterior evaluate` wrote docs/results/evaluate-MODEL.json."""
ANSWERS = {
    "oracle best of {}": "oracle_best",
    "z0": "z0",
    "mean pose": "mean_pose",
    "oracle worst of {}": "oracle_worst",
}

STANDIN = (
    "`standin` was the package's first model, trained on simulated detections; `posterior` took its place, and it is "
    "no longer bundled."
)

CALIBRATION = """## Calibration of `posterior`

![Share of truths inside of regions against their nominal probability.](../images/posterior-reliability.png)

Single joints and coordinates hold the truth as often as they say. Regions of the whole pose are too large: the training
adds 5 mm of noise to each joint, since bones of constant length have no density, and a pose without that noise lies
nearer to the middle than the samples do.

![Oracle best of the first n hypotheses, beside noise around z0.](../images/posterior-error-by-hypotheses.png)

![Fitted sigma and 2D error, spread and 3D error, joint by joint.](../images/posterior-sigma-and-error.png)"""


def models_page() -> str:
    """Models side by side on the open test split, and on real footage."""
    reports = {
        name: load(f"evaluate-{name}") for name in MODELS if (RESULTS / f"evaluate-{name}.json").exists()
    }
    first = next(iter(reports.values()))
    settings, data = first["settings"], first["dataset"]
    samples = settings["samples"]
    parts = [
        "# Models on the open test split",
        f"`poseterior evaluate --model MODEL --data FOLDER:test --samples {samples} --seed {settings['seed']}`, "
        f"{data['num_evaluated']:,} pictures of {len(data['subjects'])} people who are in no other split, "
        f"{first['run']['date'][:10]}. In brackets 95 % intervals over sequences. What is called oracle is chosen with "
        "the truth, by each metric for itself.",
    ]
    if "standin" in reports:
        parts.append(STANDIN)
    for subset, title in (("all", "All pictures"), ("ambiguous", "Ambiguous pictures")):
        parts += [f"## {title}", *errors_tables(reports, subset, samples), spread_table(reports, subset)]
    parts += [CALIBRATION, *balancing_section()]
    return "\n\n".join(parts) + "\n"


def errors_tables(reports: dict[str, Any], subset: str, samples: int) -> list[str]:
    """MPJPE and PMPJPE of each answer."""
    header = ["", *(answer.format(samples) for answer in ANSWERS)]
    tables = []
    for metric, said in (("mpjpe_mm", "MPJPE, mm"), ("pmpjpe_mm", "PMPJPE, mm")):
        rows = [
            (name, *(with_interval(poses[metric][answer], 1) for answer in ANSWERS.values()))
            for name, poses in ((name, r["subsets"][subset]["poses"]) for name, r in reports.items())
        ]
        tables.append(table([said, *header[1:]], rows))
    return tables


def spread_table(reports: dict[str, Any], subset: str) -> str:
    """How wide the hypotheses are, and whether as wide as right."""
    rows = []
    for name, report in reports.items():
        part = report["subsets"][subset]
        std, drawn, density = part["poses"]["std_mm"], part["samples"], part.get("density")
        rows.append(
            (
                name,
                *(f"{std[axis]['mean']:.0f}" for axis in ("x", "y", "depth")),
                *(f"{drawn[f'central_coverage_{level}']['mean']:.3f}" for level in (50, 90)),
                f"{drawn['ece']['mean']:.3f}",
                f"{drawn['energy_score_mm']['mean']:.0f}",
                f"{density['hdr_coverage_90']['mean']:.3f}" if density else "no density",
                f"{density['nll_nats_mm_median']:.0f}" if density else "no density",
            )
        )
    header = ("", "std x, mm", "y", "depth", "in central 50 %", "90 %", "ECE", "energy score, mm")
    return table((*header, "in 90 % region of the pose", "median NLL, nats (mm)"), rows)


def with_interval(value: dict[str, Any], digits: int) -> str:
    """Mean and interval."""
    low, high = value["interval"]
    return f"{value['mean']:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _days(results: list[dict[str, Any]]) -> str:
    return " to ".join(sorted({result["date"][:10] for result in results}))


def balancing_section() -> list[str]:
    """Real footage, beside BlazePose's own 3D landmarks."""
    found = [load(f"balancing-{name}") for name in MODELS if (RESULTS / f"balancing-{name}.json").exists()]
    if not found:
        return []
    answers = {"z0": "z0", "mean pose": "mean_pose", "oracle best of 200": "best"}
    rows = []
    for result in found:
        error, relative = result["pmpjpe_mm"], result["relative_to_blazepose"]
        inside = result["truth_inside_marginal_region"]
        cells = [f"{error[key]['median']:.1f} ({relative[key]['median']:.2f})" for key in answers.values()]
        rows.append((result["model"], *cells, f"{100 * inside['50%']:.0f} %", f"{100 * inside['90%']:.0f} %"))
    peer = found[-1]["pmpjpe_mm"]["blazepose"]
    rows.append(("BlazePose's world landmarks", f"{peer['median']:.1f} (1)", "", "", "", ""))
    return [
        "## Real footage: pose2sim-balancing",
        f"`python experiments/evaluate_balancing.py --model MODEL`, seed {found[-1]['seed']}, "
        f"{found[-1]['samples']} hypotheses, {_days(found)}; {found[-1]['found']} pictures, 12 limb joints: "
        "median PMPJPE in mm, and as a share of that of BlazePose's own 3D landmarks on the same crops; then how often "
        "a joint's truth lies inside the 50 % and 90 % ellipsoid of its hypotheses. One man, one trial; the truth is "
        "triangulated, with errors of 3 to 4 cm.",
        table(("", *answers, "inside 50 %", "inside 90 %"), rows),
    ]
