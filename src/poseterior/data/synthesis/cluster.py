"""Shards made by a Dask cluster, through the same function as on one machine.

The cluster's workers send the shards' bytes (a few megabytes each) back to this process, which alone writes them:
no shared file system is needed, a worker that is lost leaves nothing behind, and the set's folder has one writer.
Every worker must have the same versions and data: each says what its samples are made from, and a worker that
differs is refused. Workers of one thread each are best; threads of one worker take turns.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poseterior.data.synthesis.execute import Event, Failed, Made
from poseterior.data.synthesis.generate import SHARD_SIZE, Progress, generate
from poseterior.data.synthesis.maker import Identity, MakeMaker, SampleMaker, SynthesisError
from poseterior.data.synthesis.manifest import Manifest, canonical, first_difference
from poseterior.data.synthesis.shards import Shard, ShardTask, make_shard, reason

if TYPE_CHECKING:
    from distributed import Client

_WORKERS_WITHIN_S = 60
_SHARDS_PER_THREAD = 2
"""Handed out ahead: enough that no worker waits, few enough that results do not pile up."""


def generate_on_cluster(
    client_or_address: Client | str,
    make_maker: MakeMaker,
    out: Path,
    counts: dict[str, int],
    *,
    pictures: bool = False,
    shard_size: int = SHARD_SIZE,
    on_progress: Callable[[Progress], None] | None = None,
) -> Manifest:
    """As `generate`, on a Dask cluster: a `distributed.Client`, or the address of its scheduler.

    Progress is told shard by shard. Raises what `generate` raises, and SynthesisError where Dask is not installed,
    or the cluster cannot be reached or has no workers.
    """
    return generate(
        make_maker,
        out,
        counts,
        pictures=pictures,
        shard_size=shard_size,
        on_progress=on_progress,
        executor=DaskExecutor(client_or_address),
    )


class DaskExecutor:
    """Makes shards on a Dask cluster."""

    def __init__(self, client_or_address: Client | str) -> None:
        self._place = client_or_address
        self._client: Any = None
        self._run = secrets.token_hex(8)
        self._identity: Identity = {}
        self._arguments: tuple[Any, ...] = ()
        self._waiting: list[Any] = []

    def open(self, make_maker: MakeMaker, *, pictures: bool) -> Identity:
        """Connect, wait for a worker, and ask it what its samples are made from."""
        self._client = self._connect()
        self._arguments = (self._run, make_maker, pictures)
        try:
            self._client.wait_for_workers(1, timeout=_WORKERS_WITHIN_S)
            identity = self._client.submit(_remote_identity, self._run, make_maker, pure=False).result()
        except Exception as error:
            raise SynthesisError(f"the cluster cannot start: {reason(error)}") from error
        self._identity = canonical(identity)
        return self._identity

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[Event]:
        """Make all tasks on whatever workers there are."""
        from distributed import as_completed

        coming = iter(tasks)
        under_way: dict[Any, ShardTask] = {}
        threads = sum(self._client.nthreads().values())
        first = [
            self._submit(task, under_way) for task in itertools.islice(coming, threads * _SHARDS_PER_THREAD)
        ]
        finished = as_completed(first)
        for future in finished:
            task = under_way.pop(future)
            yield self._event(task, future)
            future.release()
            for following in itertools.islice(coming, 1):
                finished.add(self._submit(following, under_way))

    def close(self) -> None:
        """Cancel what is under way; a client that was given stays open."""
        if self._client is None:
            return
        self._client.cancel(self._waiting)
        self._waiting = []
        if isinstance(self._place, str):
            self._client.close()
        self._client = None

    def _connect(self) -> Any:
        try:
            from distributed import Client
        except ImportError as error:
            raise SynthesisError(
                'Dask is not installed; for a cluster: pip install "poseterior[synth,cluster]"'
            ) from error
        if not isinstance(self._place, str):
            return self._place
        try:
            return Client(self._place)
        except (OSError, ValueError) as error:  # an address that nobody answers, or that is none
            raise SynthesisError(f"there is no Dask scheduler at {self._place}: {error}") from error

    def _submit(self, task: ShardTask, under_way: dict[Any, ShardTask]) -> Any:
        future = self._client.submit(_remote_shard, *self._arguments, task, pure=False)
        under_way[future] = task
        self._waiting = list(under_way)
        return future

    def _event(self, task: ShardTask, future: Any) -> Event:
        try:
            identity, result, seconds = future.result()
        except Exception as error:
            last = task.first_index + task.samples - 1
            said = f"{task.split} {task.first_index} to {last} could not be made: {reason(error)}"
            return Failed(task, said, traceback.format_exc())
        if difference := first_difference(self._identity, canonical(identity)):
            name, here, there = difference
            raise SynthesisError(f"a worker of the cluster has {name} {there!r}, but the set {here!r}")
        return Made(task, result, seconds) if isinstance(result, Shard) else Failed(task, *result)


_lock = threading.Lock()
_made: dict[str, tuple[SampleMaker, Identity]] = {}
"""In a worker: the maker of the present run."""


def _remote_identity(run: str, make_maker: MakeMaker) -> Identity:
    with _lock:
        return _maker(run, make_maker)[1]


def _remote_shard(
    run: str, make_maker: MakeMaker, pictures: bool, task: ShardTask
) -> tuple[Identity, Shard | tuple[str, str], float]:
    """What the maker is made from, the shard (or a sentence and a traceback), seconds."""
    with _lock:
        maker, identity = _maker(run, make_maker)
        start = time.monotonic()
        try:
            return identity, make_shard(maker, task, pictures=pictures), time.monotonic() - start
        except SynthesisError as error:
            return identity, (str(error), traceback.format_exc()), time.monotonic() - start


def _maker(run: str, make_maker: MakeMaker) -> tuple[SampleMaker, Identity]:
    if run not in _made:
        _made.clear()
        maker = make_maker()
        maker.warm_up()
        _made[run] = maker, maker.identity()
    return _made[run]
