"""What somebody sees who waits for a run: a bar on a terminal, else a plain line now and then."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Protocol, TextIO, cast, runtime_checkable

LINE_EVERY_S = 30.0
Screen = TextIO | io.TextIOBase
"""A text stream such as stderr."""


@runtime_checkable
class Display(Protocol):
    """Shows how far a run is."""

    def show(self, step: int, losses: dict[str, float]) -> None:
        """After `step` steps, the losses' means of late."""
        ...

    def note(self, text: str) -> None:
        """A line that stays."""
        ...


@contextmanager
def shown_display(
    stream: Screen, say_line: Callable[[str], None], steps: int, first_step: int
) -> Iterator[Display]:
    """A bar on `stream` if that is a terminal, else lines by `say_line`."""
    if not stream.isatty():
        yield Lines(say_line, steps, first_step)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(
        *columns, console=Console(file=cast("IO[str]", stream)), expand=True, speed_estimate_period=300
    ) as progress:
        row = progress.add_task("", total=steps, completed=first_step)

        class Bar:
            def show(self, step: int, losses: dict[str, float]) -> None:
                progress.update(row, completed=step, description=losses_text(losses))

            def note(self, text: str) -> None:
                progress.console.print(text, markup=False, highlight=False)

        yield Bar()


class Lines:
    """The first news at once, then a line every half minute, and one at the end."""

    def __init__(
        self,
        say_line: Callable[[str], None],
        steps: int,
        first_step: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say_line, self._steps, self._clock = say_line, steps, clock
        self._first_step, self._start_s = first_step, clock()
        self._next_s = float("-inf")

    def show(self, step: int, losses: dict[str, float]) -> None:
        """See `Display.show`."""
        now = self._clock()
        if now < self._next_s and step < self._steps:
            return
        self._next_s = now + LINE_EVERY_S
        seconds_per_step = (now - self._start_s) / max(1, step - self._first_step)
        left = duration((self._steps - step) * seconds_per_step)
        self._say_line(f"step {step:,} of {self._steps:,}, {left} left: {losses_text(losses)}")

    def note(self, text: str) -> None:
        """See `Display.note`."""
        self._say_line(text)


def losses_text(losses: dict[str, float]) -> str:
    """For example "2d 0.113, mmd 0.0021"."""
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in losses.items())


def duration(seconds: float) -> str:
    """In words, with the precision that an estimate has."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
