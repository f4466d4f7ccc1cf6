"""What a run will cost, from a single step (torch)."""

from __future__ import annotations

import sys
import time

import torch

from poseterior.train.data import TrainingData
from poseterior.train.display import duration, losses_text
from poseterior.train.runs import Run, on_device
from poseterior.train.validation import validate

_MB = 1e6


def dry_run_report(run: Run, data: TrainingData) -> list[str]:
    """Trains one step, after one to warm up, validates a block, and says what it took; writes nothing."""
    config = run.config
    losses = run.one_step()
    step_s = _seconds(run, run.one_step)
    block = on_device(data.validation, run.fabric.device)
    count = min(config.validation.pictures, len(block.x))
    some = type(block)(*(values[: min(count, 64)] for values in block))
    validation_s = _seconds(
        run, lambda: validate(run.flow, some, config.validation.hypotheses, config.seed)
    ) * (count / len(some.x))
    validations = config.schedule.steps / config.validation.every + 2
    total_s = config.schedule.steps * step_s + validations * validation_s
    parameters = {
        name: sum(parameter.numel() for parameter in learner.module.parameters())
        for name, learner in run.trainee.learners.items()
    }
    return [
        f"{len(data.train.x):,} training pairs, {len(data.validation.x):,} validation pairs",
        "parameters: " + ", ".join(f"{name} {count:,}" for name, count in parameters.items()),
        f"device {run.fabric.device}, {run.fabric.world_size} process(es), {torch.get_num_threads()} thread(s)",
        "losses at step 0: " + losses_text({name: float(loss) for name, loss in losses.items()}),
        f"a step takes {1000 * step_s:.1f} ms, a validation {validation_s:.1f} s",
        f"{config.schedule.steps:,} steps: about {duration(total_s)}",
        f"peak memory so far: {_peak_memory_mb(run):,.0f} MB",
    ]


def _seconds(run: Run, work) -> float:
    _wait(run)
    start = time.perf_counter()
    work()
    _wait(run)
    return time.perf_counter() - start


def _wait(run: Run) -> None:
    if run.fabric.device.type == "cuda":
        torch.cuda.synchronize(run.fabric.device)


def _peak_memory_mb(run: Run) -> float:
    """Of the device where that is a GPU, else of this process."""
    if run.fabric.device.type == "cuda":
        return torch.cuda.max_memory_allocated(run.fabric.device) / _MB
    if sys.platform == "win32":
        return float("nan")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MB if sys.platform == "darwin" else 1024 * peak / _MB
