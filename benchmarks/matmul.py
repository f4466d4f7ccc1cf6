"""What `matmul_precision = "medium"` does to training on a CPU: seconds a step, and how far products are off.

PyTorch multiplies float32 matrices by MKL at "highest" and by oneDNN at "medium", which may round the factors to
bfloat16 where the processor has units for that. One step each of the compared networks and of the posterior flow, at
their published sizes and batches, in turn; glibc's thresholds raised for all (docs/training.md), so that page faults do
not hide the products.

    python benchmarks/matmul.py [--threads 1] [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from _common import interleave, write_result
from torch import Tensor

from poseterior.models.network_methods import build_network
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.train.methods.fitters import fitter_for
from poseterior.train.methods.registry import published_recipe
from poseterior.train.presets import PRESETS

METHODS = ("martinez2017", "graphmdn", "cvae", "flow_matching")
RAISED = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(4 << 30)}
PRECISIONS = ("highest", "medium")


def _batch(size: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = 0.3 * torch.randn(size, 3, 16, generator=generator)
    x = (x - x.mean(dim=-1, keepdim=True)).flatten(1)
    return x, torch.randn(size, 32, generator=generator), torch.randn(size, 78, generator=generator)


def _network_step(method: str) -> Callable[[], object]:
    torch.manual_seed(0)
    recipe = published_recipe(method)
    network = build_network(method)
    x, y, condition = _batch(recipe.batch_size)
    network.set_scale_from(x, y, condition)
    fitter, generator = fitter_for(network, recipe), torch.Generator().manual_seed(0)
    return lambda: fitter.step(x, y, condition, generator, 1.0)


def _posterior_step() -> Callable[[], object]:
    torch.manual_seed(0)
    preset = PRESETS["posterior"]()
    flow = PosteriorFlow(preset.flow)
    optimiser = torch.optim.AdamW(flow.parameters(), fused=True)
    x, y, condition = _batch(preset.data.batch_size)

    def step() -> None:
        optimiser.zero_grad()
        (-flow.log_prob(x[:, None], y, condition).mean()).backward()
        optimiser.step()

    return step


def _at(precision: str, step: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        torch.set_float32_matmul_precision(precision)
        step()

    return run


def relative_error(precision: str) -> float:
    """Of a product of 1,024 columns, RMS relative to float64."""
    torch.set_float32_matmul_precision(precision)
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(1024, 1024, generator=generator) for _ in range(2))
    exact = left.double() @ right.double()
    return float(((left @ right).double() - exact).norm() / exact.norm())


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if not RAISED.items() <= os.environ.items():
        # read by glibc when the process starts
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **RAISED})
    torch.set_num_threads(arguments.threads)
    steps = {method: _network_step(method) for method in METHODS} | {"posterior flow": _posterior_step()}
    seconds: dict[str, dict[str, float]] = {}
    for name, step in steps.items():
        seconds[name] = interleave(
            {precision: _at(precision, step) for precision in PRECISIONS}, arguments.rounds
        )
        ratio = seconds[name]["highest"] / seconds[name]["medium"]
        print(f"{name}: {1000 * seconds[name]['medium']:.0f} ms a step, {ratio:.2f} times faster")
    payload = {
        "threads": arguments.threads,
        "rounds": arguments.rounds,
        "torch": torch.__version__,
        "seconds_per_step": seconds,
        "times_faster": {name: values["highest"] / values["medium"] for name, values in seconds.items()},
        "relative_error_of_a_product": {precision: relative_error(precision) for precision in PRECISIONS},
    }
    write_result("matmul", payload, arguments.out)


if __name__ == "__main__":
    main()
