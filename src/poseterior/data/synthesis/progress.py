"""How far it is and how long it will take: a bar on a terminal, else a plain line every minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from poseterior.data.synthesis.generate import Progress

LINE_EVERY_S = 60.0
_WINDOW_S = 300.0
"""The rate is that of the last minutes, so that it follows the machine's load."""


class Pace:
    """Samples a second over the last minutes, and the time that is left."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._past: deque[tuple[float, int]] = deque()

    def text(self, progress: Progress) -> str:
        """For example "1,500 of 15,000 samples, 41.3/s, 5 min left"."""
        now = self._clock()
        self._past.append((now, progress.made))
        # the oldest that is kept is the youngest outside of the window
        while len(self._past) > 2 and self._past[1][0] <= now - _WINDOW_S:
            self._past.popleft()
        then, made_then = self._past[0]
        done = progress.found + progress.made
        said = f"{done:,} of {progress.total:,} samples"
        if now <= then or progress.made <= made_then:
            return said
        rate = (progress.made - made_then) / (now - then)
        return f"{said}, {rate:.1f}/s, {duration((progress.total - done) / rate)} left"


def duration(seconds: float) -> str:
    """In words, with the precision that an estimate has."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


@contextmanager
def shown_progress(stream: TextIO, say_line: Callable[[str], None]) -> Iterator[Callable[[Progress], None]]:
    """What `generate` calls: draws a bar on `stream` if that is a terminal, else says a line every minute."""
    if not stream.isatty():
        yield _Lines(say_line)
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as RichProgress

    pace = Pace()
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"))
    with RichProgress(*columns, console=Console(file=stream), transient=True) as bar:
        row = bar.add_task("preparing (the first time takes a minute)", total=None)

        def show(progress: Progress) -> None:
            done = progress.found + progress.made
            bar.update(row, total=progress.total, completed=done, description=pace.text(progress))

        yield show


class _Lines:
    """Says the first news at once, then a line every minute."""

    def __init__(self, say_line: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say_line, self._clock = say_line, clock
        self._pace = Pace(clock)
        self._next_s = float("-inf")

    def __call__(self, progress: Progress) -> None:
        said = self._pace.text(progress)
        if self._clock() >= self._next_s:
            self._next_s = self._clock() + LINE_EVERY_S
            self._say_line(said)
