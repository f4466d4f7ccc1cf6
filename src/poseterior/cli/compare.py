"""`poseterior compare`: every method that the paper compares with, side by side."""

from __future__ import annotations

import importlib.util
import shlex
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from poseterior.cli.exits import DONE
from poseterior.cli.streams import complain, say
from poseterior.cli.train import NEEDED, MissingExtraError

if TYPE_CHECKING:
    from poseterior.compare.plan import Plan

_ALWAYS_GIVEN = ("preset", "data", "out", "ablations")


@dataclass(frozen=True)
class Compare:
    """Train the compared methods on the same pictures at one budget, measure them alike, write tables and figures.

    What is in --out already is not done again: a comparison that was stopped goes on with the same command.
    """

    data: Annotated[Path, arg(metavar="FOLDER")]
    """A set made by poseterior synth or poseterior pairs: its splits train and validation are learnt from."""
    out: Path
    """Folder for trainings, reports, tables and figures."""
    preset: Literal["tiny", "open", "h36m"] = "open"
    """tiny: minutes, to see that everything works. open: published sizes, 640,000 pictures, 2,500 test pictures.
    h36m: published sizes, the paper's 4,781,440 pictures, all test pictures."""
    ablations: bool = False
    """In place of the methods: the paper's flow, each part of its training left out or changed (the paper's Table 4);
    with open, 96,000 pictures for each row."""
    methods: tuple[str, ...] = ("all",)
    """Names of methods, or of ablations, or all."""
    test: tuple[str, ...] = ()
    """What is measured on, one or more as evaluate --data takes them; the split test of --data if not said."""
    pictures: int | None = None
    """In place of the preset's: training pictures that each method is shown, repetitions counted."""
    max_pictures: int | None = None
    """In place of the preset's: test pictures, at even distances through each set."""
    seeds: tuple[int, ...] | None = None
    """In place of the preset's 0 1: each method is trained once for each; the dear ones of open for the first only."""
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
        from poseterior.compare.run import compare
        from poseterior.train.config import DeviceConfig
        from poseterior.train.signals import stop_on_signals

        with stop_on_signals() as wish:
            finished = compare(
                self._plan(),
                self.methods,
                self.data,
                self.test or (str(self.data),),
                self.out,
                device=DeviceConfig(self.device, matmul_precision=self.matmul_precision),
                command=shlex.join(["poseterior", *self._arguments()]),
                say_line=complain,
                stop=wish,
            )
        if not finished:
            complain("stopped; the same command goes on")
            return 128 + (wish.signal_number or 2)
        say(str(self.out))
        return DONE

    def _arguments(self) -> list[str]:
        """The command line again, with what was left out left out."""
        given = ["compare", "--preset", self.preset, "--data", str(self.data), "--out", str(self.out)]
        if self.ablations:
            given.append("--ablations")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in _ALWAYS_GIVEN and value not in (None, field.default):
                values = value if isinstance(value, tuple) else (value,)
                given += [f"--{field.name.replace('_', '-')}", *map(str, values)]
        return given

    def _plan(self) -> Plan:
        from poseterior.compare.ablations import ablation_plan
        from poseterior.compare.plan import PLANS

        plan = ablation_plan(self.preset) if self.ablations else PLANS[self.preset]()
        asked = {"pictures": self.pictures, "max_pictures": self.max_pictures, "seeds": self.seeds}
        changes = {name: value for name, value in asked.items() if value is not None}
        return replace(plan, **changes)
