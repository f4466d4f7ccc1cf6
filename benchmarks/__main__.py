"""Run every speed benchmark, one after the other: `python -m benchmarks` (or `make bench`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SPEED = ("fit.py", "flow.py", "cold_start.py", "metrics.py", "objective.py", "matmul.py")

for name in SPEED:
    print(f"== benchmarks/{name}", flush=True)
    subprocess.run([sys.executable, str(Path(__file__).with_name(name))], check=True)
