"""Shards: which samples lie in which file, and how samples become its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

import numpy as np

from poseterior.data.synthesis.archive import npz_bytes
from poseterior.data.synthesis.maker import (
    PICTURE_FIELD,
    SPLITS,
    VARIABLE_FIELDS,
    Sample,
    SampleMaker,
    SynthesisError,
)
from poseterior.errors import PoseteriorError


@dataclass(frozen=True)
class ShardTask:
    """Consecutive samples of a split that make up one file."""

    split: str
    number: int
    first_index: int
    samples: int

    @property
    def file(self) -> str:
        """The file's name relative to the set's folder, with forward slashes."""
        return shard_file(self.split, self.number)


@dataclass(frozen=True)
class Field:
    """What a sample holds under one name."""

    dtype: str
    """As numpy writes it, byte order first: "<f4"."""
    shape: tuple[int | None, ...]
    """Of one sample; (None,) where the length differs from sample to sample."""


@dataclass(frozen=True)
class Shard:
    """A shard's file, in memory."""

    content: bytes
    fields: dict[str, Field]


def shard_file(split: str, number: int) -> str:
    """The shard's file name relative to the set's folder."""
    return f"{split}/shard-{number:05d}.npz"


def plan_shards(counts: Mapping[str, int], shard_size: int) -> list[ShardTask]:
    """All shards in the order of making: validation and test by turns, then train.

    So an interrupted set can be evaluated on from early on, and what is missing is training data.
    """
    train, validation, test = (
        list(_split_shards(split, counts.get(split, 0), shard_size)) for split in SPLITS
    )
    by_turns = chain.from_iterable(zip_longest(validation, test))
    return [task for task in by_turns if task is not None] + train


def make_shard(
    maker: SampleMaker, task: ShardTask, *, pictures: bool, on_begin: Callable[[int], None] | None = None
) -> Shard:
    """Make the task's samples; `on_begin` hears the index of each sample before it is made.

    Raises:
        SynthesisError: a sample could not be made, or is not like the one before; the text names it.
    """
    samples: list[Sample] = []
    fields: dict[str, Field] = {}
    for index in range(task.first_index, task.first_index + task.samples):
        if on_begin is not None:
            on_begin(index)
        try:
            sample = maker.sample(task.split, index)
            kept = {name: array for name, array in sample.items() if pictures or name != PICTURE_FIELD}
            fields = _check_fields(kept, fields, pictures)
        except Exception as error:
            raise SynthesisError(f"{task.split} {index} could not be made: {reason(error)}") from error
        samples.append(kept)
    return Shard(npz_bytes(_stack(samples)), fields)


def reason(error: BaseException) -> str:
    """What went wrong, with the exception's name unless its text was written for the user."""
    text = str(error)
    return (
        text if isinstance(error, PoseteriorError) else f"{type(error).__name__}: {text}".removesuffix(": ")
    )


def _split_shards(split: str, count: int, shard_size: int) -> Iterator[ShardTask]:
    for number, first in enumerate(range(0, count, shard_size)):
        yield ShardTask(split, number, first, min(shard_size, count - first))


def _check_fields(sample: dict[str, Any], before: dict[str, Field], pictures: bool) -> dict[str, Field]:
    fields = {name: _field(name, sample[name]) for name in sorted(sample)}
    if pictures and PICTURE_FIELD not in fields:
        raise SynthesisError(f"pictures are asked for, but the sample has no {PICTURE_FIELD}")
    for name in sorted({*fields, *before}) if before else ():
        if fields.get(name) != before.get(name):
            raise SynthesisError(
                f"field {name} is {fields.get(name)}, but {before.get(name)} in the sample before"
            )
    return fields


def _field(name: str, array: Any) -> Field:
    if not isinstance(array, np.ndarray):
        raise SynthesisError(f"field {name} is a {type(array).__name__}; expected an array")
    if not (name.isidentifier() and name.isascii()) or name.endswith(("_bytes", "_offsets")):
        raise SynthesisError(f"{name!r} cannot be the name of a field")
    if array.dtype.hasobject:
        raise SynthesisError(f"field {name} holds Python objects; expected numbers")
    if name not in VARIABLE_FIELDS:
        return Field(array.dtype.str, array.shape)
    if array.dtype != np.uint8 or array.ndim != 1:
        raise SynthesisError(f"field {name} is {array.dtype} with {array.ndim} axes; expected uint8 with one")
    return Field(array.dtype.str, (None,))


def _stack(samples: list[Sample]) -> dict[str, np.ndarray]:
    """Fields stacked along a new first axis; those of variable length as NAME_bytes and NAME_offsets."""
    arrays: dict[str, np.ndarray] = {}
    for name in samples[0]:
        parts = [sample[name] for sample in samples]
        if name in VARIABLE_FIELDS:
            arrays[f"{name}_bytes"] = np.concatenate(parts)
            arrays[f"{name}_offsets"] = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        else:
            arrays[name] = np.stack(parts)
    return arrays
