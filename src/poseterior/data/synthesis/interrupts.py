"""Ctrl-C and SIGTERM: one meaning, at the right moment, and never for the workers."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does: with a KeyboardInterrupt, so that it is tidied up."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled_by(interrupt, signal.SIGTERM):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """What is in the block is done wholly; an interrupt that came meanwhile is raised after it."""
    caught: list[int] = []
    with _handled_by(lambda signum, frame: caught.append(signum), signal.SIGINT, signal.SIGTERM):
        yield
    if caught:
        raise KeyboardInterrupt


@contextmanager
def hidden_from_children() -> Iterator[None]:
    """Ctrl-C, which a terminal sends to all of its processes, never reaches a process started in the block."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    # else it would be started in the block, and let the signal through again
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _handled_by(
    handler: Callable[[int, FrameType | None], object], *numbers: signal.Signals
) -> Iterator[None]:
    """Another handler for these signals, but for those that the process was started to ignore.

    A mask would not do: the system then hands the signal to another thread, and Python to the main thread after all.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        return
    before = {number: signal.getsignal(number) for number in numbers}
    heard = [number for number in numbers if before[number] not in (signal.SIG_IGN, None)]
    for number in heard:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
