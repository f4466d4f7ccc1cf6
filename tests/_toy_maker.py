"""A maker of samples without bodies or pictures, for processes; and a set made with it as a process."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

SPLITS = ("train", "validation", "test")
COUNTS = {"train": 23, "validation": 7, "test": 12}
SHARD_SIZE = 5
SIGMA_CONFIDENT = 1.5
SCRIPT = """
import json, sys
from pathlib import Path
from _toy_maker import ToyConfig
{before}
from poseterior.data.synthesis.generate import generate
if __name__ == "__main__":
    arguments = json.loads(sys.argv[1])
    generate(ToyConfig(**arguments["config"]), Path(arguments["out"]), arguments["counts"],
             workers=arguments["workers"], pictures=True, shard_size=arguments["shard_size"])
"""


@dataclass(frozen=True)
class ToyConfig:
    """As SynthConfig; the rest is what shall go wrong."""

    seed: int = 0
    motion_folder: Path | None = None
    photos: bool = True
    pictures: bool = True
    children: bool = False
    delay_s: float = 0.0
    raise_at: tuple = ()
    """Names of samples ("train 7") that cannot be made."""
    die_at: tuple = ()
    """Names of samples at which the worker is killed."""
    pid_folder: str | None = None
    """Where each worker leaves a file named after its process."""
    broken: bool = False
    """Whether the maker itself cannot be made."""

    def build(self):
        return ToyMaker(self)

    __call__ = build


class ToyMaker:
    def __init__(self, config):
        self.config = config
        if config.broken:
            raise ValueError("the toy is broken")
        if config.pid_folder:
            (Path(config.pid_folder) / str(os.getpid())).touch()

    def identity(self):
        return {
            "seed": self.config.seed,
            "packages": {"toy": "1.0"},
            "licence": "toy",
            "detector": {
                "name": "toy",
                "heatmap_height": 64,
                "heatmap_width": 48,
                "sigma_confident_cells": SIGMA_CONFIDENT,
                "joint_names": ["a", "b"],
            },
        }

    def warm_up(self):
        pass

    def sample(self, split, index):
        name = f"{split} {index}"
        time.sleep(self.config.delay_s)
        if name in self.config.raise_at:
            raise ArithmeticError("one toy too many")
        if name in self.config.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return toy_sample(self.config.seed, split, index)


def toy_sample(seed, split, index):
    """The oracle: what must be found in the set."""
    rng = np.random.default_rng((seed, SPLITS.index(split), index))
    return {
        "joints_m": rng.normal(size=(17, 3)).astype(np.float32),
        "max_sigma_cell": np.array(rng.uniform(1.0, 6.0), np.float32),
        "refused_attempts": np.array(index % 3, np.uint8),
        "index": np.array(index, np.int32),
        "threads": np.array(int(os.environ.get("OMP_NUM_THREADS", "0")), np.uint8),
        "picture_jpeg": rng.integers(0, 256, rng.integers(0, 200), dtype=np.uint8),
    }


def start(out, *, config=None, counts=COUNTS, workers=2, shard_size=SHARD_SIZE, before="", **options):
    """`generate` in a process of its own; `before` is run in it first."""
    arguments = {
        "out": str(out),
        "config": asdict(config or ToyConfig()),
        "counts": counts,
        "workers": workers,
        "shard_size": shard_size,
    }
    script = Path(out).parent / "toy_script.py"
    script.write_text(SCRIPT.format(before=before))
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, str(script), json.dumps(arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def contents(folder):
    """Every file of the set with its bytes, but for the log."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "log.jsonl"
    }


def alive(pid_folder):
    """Which of the workers that left their number there still run (a zombie has ended, but is counted too)."""
    return [pid for pid in (int(path.name) for path in Path(pid_folder).iterdir()) if _exists(pid)]


def _exists(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
