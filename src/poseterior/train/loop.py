"""The training loop (torch)."""

from __future__ import annotations

import time
from collections.abc import Callable

from poseterior.errors import ModelError
from poseterior.train.fabric import any_process
from poseterior.train.runs import Run
from poseterior.train.trainees import seed_everything_else
from poseterior.train.watcher import Watcher


def train(run: Run, watcher: Watcher | None, stop: Callable[[], bool] = lambda: False) -> bool:
    """Steps to the end of the schedule, or until `stop()`; the run is saved in either case.

    Args:
        run: at its beginning or restored.
        watcher: in the process that speaks for all; None in the others.
        stop: asked after each step; one process that wants to stop stops all.

    Returns:
        Whether the end was reached.

    Raises:
        ModelError: a loss is no longer finite; what was saved last stays.
        OutputError: the run's folder cannot be written.
    """
    config, fabric = run.config, run.fabric

    def due(every: int) -> bool:
        return run.step % every == 0 or run.step == config.schedule.steps

    if run.step == 0:
        _validate(run, watcher)
        run.save()
    while run.step < config.schedule.steps:
        start = time.perf_counter()
        seed_everything_else(config, fabric, run.step)
        run.window.add(run.one_step())
        run.seconds += time.perf_counter() - start
        if due(config.watch.report_every):
            _check_finite(run)
            means = run.window.take_means(fabric)
            if watcher is not None:
                watcher.report(run, means)
        if due(config.validation.every):
            _validate(run, watcher)
        stopping = any_process(fabric, stop())
        if due(config.watch.checkpoint_every) or stopping:
            _check_finite(run)
            run.save()
        if stopping:
            return False
    return True


def _validate(run: Run, watcher: Watcher | None) -> None:
    if watcher is not None:
        watcher.validate(run)
    run.fabric.barrier()


def _check_finite(run: Run) -> None:
    # the gradient's norm is that of all processes, so that all of them stop here
    name = run.window.first_not_finite()
    if name is not None:
        raise ModelError(f"training diverged before step {run.step}: {name} is no longer finite")
