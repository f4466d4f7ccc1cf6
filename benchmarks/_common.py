"""What the benchmarks share: interleaved medians, and one JSON file per result."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from poseterior.export.atomic import atomic_path

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"


def interleave(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median wall-clock seconds of each function, called in turn `rounds` times after one warm-up round.

    Taking turns lets a slow spell of the machine fall on all of them alike.
    """
    for function in functions.values():
        function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def write_result(name: str, payload: Mapping[str, Any], out: Path | None = None, *, seed: int = 0) -> Path:
    """Write `payload` with date, seed, versions and machine to `out` (default docs/results/NAME.json)."""
    path = out or RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    stamped = {
        "name": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "cpu_count": os.cpu_count(),
        "command": " ".join(["python", "benchmarks/" + Path(sys.argv[0]).name, *sys.argv[1:]]),
        **payload,
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(stamped, indent=2) + "\n")
    return path
