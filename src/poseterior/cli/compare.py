"""`poseterior compare`: every method that the paper compares with, side by side."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from poseterior.cli.exits import DONE
from poseterior.cli.streams import complain, say
from poseterior.cli.train import NEEDED, MissingExtraError


@dataclass(frozen=True)
class Compare:
    """Train the compared methods on the same pictures at one budget, measure them alike, write one table.

    What is in --out already is not done again: a comparison that was stopped goes on with the same command.
    """

    data: Annotated[Path, arg(metavar="FOLDER")]
    """A set made by poseterior synth: its splits train and validation are learnt from."""
    out: Path
    """Folder for trainings, reports and the table."""
    preset: Literal["tiny", "open"] = "open"
    """tiny: minutes, to see that everything works. open: published sizes, the paper's budget."""
    methods: tuple[str, ...] = ("all",)
    """Names of methods, or all."""
    test: str | None = None
    """What is measured on, as evaluate --data takes it; the split test of --data if not said."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where networks are trained and run."""
    matmul_precision: Literal["highest", "high", "medium"] = "highest"
    """Of matrix products; "medium" takes half as long on AMD's processors (docs/training.md)."""

    def run(self) -> int:
        """Do it; 143 or 130 where SIGTERM or Ctrl-C stopped it."""
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise MissingExtraError(
                f'compare needs {", ".join(missing)}, not installed here: pip install "poseterior[train]"'
            )
        from poseterior.compare.plan import PLANS
        from poseterior.compare.run import TABLE_FILE, compare
        from poseterior.train.config import DeviceConfig
        from poseterior.train.signals import stop_on_signals

        with stop_on_signals() as wish:
            finished = compare(
                PLANS[self.preset](),
                self.methods,
                self.data,
                str(self.data) if self.test is None else self.test,
                self.out,
                device=DeviceConfig(self.device, matmul_precision=self.matmul_precision),
                say_line=complain,
                stop=wish,
            )
        if not finished:
            complain("stopped; the same command goes on")
            return 128 + (wish.signal_number or 2)
        say(str(self.out / TABLE_FILE))
        return DONE
