"""A set's folder while the set is being made: whose it is, what of it is finished, and what is still missing."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poseterior.data.synthesis.maker import SPLITS, Identity, SynthesisError
from poseterior.data.synthesis.manifest import (
    MANIFEST_FILE,
    Manifest,
    ShardRecord,
    by_split_and_index,
    canonical,
    first_difference,
    is_intact,
    read_manifest,
    write_manifest,
)
from poseterior.data.synthesis.shards import Shard, ShardTask, plan_shards
from poseterior.errors import InputError, OutputError
from poseterior.export.atomic import atomic_path, writable_folder

LOG_FILE = "log.jsonl"
"""When which shard was made, and how failures came about; no part of the set."""

_LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.tmp")
"""Temporary files of `atomic_path`, left by a process that was killed."""


@dataclass(frozen=True)
class Request:
    """What is asked for, but for what only the maker knows."""

    counts: dict[str, int]
    shard_size: int
    pictures: bool


class SynthFolder:
    """The folder of one set; used by one process at a time (see `locked`)."""

    def __init__(self, folder: Path, request: Request) -> None:
        """Look at what is there.

        Raises:
            OutputError: the folder cannot be written to, holds other files, another set, or more than is asked.
            InputError: its manifest cannot be used.
        """
        self.folder = folder
        self._request = request
        self._remove_leftovers()
        self._before = self._manifest_before()
        self._manifest: Manifest | None = None

    @property
    def manifest(self) -> Manifest:
        """The set as far as it is finished; after `begin`."""
        if self._manifest is None:
            raise RuntimeError("begin() comes first")
        return self._manifest

    def begin(self, identity: Identity) -> list[ShardTask]:
        """The shards that are missing or damaged, in the order of making.

        Raises:
            OutputError: the set was made from something else; the text names the first field that differs.
        """
        identity = canonical(identity)
        request = self._request
        manifest = Manifest(identity, request.counts, request.shard_size, request.pictures)
        if self._before is not None:
            self._check_same("", self._before.identity, identity)
            intact = tuple(record for record in self._before.shards if is_intact(record, self.folder))
            manifest = replace(manifest, fields=self._before.fields, shards=intact)
        self._keep(manifest)
        finished = {(record.file, record.samples) for record in manifest.shards}
        return [
            task
            for task in plan_shards(request.counts, request.shard_size)
            if (task.file, task.samples) not in finished
        ]

    def add(self, task: ShardTask, shard: Shard) -> None:
        """Write a shard, then the manifest that names it.

        Raises:
            OutputError: the disk refuses.
            SynthesisError: the shard's fields are not those of the shards before.
        """
        fields = self.manifest.fields or shard.fields
        if difference := first_difference(fields, shard.fields):
            raise SynthesisError(
                f"{task.file} has for field {difference[0]} {difference[2]}, but the shards before {difference[1]}"
            )
        path = self.folder / task.file
        writable_folder(path.parent)
        with atomic_path(path) as temporary:
            temporary.write_bytes(shard.content)
        record = ShardRecord(
            file=task.file,
            split=task.split,
            first_index=task.first_index,
            samples=task.samples,
            size_bytes=len(shard.content),
            sha256=hashlib.sha256(shard.content).hexdigest(),
        )
        others = [other for other in self.manifest.shards if other.file != record.file]
        shards = tuple(sorted([*others, record], key=by_split_and_index))
        self._keep(replace(self.manifest, fields=fields, shards=shards))

    def log(self, event: str, **details: Any) -> None:
        """Append a line to log.jsonl; raises OutputError."""
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **details}
        path = self.folder / LOG_FILE
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error

    def _keep(self, manifest: Manifest) -> None:
        """Make it the manifest, on the disk too; a file that says the same is not touched."""
        on_disk = self._before if self._manifest is None else self._manifest
        if manifest != on_disk:
            write_manifest(manifest, self.folder)
        self._manifest = manifest

    def _manifest_before(self) -> Manifest | None:
        if not (self.folder / MANIFEST_FILE).exists():
            others = sorted(path.name for path in self.folder.iterdir())
            if others:
                raise OutputError(
                    f"cannot make a set in {self.folder}: it has other files ({others[0]}) and no {MANIFEST_FILE}; "
                    "choose a new or empty folder"
                )
            return None
        before = read_manifest(self.folder)
        for name in ("pictures", "shard_size"):
            self._check_same(name, getattr(before, name), getattr(self._request, name))
        for split in SPLITS:
            finished = max(
                (record.first_index + record.samples for record in before.of_split(split)), default=0
            )
            if self._request.counts[split] < finished:
                raise OutputError(
                    f"cannot go on in {self.folder}: it has {finished} {split} samples already, and "
                    f"{self._request.counts[split]} are asked for; ask for as many or more, or choose another folder"
                )
        return before

    def _check_same(self, name: str, before: Any, now: Any) -> None:
        if difference := first_difference(before, now, name):
            where, old, new = difference
            raise OutputError(
                f"cannot go on in {self.folder}: it was made with {where} {_short(old)}, and now it is {_short(new)}; "
                "choose another folder, or the settings and versions of before"
            )

    def _remove_leftovers(self) -> None:
        for folder in (self.folder, *(self.folder / split for split in SPLITS)):
            with suppress(OSError):
                for path in folder.iterdir():
                    if _LEFTOVER.fullmatch(path.name):
                        path.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder to ourselves; the system takes the lock back from a process that is killed.

    Raises:
        OutputError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # no such locks outside of POSIX
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"cannot make a set in {folder}: another process is at it; wait for it, or stop it"
            ) from error
        except OSError:  # some network file systems have no locks; two runs would only do the work twice
            pass
        yield
    finally:
        os.close(descriptor)


def complete_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts with every split named; raises InputError for an unknown split or a negative count."""
    for split, count in counts.items():
        if split not in SPLITS:
            raise InputError(f"there is no split {split!r}; the splits are {', '.join(SPLITS)}")
        if count < 0:
            raise InputError(f"{count} {split} samples are asked for; expected 0 or more")
    return {split: counts.get(split, 0) for split in SPLITS}


def _short(value: Any) -> str:
    text = "nothing" if value == "nothing" else json.dumps(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
