"""Worker processes of this machine: spawned, of one thread each, and gone when the parent is gone.

A worker is sent tasks through a pipe and sends back the shards' bytes; it never touches the set's folder. It says
which sample it is about to make, so that the parent can name the sample on which a worker died.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection as mpc
from typing import Any

from poseterior.data.synthesis.execute import Begun, Event, Failed, Made
from poseterior.data.synthesis.interrupts import hidden_from_children
from poseterior.data.synthesis.maker import Identity, MakeMaker, SynthesisError
from poseterior.data.synthesis.manifest import canonical, first_difference
from poseterior.data.synthesis.shards import Shard, ShardTask, make_shard, reason

ONE_THREAD: dict[str, str] = dict.fromkeys(
    (
        "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)
"""Environment of a worker: the libraries read it when they are loaded."""

_END_WITHIN_S = 5.0


@dataclass(frozen=True)
class _Hello:
    identity: Identity


@dataclass(frozen=True)
class _Ready:
    """Warmed up."""


@dataclass(frozen=True)
class _Beginning:
    index: int


@dataclass(frozen=True)
class _Finished:
    shard: Shard
    seconds: float


@dataclass(frozen=True)
class _Trouble:
    sentence: str
    traceback: str


class ProcessExecutor:
    """Makes shards in `workers` processes.

    The first worker warms up alone, since it may have to fill caches that the others then find.
    """

    def __init__(self, workers: int) -> None:
        self._most = workers
        self._workers: list[_Worker] = []
        self._make_maker: MakeMaker | None = None
        self._pictures = False
        self._identity: Identity = {}

    def open(self, make_maker: MakeMaker, *, pictures: bool) -> Identity:
        """Start the first worker and wait until it says what its samples are made from."""
        self._make_maker, self._pictures = make_maker, pictures
        first = self._start_worker()
        message = first.receive()
        if not isinstance(message, _Hello):
            raise _start_error(first, message)
        self._identity = canonical(message.identity)
        return self._identity

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[Event]:
        """Make all tasks; a worker that dies is replaced, and its shard is reported as failed."""
        pending = deque(tasks)
        while pending or any(worker.task for worker in self._workers):
            self._hand_out(pending)
            for ready in mpc.wait([worker.connection for worker in self._workers]):
                worker = next(worker for worker in self._workers if worker.connection is ready)
                yield from self._hear(worker, worker.receive())

    def close(self) -> None:
        """End all workers, and wait until they are gone."""
        for worker in self._workers:
            worker.process.terminate()
            worker.connection.close()
        for worker in self._workers:
            worker.process.join(_END_WITHIN_S)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def _hand_out(self, pending: deque[ShardTask]) -> None:
        for worker in self._workers:
            if pending and worker.idle:
                worker.give(pending.popleft())
        starting = sum(not worker.ready for worker in self._workers)
        first_is_warm = starting < len(self._workers) or not self._workers
        if first_is_warm:
            for _ in range(min(self._most - len(self._workers), len(pending) - starting)):
                self._start_worker()

    def _start_worker(self) -> _Worker:
        worker = _Worker.start(self._make_maker, self._pictures)
        self._workers.append(worker)
        return worker

    def _hear(self, worker: _Worker, message: Any) -> Iterator[Event]:
        if isinstance(message, _Hello) and not first_difference(self._identity, canonical(message.identity)):
            return
        if isinstance(message, _Ready):
            worker.ready = True
            return
        task = worker.task
        if task is None and message is None and worker.ready:  # nothing was lost with it
            self._workers.remove(worker)
            worker.end()
            return
        if task is None:
            raise _start_error(worker, message)
        if isinstance(message, _Beginning):
            worker.index = message.index
            yield Begun(task, message.index)
            return
        worker.task = None
        if isinstance(message, _Finished):
            yield Made(task, message.shard, message.seconds)
        elif isinstance(message, _Trouble):
            yield Failed(task, message.sentence, message.traceback)
        else:
            self._workers.remove(worker)
            yield Failed(task, f"{task.split} {worker.index} could not be made: {worker.end()}", "")


@dataclass
class _Worker:
    """The parent's view of a worker."""

    process: Any
    connection: mpc.Connection
    ready: bool = False
    task: ShardTask | None = None
    index: int = 0
    """The sample that it is making."""

    @classmethod
    def start(cls, make_maker: MakeMaker | None, pictures: bool) -> _Worker:
        context = mp.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(
            target=work, args=(there, make_maker, pictures), daemon=True, name="poseterior-synth"
        )
        with _environment(ONE_THREAD), hidden_from_children():
            process.start()
        there.close()
        return cls(process, here)

    @property
    def idle(self) -> bool:
        return self.ready and self.task is None

    def give(self, task: ShardTask) -> None:
        self.task, self.index = task, task.first_index
        # if the worker has died, its end of the pipe says so when it is listened to
        with suppress(OSError):
            self.connection.send(task)

    def receive(self) -> Any:
        """The next message, or None where the worker has died."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            return None

    def end(self) -> str:
        """How the worker ended, once it has closed its end of the pipe."""
        self.connection.close()
        self.process.join(_END_WITHIN_S)
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"its worker process was ended by {signal.Signals(-code).name}"
        return f"its worker process ended with exit code {code}"


def work(connection: mpc.Connection, make_maker: MakeMaker, pictures: bool) -> None:
    """A worker's life: make the maker, then shards until the pipe closes."""
    # Ctrl-C reaches all processes of a terminal; the parent decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            maker = make_maker()
            connection.send(_Hello(maker.identity()))
            maker.warm_up()
        except (BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:
            connection.send(_Trouble(reason(error), traceback.format_exc()))
            return
        connection.send(_Ready())
        while True:
            task = connection.recv()
            connection.send(_shard_or_trouble(maker, task, pictures, connection))


def _shard_or_trouble(
    maker: Any, task: ShardTask, pictures: bool, connection: mpc.Connection
) -> _Finished | _Trouble:
    start = time.monotonic()
    try:
        shard = make_shard(
            maker, task, pictures=pictures, on_begin=lambda index: connection.send(_Beginning(index))
        )
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:
        return _Trouble(reason(error), traceback.format_exc())
    return _Finished(shard, time.monotonic() - start)


def _start_error(worker: _Worker, message: Any) -> SynthesisError:
    if isinstance(message, _Trouble):
        return SynthesisError(f"the samples' maker cannot start: {message.sentence}")
    if isinstance(message, _Hello):
        return SynthesisError("two workers say that their samples are made from different things")
    return SynthesisError(f"the samples' maker cannot start: {worker.end()}")


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """These environment variables for processes that are started in the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
