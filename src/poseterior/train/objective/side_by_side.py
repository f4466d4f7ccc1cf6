"""Independent pieces of work on one torch thread each, all at once (torch).

Small tensors spend more time in starting and joining torch's own threads than in arithmetic, and far more on
a busy machine; whole pieces side by side join once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Result = TypeVar("Result")


def side_by_side(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """What the tasks return, in their order; a single one runs right here, on all of torch's threads."""
    if len(tasks) == 1:
        return [tasks[0]()]
    threads = torch.get_num_threads()
    try:
        return list(_workers(len(tasks)).map(lambda task: task(), tasks))
    finally:
        # a worker's setting is its own, but also becomes the default of threads still to come
        torch.set_num_threads(threads)


@functools.cache
def _workers(number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number, "hypotheses", initializer=_use_one_thread)


def _use_one_thread() -> None:
    # a thread takes over torch's default when it first asks; a setting made before that would be lost
    torch.get_num_threads()
    torch.set_num_threads(1)
