"""Training pairs as one npz file for each split: the way in for data that `poseterior synth` did not make."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from poseterior.data.evaluation_set import EvaluationSet
from poseterior.data.training_pairs import HeatmapMetres, training_pairs
from poseterior.errors import InputError
from poseterior.export.atomic import atomic_path
from poseterior.heatmaps.condition import ConditionVariant
from poseterior.train.batch import Batch

_SHAPES = {
    "x": (48,),
    "y": (32,),
    "condition": (78,),
    "heatmap_covariance_m2": (16, 2, 2),
    "uncertain": (16,),
}
_FACTS = {
    "detector_profile": "U",
    "sigma_confident_cells": "f",
    "condition_variant": "U",
    "heatmap_metres": "U",
    "uncertain_from": "f",
}
"""Single values, and numpy's letter for their type."""
DECIDED = ("heatmap_metres", "uncertain_from")
"""Of these facts, those that a training on other sets is free to choose."""


class Pairs(NamedTuple):
    """Pairs of a split, and the detector that they were seen by."""

    arrays: Batch
    """float32 (and bool), on the CPU."""
    detector_profile: str
    sigma_confident_cells: float
    """Standard deviation of a confident joint's heatmap, in cells."""
    condition_variant: str
    heatmap_metres: str
    """How heatmaps became metres: `data.training_pairs.HeatmapMetres`."""
    uncertain_from: float
    """sigma_t of L_HM, in confident sigmas of the detector."""


def pairs_of_set(
    data: EvaluationSet, variant: ConditionVariant, heatmap_metres: HeatmapMetres, uncertain_from: float
) -> Pairs:
    """A set of pictures with truth; see `data.training_pairs.training_pairs`, and raises as it does."""
    pairs = training_pairs(
        data, variant=variant, heatmap_metres=heatmap_metres, uncertain_from=uncertain_from
    )
    arrays = Batch(*(torch.from_numpy(getattr(pairs, name)) for name in Batch._fields))
    return Pairs(
        arrays,
        data.profile.name,
        float(data.profile.sigma_confident_cells),
        variant,
        heatmap_metres,
        uncertain_from,
    )


def write_pairs(path: Path, pairs: Pairs) -> None:
    """Writes `path`, SPLIT.npz by name; raises OutputError where it cannot be written."""
    with atomic_path(path) as temporary:
        _save(temporary, pairs)


def write_splits(folder: Path, splits: Mapping[str, Pairs]) -> None:
    """Writes SPLIT.npz for each split; raises OutputError, with none of them written, where one cannot be."""
    with ExitStack() as stack:
        temporaries = {split: stack.enter_context(atomic_path(folder / f"{split}.npz")) for split in splits}
        for split, pairs in splits.items():
            _save(temporaries[split], pairs)


def _save(path: Path, pairs: Pairs) -> None:
    arrays = {name: values.numpy(force=True) for name, values in pairs.arrays._asdict().items()}
    facts = {name: getattr(pairs, name) for name in _FACTS}
    with path.open("wb") as file:
        np.savez(file, **facts, **arrays)


def read_pairs(path: Path) -> Pairs:
    """The pairs in `path`.

    Raises:
        InputError: the file is missing or damaged, or an array is missing, of a wrong shape or not finite.
    """
    content = _content(path)
    return Pairs(
        Batch(**{name: _tensor(path, content, name) for name in _SHAPES}),
        **{name: _single(path, content, name, kind) for name, kind in _FACTS.items()},
    )


def made_with(folder: Path, split: str) -> dict[str, Any]:
    """Fields of `DataConfig` that ready pairs have decided, "heatmap_metres" and "uncertain_from"; {} for other sets.

    Raises:
        InputError: the file cannot be read.
    """
    path = folder / f"{split}.npz"
    if not path.is_file():
        return {}
    content = _content(path, DECIDED)
    return {name: _single(path, content, name, _FACTS[name]) for name in DECIDED}


def _content(path: Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The named arrays, or all; those that are not there are left out."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files if names is None or name in names}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"cannot read the pairs {path}: {error}") from None


def _tensor(path: Path, content: dict[str, np.ndarray], name: str) -> torch.Tensor:
    array, shape = content.get(name), _SHAPES[name]
    count = len(content["x"]) if "x" in content and content["x"].ndim else 0
    if array is None or array.shape != (count, *shape) or count == 0:
        found = "missing" if array is None else f"of shape {array.shape}"
        raise InputError(f"{path}: {name} is {found}; expected (pairs, {', '.join(map(str, shape))})")
    kind = np.dtype(bool) if name == "uncertain" else np.dtype(np.float32)
    if array.dtype != kind:
        raise InputError(f"{path}: {name} is of type {array.dtype}; expected {kind}")
    if not np.isfinite(array).all():
        raise InputError(f"{path}: {name} holds NaN or infinite values; expected finite numbers")
    return torch.from_numpy(array)


def _single(path: Path, content: dict[str, np.ndarray], name: str, kind: str) -> Any:
    value = content.get(name)
    if value is None or value.shape != () or value.dtype.kind != kind:
        raise InputError(f"{path}: {name} is missing; expected one {'text' if kind == 'U' else 'number'}")
    return value.item()
