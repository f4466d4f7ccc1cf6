"""Who makes the shards: processes of this machine (workers.py) or a Dask cluster (cluster.py), behind one protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from poseterior.data.synthesis.maker import Identity, MakeMaker
from poseterior.data.synthesis.shards import Shard, ShardTask


@dataclass(frozen=True)
class Begun:
    """A sample is being made."""

    task: ShardTask
    index: int


@dataclass(frozen=True)
class Made:
    """A shard is finished."""

    task: ShardTask
    shard: Shard
    seconds: float


@dataclass(frozen=True)
class Failed:
    """A shard could not be made; others may go on."""

    task: ShardTask
    sentence: str
    """Names split, index and reason."""
    traceback: str


Event = Begun | Made | Failed


@runtime_checkable
class ShardExecutor(Protocol):
    """Makes shards somewhere else and hands back their bytes; only the caller touches the set's folder."""

    def open(self, make_maker: MakeMaker, *, pictures: bool) -> Identity:
        """Start, and say what the samples are made from; raises SynthesisError."""
        ...

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[Event]:
        """Make all tasks, in any order; raises SynthesisError where no more shards can be made."""
        ...

    def close(self) -> None:
        """Stop at once, whatever is under way; may be called twice."""
        ...
