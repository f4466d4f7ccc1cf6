"""A run from its configuration to its model, as the command line does it (torch)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lightning_fabric import Fabric

from poseterior.errors import InputError
from poseterior.export.atomic import atomic_path, writable_folder
from poseterior.train.config import TrainConfig
from poseterior.train.config_file import toml_of
from poseterior.train.data import TrainingData, load_training_data
from poseterior.train.display import Screen, shown_display
from poseterior.train.dry_run import dry_run_report
from poseterior.train.fabric import launch_fabric
from poseterior.train.finish import export_run
from poseterior.train.loop import train
from poseterior.train.runs import CONFIG_FILE, MODEL_FOLDER, Run, on_device
from poseterior.train.signals import stop_on_signals
from poseterior.train.watcher import Watcher

SayLine = Callable[[str], None]


def estimate(config: TrainConfig) -> list[str]:
    """What the run would cost, in lines of text; in a process that does not speak for all, none.

    Raises:
        InputError: the configuration or the data cannot be used.
    """
    fabric = launch_fabric(config.device)
    data = load_training_data(config.data)
    lines = dry_run_report(Run(config, fabric, data), data)
    return lines if fabric.is_global_zero else []


def start(config: TrainConfig, *, resume: bool, stream: Screen, say_line: SayLine) -> int | None:
    """Trains and exports.

    Args:
        config: checked.
        resume: go on from the checkpoint in `config.out`; else there must be none.
        stream: for a progress bar, if it is a terminal.
        say_line: for plain lines, if it is not.

    Returns:
        None where the run is finished; the number of the signal that stopped it where it is not.

    Raises:
        InputError: the configuration or the data cannot be used, or `config.out` already holds a run.
        ModelError: the checkpoint cannot be resumed, or the training diverged.
        OutputError: the folder cannot be written.
    """
    fabric = launch_fabric(config.device)
    data = load_training_data(config.data)
    run = Run(config, fabric, data)
    if resume:
        run.restore()
    elif run.checkpoint_path.exists():
        raise InputError(
            f"{config.out} already holds a run; go on with it by --resume, or give another --out"
        )
    # nobody writes there before all have looked
    fabric.barrier()
    if fabric.is_global_zero:
        writable_folder(config.out)
        _write_config(config.out / CONFIG_FILE, config)
    with stop_on_signals() as wish:
        finished = _train(run, fabric, data, stream, say_line, wish)
    if not finished:
        return wish.signal_number
    if fabric.is_global_zero:
        export_run(run, data)
        say_line(f"the model is in {config.out / MODEL_FOLDER}")
    fabric.barrier()
    return None


def _train(
    run: Run,
    fabric: Fabric,
    data: TrainingData,
    stream: Screen,
    say_line: SayLine,
    stop: Callable[[], bool],
) -> bool:
    if not fabric.is_global_zero:
        return train(run, None, stop)
    with shown_display(stream, say_line, run.config.schedule.steps, run.step) as display:
        watcher = Watcher(run, on_device(data.validation, fabric.device), display)
        try:
            return train(run, watcher, stop)
        finally:
            watcher.close()


def _write_config(path: Path, config: TrainConfig) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(toml_of(config), encoding="utf-8")
