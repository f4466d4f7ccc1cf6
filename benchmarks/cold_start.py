"""`poseterior lift photo.jpg` as a whole process, and what of it is the compiled fit.

Reference, in the same run and interleaved: a process that only imports the libraries that lifting needs.

    python benchmarks/cold_start.py [--rounds 7] [--out FILE]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from _common import interleave, write_result

from poseterior.assets import fetch

LIBRARIES = "import numpy, onnxruntime, PIL.Image, matplotlib.figure, matplotlib.backends.backend_agg, tyro"
LIBRARIES += "; from ai_edge_litert.interpreter import Interpreter"
LOAD_KERNEL = (
    "import numpy, jaxtyping, time; start = time.perf_counter();"
    "from poseterior.heatmaps.fit import fit_gaussians; fit_gaussians(numpy.ones((1, 8, 8)));"
    "print(1e3 * (time.perf_counter() - start))"
)


def run(*arguments: str) -> str:
    """One process, its stdout."""
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Print medians and ratios; write docs/results/cold_start.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    photo = str(fetch()["astronaut.png"])
    with tempfile.TemporaryDirectory() as folder:
        lift = ("-m", "poseterior", "lift", photo, "--out", folder)
        seconds = interleave(
            {
                "imports_only": lambda: run("-c", LIBRARIES),
                "help": lambda: run("-m", "poseterior", "--help"),
                "lift": lambda: run(*lift),
                "lift_no_figure": lambda: run(*lift, "--no-figure"),
            },
            arguments.rounds,
        )
    kernel_ms = sorted(float(run("-c", LOAD_KERNEL)) for _ in range(arguments.rounds))[arguments.rounds // 2]
    ratios = {name: value / seconds["imports_only"] for name, value in seconds.items()}
    for name, value in seconds.items():
        print(f"{name:16s} {value:6.2f} s  {ratios[name]:5.2f} x bare imports")
    print(f"importing the fit, loading its kernel and a first fit: {kernel_ms:.1f} ms")
    payload = {
        "rounds": arguments.rounds,
        "seconds": seconds,
        "ratio_to_bare_imports": ratios,
        "fit_import_load_and_first_call_ms": kernel_ms,
    }
    write_result("cold_start", payload, arguments.out)


if __name__ == "__main__":
    main()
