"""Tables from the JSON results: `python benchmarks/tables.py` writes the pages of docs/results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from _ablations_page import TABLES as ABLATIONS
from _ablations_page import ablations_page
from _common import RESULTS
from _models_page import MODELS, models_page
from _tables import listed, load, percent, stamp, table

from poseterior.compare.page import page
from poseterior.export.atomic import atomic_path


def fit_section() -> str:
    """The Gaussian fit against curve_fit."""
    result = load("fit")
    rows = [
        (route.replace("_", " "), f"{ms:.3f}", f"{result['times_faster'][route]:.0f}")
        for route, ms in result["milliseconds_per_picture"].items()
    ]
    accuracy = result["accuracy"]
    return "\n\n".join(
        [
            "## Gaussian fit: 16 heatmaps of 64 x 64 a picture, against scipy's curve_fit, joint by joint",
            stamp(result),
            table(("route", "ms per picture", "times faster"), rows),
            f"Worst RMSE relative to curve_fit's over {accuracy['maps']} maps: "
            f"{accuracy['worst_rmse_ratio']:.7f}; median distance of the means "
            f"{accuracy['median_mean_difference_cells']:.1e} cells.",
        ]
    )


def flow_section() -> str:
    """The runtime against FrEIA."""
    result = load("flow")
    columns = ("layer_by_layer", "layer_by_layer_chunks_512", "torch_module", "runtime")
    rows = [
        (count, *(f"{ms[column]:.1f}" for column in columns), f"{result['ratio'][count]:.1f}")
        for count, ms in result["milliseconds"].items()
    ]
    header = ("hypotheses", "FrEIA, full batch (ms)", "FrEIA, chunks (ms)", "our torch (ms)", "runtime (ms)")
    errors = result["rms_to_float64_m"]
    return "\n\n".join(
        [
            "## Flow: hypotheses of one picture, against the same network run layer by layer by FrEIA",
            stamp(result),
            table((*header, "FrEIA, full batch / runtime"), rows),
            f"RMS distance to float64 in metres, seed by seed: runtime {listed(errors['runtime_fp32'])}; "
            f"FrEIA {listed(errors['layer_by_layer_fp32'])}.",
        ]
    )


def cold_start_section() -> str:
    """Whole processes."""
    result = load("cold_start")
    rows = [
        (name.replace("_", " "), f"{seconds:.2f}", f"{result['ratio_to_bare_imports'][name]:.2f}")
        for name, seconds in result["seconds"].items()
    ]
    return "\n\n".join(
        [
            "## Cold start: whole processes, one photo (astronaut.png), 200 hypotheses",
            stamp(result),
            table(("process", "seconds", "relative to importing the libraries"), rows),
            "Importing the fit, loading its kernel and a first fit take "
            f"{result['fit_import_load_and_first_call_ms']:.1f} ms of it.",
        ]
    )


def metrics_section() -> str:
    """The metrics against batched SVD and loops over thresholds."""
    result = load("metrics")
    rows = [
        (name.replace("_", " "), f"{1000 * seconds:.0f}", f"{result['times_faster'][name]:.0f}")
        for name, seconds in result["seconds"].items()
    ]
    return "\n\n".join(
        [
            f"## Metrics: {result['poses']:,} pictures x {result['hypotheses']} hypotheses, MPJPE, PMPJPE, PCK and "
            "CPS, against batched SVD and a loop over 300 thresholds",
            stamp(result),
            table(("route", "ms", "times faster"), rows),
            f"{result['threads']} thread. `ours all metrics` adds the rigid and scaled alignments and AUC; `ours whole "
            "report` K-Means, spread, symmetry and all answers.",
        ]
    )


def objective_section() -> str:
    """The paper's training against the authors' loop."""
    result = load("objective")
    seconds, ratio = result["seconds_per_iteration"], result["authors_loop_over_this"]
    rows = [
        (
            name.replace("_", " "),
            *(f"{seconds[heap][name]:.2f}" for heap in seconds),
            *(f"{ratio[heap][name]:.1f}" for heap in ratio),
        )
        for name in next(iter(seconds.values()))
    ]
    header = ("", *(f"{heap} (s)" for heap in seconds), *(f"{heap}: times faster" for heap in ratio))
    return "\n\n".join(
        [
            f"## Training: a generator iteration of the paper (batch {result['batch']}, {result['hypotheses']} "
            "hypotheses, 5 critic steps), against the authors' loop",
            stamp(result),
            table(header, rows),
            f"{result['threads']} threads, torch {result['torch']}. `two pass` has the same gradient as `full`, "
            "`subset` an unbiased estimate of it. `raised`: glibc's allocator keeps freed memory (docs/training.md). "
            "All pictures have an uncertain joint, but for the last row.",
        ]
    )


def matmul_section() -> str:
    """Training at both ways of multiplying matrices on a CPU."""
    result = load("matmul")
    rows = [
        (
            name,
            *(f"{1000 * seconds[precision]:.0f}" for precision in seconds),
            f"{result['times_faster'][name]:.2f}",
        )
        for name, seconds in result["seconds_per_step"].items()
    ]
    errors = result["relative_error_of_a_product"]
    return "\n\n".join(
        [
            '## Training: a step at `matmul_precision` "highest" and "medium"',
            stamp(result),
            table(("", "highest (ms)", "medium (ms)", "times faster"), rows),
            f"{result['threads']} thread, torch {result['torch']}. A product of 1,024 columns is off by "
            f"{errors['highest']:.1e} and {errors['medium']:.1e} of its size: on this processor nothing is rounded.",
        ]
    )


REAL_FRAMES = """`python experiments/compare_pictures.py --models T/wehrbein2021-seed0/model T/cvae-seed0/model
T/li2019-mdn-seed0/model`, T the comparison's folder `trainings`: 60 hypotheses each, seed 0, 2026-11-23. Frames of
`pose2sim-balancing`, chosen by their detections alone, and the demo's frame; the script says how.""".replace(
    "\n", " "
)


def open_benchmark_page() -> str:
    """All methods on the open data; the text that reads it is docs/comparison.md."""
    text = page(load("open-benchmark"), "../images/open-benchmark-curves.png")
    picture = RESULTS.parent / "images" / "methods-on-real-frames.png"
    if picture.exists():
        text += (
            "\n## Three methods on the same real frames (figure 8)\n\n"
            f"![Hypotheses of three methods on ambiguous real frames.](../images/{picture.name})\n\n"
            f"{REAL_FRAMES}\n"
        )
    return text


def open_data_page() -> str:
    """Synthetic pictures, and the same statistics of real footage beside them."""
    result, real = load("open-data"), load("balancing-detector")
    parts = [
        "# The open data, measured",
        f"`{result['command']}`, set of seed {result['seed']}, {result['date'][:10]}.",
        "Errors are distances of fitted means from the true joints, in percent of the person's size (the longer side "
        "of the box around the joints); sigma is the geometric mean of a Gaussian's principal standard deviations, in "
        "heatmap cells; both medians. `centred` is the error after the joint's constant offset is taken away.",
        "## Counts",
        counts_table(result["splits"]),
    ]
    for split, described in result["splits"].items():
        if split == "train":
            continue
        parts += [f"## {split}, joint by joint", joint_table(described["detector"])]
    parts += [
        "## By visibility (test)",
        visibility_table(result["splits"]["test"]["detector"]),
        f"Spearman(sigma, error) over all joints: "
        f"{result['splits']['test']['detector']['spearman_sigma_error']:.2f}; over the means of the joints: "
        f"{result['splits']['test']['detector']['spearman_sigma_error_by_joint_means']:.2f}.",
        "## Beside real footage",
        beside_real(result, real),
        f"`pose2sim-balancing`: `{real['command']}`, {real['date'][:10]}, {real['finder']['found']} of "
        f"{real['finder']['pictures']} pictures, person found by the detector's own finder; its truth is triangulated, "
        "with errors of 3 to 4 cm and constant shifts between cameras, and one man in one trial. The sample video "
        f"has no truth ({result['sample_video']['found']} of {result['sample_video']['frames']} frames).\n",
    ]
    return "\n\n".join(parts)


def counts_table(splits: dict[str, Any]) -> str:
    """How many samples of which kind."""
    counts = {split: described["counts"] for split, described in splits.items()}
    rows = [
        ("samples", *(f"{c['samples']:,}" for c in counts.values())),
        ("`ambiguous` (a sigma above 2.5 confident ones)", *(f"{c['ambiguous']:,}" for c in counts.values())),
        ("share of `ambiguous`", *(percent(c["ambiguous_share"]) for c in counts.values())),
        *(
            (
                f"share with {name} joints over that threshold",
                *(percent(c["joints_over_threshold_per_sample"][name]) for c in counts.values()),
            )
            for name in next(iter(counts.values()))["joints_over_threshold_per_sample"]
        ),
        (
            "detector elsewhere (half of the limb joints off by over 20 %)",
            *(percent(c["detector_is_elsewhere_share"]) for c in counts.values()),
        ),
        (
            "joints with a sigma above sigma_t, 1.05 confident ones",
            *(percent(c["joints_above_uncertain_from_share"]) for c in counts.values()),
        ),
        (
            "left and right swapped, of front and back views (9 of 10 joints nearer to the other side's)",
            *(percent(c["sides_swapped_share_of_front_and_back_views"]) for c in counts.values()),
        ),
        ("distinct frames of motion (legs)", *(f"{c['distinct_source_frames']:,}" for c in counts.values())),
        (
            "attempts in which the detector found nobody, drawn again",
            *(percent(c["pictures_refused_by_the_detector_share"]) for c in counts.values()),
        ),
    ]
    for group in ("pose_kinds", "camera_families", "joints_by_visibility"):
        first = next(iter(counts.values()))
        rows += [
            (f"{group.replace('_', ' ')}: {name}", *(percent(c[group][name]) for c in counts.values()))
            for name in first[group]
        ]
    rows.append(
        ("with other people", *(percent(c["pictures_with_other_people_share"]) for c in counts.values()))
    )
    for name in ("height_m", "depth_of_pelvis_m"):
        rows.append(
            (
                f"{name}: 5 %, 50 %, 95 %",
                *(", ".join(f"{c[name][q]:.2f}" for q in ("5%", "50%", "95%")) for c in counts.values()),
            )
        )
    return table(("", *counts), rows)


def joint_table(described: dict[str, Any]) -> str:
    """Visible and hidden joints."""
    rows = [
        (
            name.replace("_", " "),
            percent(row["visible_share"]),
            f"{row['visible']['median_error_percent']:.1f}",
            f"{row['visible']['median_centred_error_percent']:.1f}",
            f"{row['visible']['median_sigma_cell']:.2f}",
            f"{row['visible']['median_amplitude']:.2f}",
            f"{row['hidden']['median_error_percent']:.1f}",
            f"{row['hidden']['median_sigma_cell']:.2f}",
            f"{row['hidden']['median_amplitude']:.2f}",
            ", ".join(f"{value:.1f}" for value in row["constant_offset_percent"]),
        )
        for name, row in described["joints"].items()
    ]
    header = ("joint", "visible", "error", "centred", "sigma", "amplitude")
    return table((*header, "hidden: error", "sigma", "amplitude", "offset x, y (%)"), rows)


def visibility_table(described: dict[str, Any]) -> str:
    """One row per reason."""
    rows = [
        (
            name.replace("_", " "),
            f"{row['count']:,}",
            f"{row['median_error_percent']:.1f}",
            f"{row['median_sigma_cell']:.2f}",
            f"{row['median_amplitude']:.2f}",
        )
        for name, row in described["visibility"].items()
    ]
    return table(("joints that are", "count", "error (%)", "sigma", "amplitude"), rows)


def beside_real(result: dict[str, Any], real: dict[str, Any]) -> str:
    """Per joint: synthetic test pictures, the balancing trial, the sample video."""
    test, video = result["splits"]["test"]["detector"]["joints"], result["sample_video"]["joints"]
    rows = []
    for name, row in test.items():
        footage = real["finder"]["joints"].get(name)
        rows.append(
            (
                name.replace("_", " "),
                f"{row['all']['median_error_percent']:.1f}",
                f"{footage['error_median_percent']:.1f}" if footage else "no truth",
                f"{row['all']['median_sigma_cell']:.2f}",
                f"{footage['sigma_cell_median']:.2f}" if footage else "",
                f"{video[name]['median_sigma_cell']:.2f}",
                f"{row['all']['median_amplitude']:.2f}",
                f"{footage['amplitude_median']:.2f}" if footage else "",
                f"{video[name]['median_amplitude']:.2f}",
            )
        )
    header = ("joint", "error: synthetic", "balancing", "sigma: synthetic", "balancing", "video")
    return table((*header, "amplitude: synthetic", "balancing", "video"), rows)


def write(path: Path, text: str) -> None:
    """Replace a page in one step."""
    with atomic_path(path) as temporary:
        temporary.write_text(text)
    print(path.name)


if __name__ == "__main__":
    sections = ["# Speed", fit_section(), flow_section(), cold_start_section(), metrics_section()]
    if (RESULTS / "objective.json").exists():
        sections.append(objective_section())
    if (RESULTS / "matmul.json").exists():
        sections.append(matmul_section())
    write(RESULTS / "speed.md", "\n\n".join(sections) + "\n")
    if any((RESULTS / f"evaluate-{name}.json").exists() for name in MODELS):
        write(RESULTS / "models.md", models_page())
    if (RESULTS / "open-benchmark.json").exists():
        write(RESULTS / "open-benchmark.md", open_benchmark_page())
    if (RESULTS / "open-data.json").exists():
        write(RESULTS / "open-data.md", open_data_page())
    if any((RESULTS / f"{name}.json").exists() for name in ABLATIONS):
        write(RESULTS / "ablations.md", ablations_page())
