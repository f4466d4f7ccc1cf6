"""Tables from the JSON results: `python benchmarks/tables.py` writes docs/results/speed.md and standin.md."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from _common import RESULTS

from poseterior.export.atomic import atomic_path
from poseterior.flow.model_card import read_card
from poseterior.weights import model_folder


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; the first column to the left, the others to the right."""
    head = list(header)
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def stamp(result: dict[str, Any]) -> str:
    """Where a result comes from."""
    return (
        f"`{result['command']}`, seed {result['seed']}, {result['date'][:10]}, {result['machine']}, "
        f"{result['cpu_count']} cores, Python {result['python']}; medians, interleaved."
    )


def listed(values: Iterable[float]) -> str:
    """Numbers in a row."""
    return ", ".join(f"{value:.2e}" for value in values)


def load(name: str) -> dict[str, Any]:
    """docs/results/NAME.json."""
    return json.loads((RESULTS / f"{name}.json").read_text())


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


def standin_page() -> str:
    """The stand-in's model card as a page."""
    card = read_card(model_folder("standin"))
    measured, training = card.metrics["held_out_test"], card.metrics["training"]
    rows = [(name.replace("_", " "), value) for name, value in measured.items()]
    splits = "; ".join(
        f"{capture}: validation {', '.join(map(str, split['validation']))}, test {', '.join(map(str, split['test']))}"
        for capture, split in card.metrics["split_by_subject"].items()
    )
    most = f"{100 * measured['coverage_of_90_percent_region']:.0f} %"
    half = f"{100 * measured['coverage_of_50_percent_region']:.0f} %"
    return "\n\n".join(
        [
            "# The stand-in weights",
            card.description,
            f"Data: {card.data}",
            f"Split by subject: {splits}; all others for training.",
            f"{training['steps_done']} steps of {training['batch_size']} pairs, "
            f"{training['minutes_on_one_cpu_core']} minutes on one CPU core, {card.metrics['date']}; seed "
            f"{card.seed}; `{card.command}`; weights SHA-256 `{card.weights_sha256[:16]}...`.",
            table(("on held-out people, simulated detections", "value"), rows),
            "`oracle best` chooses the hypothesis with the ground truth; `u0` is the pose of latent zero. "
            "Millimetres; log-densities in nats for poses in metres on the 45-dimensional space of centred poses.",
            f"Calibration: the 50 % region holds {half} of the truths and the 90 % region {most}. Fewer than "
            "named means too sure of itself on people it has not seen.\n",
        ]
    )


def write(path: Path, text: str) -> None:
    """Replace a page in one step."""
    with atomic_path(path) as temporary:
        temporary.write_text(text)
    print(path.name)


if __name__ == "__main__":
    sections = ["# Speed", fit_section(), flow_section(), cold_start_section()]
    write(RESULTS / "speed.md", "\n\n".join(sections) + "\n")
    write(RESULTS / "standin.md", standin_page())
