"""`poseterior train CONFIG.toml`: from training pairs to a model, as a configuration says."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import FlagCreatePairsOff, Positional, arg

from poseterior.cli.exits import DONE, UsageError
from poseterior.cli.streams import complain, say
from poseterior.errors import PoseteriorError

if TYPE_CHECKING:
    from poseterior.train.config import TrainConfig

NEEDED = ("lightning_fabric", "onnx", "rich", "safetensors", "torch")
"""What the extra `train` brings."""
Preset = Literal["tiny", "wehrbein2021", "wehrbein2021-official", "posterior"]


@dataclass(frozen=True)
class Train:
    """Train a flow: the paper's objective, an ablation of it, or maximum likelihood.

    Every field of the configuration is an option too; what is given there goes before the file. SIGTERM and
    Ctrl-C save the run and end with 143 and 130; --resume then goes on as if nothing had happened. Several
    processes: torchrun --nproc-per-node N -m poseterior train ...
    """

    config: Positional[Annotated[Path | None, arg(metavar="CONFIG.toml")]] = None
    """The configuration, as --print-config writes it; what it leaves out is as in its preset."""
    preset: Preset | None = None
    """A configuration to start from, in place of a file. tiny: a trial of minutes. wehrbein2021: the paper's.
    wehrbein2021-official: its authors' code. posterior: maximum likelihood."""
    resume: bool = False
    """Go on from the checkpoint in the folder --out."""
    print_config: bool = False
    """Print the whole configuration as TOML, and do nothing."""
    dry_run: bool = False
    """Train a single step and say what the run would cost in time and memory; write nothing."""

    def run(self) -> int:
        """See `TrainAsConfigured`."""
        raise UsageError("train: expected CONFIG.toml or --preset")


@dataclass(frozen=True)
class TrainAsConfigured:
    """The verb with its configuration."""

    verb: Train
    settings: TrainConfig

    def run(self) -> int:
        """Train and export; 143 or 130 where SIGTERM or Ctrl-C stopped it and the run was saved."""
        from poseterior.train.config import check_config
        from poseterior.train.config_file import toml_of

        if self.verb.config is None and self.verb.preset is None:
            raise UsageError("train: expected CONFIG.toml or --preset")
        check_config(self.settings)
        if self.verb.print_config:
            say(toml_of(self.settings).rstrip("\n"))
            return DONE
        if self.verb.dry_run and self.verb.resume:
            raise UsageError("train: --dry-run begins anew; expected it without --resume")
        _check_tensorboard(self.settings)
        from poseterior.train.start import estimate, start

        if self.verb.dry_run:
            for line in estimate(self.settings):
                say(line)
            return DONE
        stopped_by = start(self.settings, resume=self.verb.resume, stream=sys.stderr, say_line=complain)
        if stopped_by is None:
            return DONE
        complain(
            f"stopped by {signal.Signals(stopped_by).name}; the run is saved, and --resume goes on with it"
        )
        return 128 + stopped_by


class MissingExtraError(PoseteriorError):
    """The packages of an extra are not installed."""


def parse_train(arguments: Sequence[str]) -> TrainAsConfigured:
    """The verb and its configuration: file or preset first, then what `arguments` say of single fields.

    Exits with 0 on --help, with 2 on wrong usage.

    Raises:
        InputError: the file cannot be used.
        MissingExtraError: the extra `train` is not installed.
        UsageError: both file and preset are given.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f'train needs {", ".join(missing)}, not installed here: pip install "poseterior[train]"'
        )
    from poseterior.train.config import TrainConfig
    from poseterior.train.config_file import read_config
    from poseterior.train.presets import PRESETS

    # once to learn where the configuration comes from, then with that as the defaults
    asked = [argument for argument in arguments if argument not in ("-h", "--help")]
    verb = _parsed(asked, TrainConfig()).verb
    if verb.config is not None and verb.preset is not None:
        raise UsageError("train: expected CONFIG.toml or --preset, not both")
    settings = TrainConfig() if verb.preset is None else PRESETS[verb.preset]()
    return _parsed(arguments, settings if verb.config is None else read_config(verb.config))


def _check_tensorboard(settings: TrainConfig) -> None:
    # before the run's folder is made: the tracker itself imports it only when files are already there
    if settings.watch.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise MissingExtraError(
            "watch.tensorboard needs tensorboard, not installed here: "
            'pip install "poseterior[tensorboard]", or leave it off'
        )


def _parsed(arguments: Sequence[str], defaults: TrainConfig) -> TrainAsConfigured:
    # made here, since tyro must see the class that only this verb loads
    both = dataclasses.make_dataclass(
        "TrainArguments",
        [
            ("verb", Annotated[Train, FlagCreatePairsOff, arg(name="")]),
            ("settings", Annotated[type(defaults), arg(name="")]),
        ],
        frozen=True,
    )
    parsed = tyro.cli(
        both,
        default=both(verb=Train(), settings=defaults),
        args=arguments,
        prog="poseterior train",
        description=inspect.cleandoc(Train.__doc__ or ""),
    )
    return TrainAsConfigured(parsed.verb, parsed.settings)
