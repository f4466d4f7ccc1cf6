"""Make a set, or go on with one: the same arguments end in the same bytes, however often it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from poseterior.data.synthesis.execute import Begun, Failed, Made, ShardExecutor
from poseterior.data.synthesis.folder import Request, SynthFolder, complete_counts, locked
from poseterior.data.synthesis.interrupts import terminated_as_interrupted, uninterrupted
from poseterior.data.synthesis.maker import MakeMaker, SynthesisError
from poseterior.data.synthesis.manifest import Manifest
from poseterior.data.synthesis.shards import ShardTask, plan_shards
from poseterior.data.synthesis.workers import ProcessExecutor
from poseterior.errors import InputError, OutputError, PoseteriorError
from poseterior.export.atomic import writable_folder

SHARD_SIZE = 500
"""Samples per file: about half a minute of one core's work, which is what a kill costs per worker."""

MOST_FAILED_SHARDS = 3
"""One bad sample should not end a night's work; the third that fails says that it is not the sample."""


@dataclass(frozen=True)
class Progress:
    """How far it is."""

    found: int
    """Samples that were finished before."""
    made: int
    """Samples made since, with those of unfinished shards."""
    total: int
    """Samples of the complete set."""


def generate(
    make_maker: MakeMaker,
    out: Path,
    counts: dict[str, int],
    *,
    workers: int = 1,
    pictures: bool = False,
    shard_size: int = SHARD_SIZE,
    on_progress: Callable[[Progress], None] | None = None,
    executor: ShardExecutor | None = None,
) -> Manifest:
    """Make the set, or what is missing of it, in the folder `out`: manifest.json and SPLIT/shard-NNNNN.npz.

    Finished shards are verified and kept; a damaged one is made again. The bytes depend on the maker's identity,
    `counts`, `shard_size` and `pictures` alone. The set may grow: a sample does not depend on the counts.

    Args:
        make_maker: makes the sample maker in each worker; must be picklable.
        out: the set's folder; made if it does not exist.
        counts: samples of each split; a split that is not named gets none.
        workers: processes of this machine, if no executor is given.
        pictures: whether the samples' pictures are stored.
        shard_size: samples of each file but a split's last.
        on_progress: called before each sample and after each shard.
        executor: where the shards are made; `ProcessExecutor(workers)` if not given.

    Raises:
        InputError: a count or size cannot be meant, or the manifest that is there cannot be used.
        OutputError: the folder is not writable, is full, in use, not ours, or holds a set made from something else.
        SynthesisError: samples could not be made; the finished shards are kept.
        KeyboardInterrupt: Ctrl-C or SIGTERM; all workers have ended, the finished shards are kept.
    """
    counts = complete_counts(counts)
    for name, value in (("workers", workers), ("shard_size", shard_size)):
        if value < 1:
            raise InputError(f"{name} is {value}; expected 1 or more")
    executor = executor or ProcessExecutor(workers)
    writable_folder(out)
    with terminated_as_interrupted(), locked(out), closing(executor):
        folder = SynthFolder(out, Request(counts, shard_size, pictures))
        tasks = folder.begin(executor.open(make_maker, pictures=pictures))
        folder.log("begin", counts=counts, workers=workers, shards_to_make=len(tasks))
        try:
            failures = _make_all(folder, executor, tasks, on_progress or (lambda progress: None))
        except BaseException as error:
            with suppress(OutputError):
                folder.log("stopped", reason=f"{type(error).__name__}: {error}")
            raise
        if failures:
            raise _error(failures, folder.manifest)
        folder.log("end")
        return folder.manifest


def _make_all(
    folder: SynthFolder,
    executor: ShardExecutor,
    tasks: Sequence[ShardTask],
    on_progress: Callable[[Progress], None],
) -> list[Failed]:
    """Make the shards; returns those that failed, which are at most `MOST_FAILED_SHARDS`."""
    total = sum(folder.manifest.counts.values())
    found = total - sum(task.samples for task in tasks)
    finished, under_way = 0, dict[ShardTask, int]()
    failures: list[Failed] = []
    for event in executor.run(tasks):
        if isinstance(event, Begun):
            under_way[event.task] = event.index - event.task.first_index
        else:
            under_way.pop(event.task, None)
        if isinstance(event, Made):
            with uninterrupted():  # a file that the manifest does not name would be made again
                folder.add(event.task, event.shard)
            folder.log("shard", file=event.task.file, seconds=round(event.seconds, 3))
            finished += event.task.samples
        elif isinstance(event, Failed):
            folder.log("failure", file=event.task.file, reason=event.sentence, traceback=event.traceback)
            failures.append(event)
            if len(failures) == MOST_FAILED_SHARDS:
                break
        on_progress(Progress(found, finished + sum(under_way.values()), total))
    return failures


def _error(failures: list[Failed], manifest: Manifest) -> PoseteriorError:
    planned = len(plan_shards(manifest.counts, manifest.shard_size))
    return SynthesisError(
        f"{failures[0].sentence}; {planned - len(manifest.shards)} of {planned} files are missing, "
        "what is finished is kept, and the same command goes on from there"
    )
