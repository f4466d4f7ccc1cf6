"""manifest.json: what a set was made from, and which files with which checksums it consists of.

It holds nothing of time, machine or order of making: the same set has the same manifest, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from poseterior.data.synthesis.maker import SPLITS, Identity
from poseterior.data.synthesis.shards import Field, plan_shards, shard_file
from poseterior.errors import InputError
from poseterior.export.atomic import atomic_path

FORMAT = "poseterior-synthesis"
FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"

T = TypeVar("T")

_SHA256 = re.compile("[0-9a-f]{64}")
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class ShardRecord:
    """A finished file of the set."""

    file: str
    """Relative to the manifest's folder, with forward slashes."""
    split: str
    first_index: int
    samples: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A set, finished or under way."""

    identity: Identity
    """All that determines the samples (JSON): seed, versions, settings, digests, licences."""
    counts: dict[str, int]
    """Samples of each split when the set is complete; every split is named."""
    shard_size: int
    """Samples of each shard but a split's last."""
    pictures: bool
    fields: dict[str, Field] = field(default_factory=dict)
    """What a sample holds; empty until the first shard is finished."""
    shards: tuple[ShardRecord, ...] = ()
    """By split and index."""

    @property
    def complete(self) -> bool:
        """Whether every shard is there."""
        planned = {(task.file, task.samples) for task in plan_shards(self.counts, self.shard_size)}
        return planned == {(record.file, record.samples) for record in self.shards}

    @property
    def licence(self) -> str:
        """Under what terms its ingredients are, as the maker's identity states it; "" where it does not."""
        return self.identity.get("licence", "")

    def of_split(self, split: str) -> tuple[ShardRecord, ...]:
        """The finished shards of a split, by index."""
        return tuple(record for record in self.shards if record.split == split)

    def text(self) -> str:
        """The file's content: JSON with one shard a line."""
        content = _as_json(self)
        shards = content.pop("shards")
        lines = ",\n".join("  " + json.dumps(record) for record in shards)
        head = json.dumps(content, indent=1, allow_nan=False).removesuffix("\n}")
        return f'{head},\n "shards": [\n{lines}\n ]\n}}\n' if shards else f'{head},\n "shards": []\n}}\n'


def by_split_and_index(record: ShardRecord) -> tuple[int, int]:
    """The order of the manifest."""
    return SPLITS.index(record.split), record.first_index


def canonical(identity: Identity) -> Identity:
    """The identity as it comes back from a JSON file, sorted by name: tuples are lists, keys are strings."""
    return json.loads(json.dumps(identity, sort_keys=True, allow_nan=False))


def first_difference(old: Any, new: Any, name: str = "") -> tuple[str, Any, Any] | None:
    """Dotted name of the first field in which two JSON values differ, and what each has there (or "nothing")."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            below = f"{name}.{key}" if name else key
            if key not in old or key not in new:
                return below, old.get(key, "nothing"), new.get(key, "nothing")
            if difference := first_difference(old[key], new[key], below):
                return difference
        return None
    same = type(old) is type(new) and old == new
    return None if same else (name, old, new)


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write folder/manifest.json atomically; raises OutputError."""
    with atomic_path(folder / MANIFEST_FILE) as temporary, temporary.open("x", encoding="utf-8") as file:
        file.write(manifest.text())
        file.flush()
        # a damaged shard is made again, but nothing can stand in for the manifest
        os.fsync(file.fileno())


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the set in `folder`.

    Raises:
        InputError: there is none, it cannot be read, is of another format, or contradicts itself.
    """
    path = folder / MANIFEST_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"cannot read {path}: not a JSON file") from error
    try:
        return _from_json(content)
    except InputError as error:
        raise InputError(f"cannot use {path}: {error}") from error


def verify(folder: Path) -> Manifest:
    """Recompute all checksums of the set in `folder`; its manifest if all are right.

    Raises:
        InputError: the manifest cannot be used, or names the first file that is missing, damaged or unfinished.
    """
    manifest = read_manifest(folder)
    bad = [record.file for record in manifest.shards if not is_intact(record, folder)]
    if bad:
        others = f", and so are {len(bad) - 1} more" if len(bad) > 1 else ""
        raise InputError(
            f"{folder / bad[0]} is missing or not what the manifest says{others}; "
            "the command that made the set makes such files again"
        )
    if not manifest.complete:
        planned = len(plan_shards(manifest.counts, manifest.shard_size))
        raise InputError(
            f"{folder} is not complete: {len(manifest.shards)} of {planned} files are finished (and intact); "
            "the command that began the set goes on with it"
        )
    return manifest


def is_intact(record: ShardRecord, folder: Path) -> bool:
    """Whether the file is there with the recorded size and checksum."""
    path = folder / record.file
    try:
        return path.stat().st_size == record.size_bytes and file_sha256(path) == record.sha256
    except OSError:
        return False


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal; raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
    return digest.hexdigest()


def _as_json(manifest: Manifest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "identity": manifest.identity,
        "shard_size": manifest.shard_size,
        "pictures": manifest.pictures,
        "counts": {split: manifest.counts[split] for split in SPLITS},
        "complete": manifest.complete,
        "totals": {split: _totals(manifest.of_split(split)) for split in SPLITS},
        "fields": {
            name: {"dtype": field.dtype, "shape": list(field.shape)}
            for name, field in sorted(manifest.fields.items())
        },
        "shards": [asdict(record) for record in manifest.shards],
    }


def _totals(records: tuple[ShardRecord, ...]) -> dict[str, int]:
    return {
        "shards": len(records),
        "samples": sum(record.samples for record in records),
        "size_bytes": sum(record.size_bytes for record in records),
    }


def _from_json(content: Any) -> Manifest:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f'it is no manifest of synthetic data; expected "format": "{FORMAT}"')
    if content.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"its format_version is {content.get('format_version')!r}; this version reads {FORMAT_VERSION}"
        )
    counts = _typed(content, "counts", dict)
    if set(counts) != set(SPLITS):
        raise InputError(f"counts has {', '.join(sorted(counts)) or 'nothing'}; expected {', '.join(SPLITS)}")
    manifest = Manifest(
        identity=_typed(content, "identity", dict),
        counts={split: _whole(counts, split, "counts.") for split in SPLITS},
        shard_size=_whole(content, "shard_size", least=1),
        pictures=_typed(content, "pictures", bool),
        fields={
            name: _field(value, f"fields.{name}.") for name, value in _typed(content, "fields", dict).items()
        },
        shards=tuple(
            _record(value, f"shards[{k}].") for k, value in enumerate(_typed(content, "shards", list))
        ),
    )
    _check_shards(manifest)
    if difference := first_difference(content, json.loads(manifest.text())):
        name, said, expected = difference
        raise InputError(f"{name} is {said!r}, which contradicts the rest; expected {expected!r}")
    return manifest


def _check_shards(manifest: Manifest) -> None:
    """Raise InputError unless each shard is one that the counts ask for, once, under its own name and in order."""
    places = [by_split_and_index(record) for record in manifest.shards]
    if places != sorted(set(places)):
        raise InputError("shards are not in order, or named twice")
    size = manifest.shard_size
    for record in manifest.shards:
        number, within = divmod(record.first_index, size)
        if within or record.file != shard_file(record.split, number):
            raise InputError(
                f"shard {record.file!r} is said to begin at {record.split} {record.first_index}; "
                f"expected the file {shard_file(record.split, number)!r} and a multiple of {size}"
            )
        if record.samples > min(size, manifest.counts[record.split] - record.first_index):
            raise InputError(f"shard {record.file} has {record.samples} samples, more than the set")


def _field(value: Any, name: str) -> Field:
    shape = _typed(value, "shape", list, name)
    if not all(axis is None or (type(axis) is int and axis >= 0) for axis in shape):
        raise InputError(f"{name}shape is {shape!r}; expected lengths of axes")
    return Field(_typed(value, "dtype", str, name), tuple(shape))


def _record(value: Any, name: str) -> ShardRecord:
    split = _typed(value, "split", str, name)
    sha256 = _typed(value, "sha256", str, name)
    if split not in SPLITS:
        raise InputError(f"{name}split is {split!r}; expected {', '.join(SPLITS)}")
    if not _SHA256.fullmatch(sha256):
        raise InputError(f"{name}sha256 is {sha256!r}; expected 64 hexadecimal digits")
    return ShardRecord(
        file=_typed(value, "file", str, name),
        split=split,
        first_index=_whole(value, "first_index", name),
        samples=_whole(value, "samples", name, least=1),
        size_bytes=_whole(value, "size_bytes", name, least=1),
        sha256=sha256,
    )


def _typed(content: Any, key: str, kind: type[T], name: str = "") -> T:
    if not isinstance(content, dict):
        raise InputError(f"{name.rstrip('.')} is {content!r}; expected an object")
    value = content.get(key)
    if type(value) is not kind:
        raise InputError(f"{name}{key} is {value!r}; expected a JSON value of type {_JSON_NAMES[kind]}")
    return value


def _whole(content: Any, key: str, name: str = "", *, least: int = 0) -> int:
    value = _typed(content, key, int, name)
    if value < least:
        raise InputError(f"{name}{key} is {value}; expected {least} or more")
    return value


_JSON_NAMES: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
