"""A split of a set on disk, read without loading it: arrays are mapped from the shards into memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from poseterior.data.synthesis.archive import MappedNpz, Member, npz_members
from poseterior.data.synthesis.maker import SPLITS, VARIABLE_FIELDS
from poseterior.data.synthesis.manifest import MANIFEST_FILE, Manifest, ShardRecord, read_manifest
from poseterior.data.synthesis.shards import Field
from poseterior.errors import InputError
from poseterior.types import DetectorProfile

AMBIGUOUS_RATIO = 2.5
"""A sample is ambiguous if a fitted sigma exceeds this many confident sigmas: 5 px of 2 px in the paper (H36MA)."""

MOST_OPEN_SHARDS = 480
"""A mapped file takes a file descriptor, of which a process commonly has 1,024: enough for two large sets."""


def ambiguous(
    max_sigma_cell: Float[np.ndarray, " samples"], sigma_confident_cells: float
) -> Bool[np.ndarray, " samples"]:
    """Which samples are ambiguous: the counterpart of H36MA (Wehrbein et al. 2021, section 4.1).

    Args:
        max_sigma_cell: the largest standard deviation of a sample's 16 fitted Gaussians, in heatmap cells.
        sigma_confident_cells: standard deviation of a confident joint, from the detector's profile.
    """
    return max_sigma_cell > AMBIGUOUS_RATIO * sigma_confident_cells


class SynthDataset:
    """Samples of one split, by index; `SynthDataset.open(folder, "train")`.

    Sample k of the dataset is sample `sample_index[k]` of the split: the same number, unless the set is unfinished.
    """

    def __init__(self, folder: Path, split: str, manifest: Manifest) -> None:
        self.folder = folder
        self.split = split
        self.manifest = manifest
        self._records: tuple[ShardRecord, ...] = manifest.of_split(split)
        self._starts = np.cumsum([0, *(record.samples for record in self._records)])
        self._members: dict[int, dict[str, Member]] = {}
        self._open: OrderedDict[int, MappedNpz] = OrderedDict()

    @classmethod
    def open(cls, folder: Path, split: str, *, unfinished: bool = False) -> SynthDataset:
        """Open a split; checksums are not computed (see `manifest.verify`).

        Args:
            folder: where manifest.json is.
            split: "train", "validation" or "test".
            unfinished: take the shards that are finished, where the split is not complete.

        Raises:
            InputError: no such split, manifest or shard, or the split is not complete.
        """
        if split not in SPLITS:
            raise InputError(f"there is no split {split!r}; the splits are {', '.join(SPLITS)}")
        manifest = read_manifest(folder)
        dataset = cls(folder, split, manifest)
        if len(dataset) < manifest.counts[split] and not unfinished:
            raise InputError(
                f"{folder} has {len(dataset)} of its {manifest.counts[split]} {split} samples; finish it with the "
                "command that began it, or open it as unfinished"
            )
        for record in dataset._records:
            path = folder / record.file
            size_bytes = path.stat().st_size if path.is_file() else None
            if size_bytes != record.size_bytes:
                raise InputError(
                    f"{path} has {'no' if size_bytes is None else size_bytes} bytes; "
                    f"the manifest says {record.size_bytes}"
                )
        return dataset

    def __len__(self) -> int:
        """Number of samples."""
        return int(self._starts[-1])

    @property
    def fields(self) -> dict[str, Field]:
        """What a sample holds: dtype and shape by name."""
        return self.manifest.fields

    @property
    def sample_index(self) -> Int[np.ndarray, " samples"]:
        """int64, the samples' indices within the split."""
        parts = [record.first_index + np.arange(record.samples) for record in self._records]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def __getitem__(self, field: str) -> np.ndarray:
        """A field of all samples, read into memory: dtype and shape as in `fields`, behind an axis of samples.

        Raises:
            InputError: there is no such field, its length varies (see `gather`), or a shard is damaged.
        """
        self._check_field(field)
        if field in VARIABLE_FIELDS:
            raise InputError(f"field {field} differs in length; read it with gather() for the samples needed")
        wanted = self.fields[field]
        empty = np.empty((0, *(axis or 0 for axis in wanted.shape)), wanted.dtype)
        return np.concatenate([empty, *(arrays[field] for arrays in self.shards())])

    def shards(self) -> Iterator[MappedNpz]:
        """Each shard's arrays by name, mapped: nothing is read but what is looked at."""
        return (self._arrays(k) for k in range(len(self._records)))

    def gather(
        self, indices: Int[np.ndarray, " batch"], fields: Sequence[str]
    ) -> dict[str, np.ndarray | list[np.ndarray]]:
        """Fields of a batch of samples, in the order of `indices`; repeated ones are allowed.

        Returns:
            By field: an array of shape (batch, ...), or a list of uint8 arrays where the length varies.

        Raises:
            InputError: an index or a field does not exist, or a shard is damaged.
        """
        for field in fields:
            self._check_field(field)
        if len(indices) and (indices.min() < 0 or indices.max() >= len(self)):
            raise InputError(
                f"indices reach from {indices.min()} to {indices.max()}; expected 0 to {len(self) - 1}"
            )
        batch = {field: self._empty(field, len(indices)) for field in fields}
        if not len(indices):
            return batch
        shard_of = np.searchsorted(self._starts, indices, side="right") - 1
        order = np.argsort(shard_of, kind="stable")
        shards, begins = np.unique(shard_of[order], return_index=True)
        for shard, rows in zip(shards.tolist(), np.split(order, begins[1:]), strict=True):
            local = indices[rows] - self._starts[shard]
            arrays = self._arrays(shard)
            for field, values in batch.items():
                _fill(values, rows, arrays, field, local)
        return batch

    @property
    def profile(self) -> DetectorProfile:
        """The profile of the detector whose Gaussians these are, from the manifest's `identity.detector`.

        Raises:
            InputError: the manifest does not state it.
        """
        names = ("name", "heatmap_height", "heatmap_width", "sigma_confident_cells", "joint_names")
        values = {name: self._of_detector(name) for name in names}
        return DetectorProfile(**{**values, "joint_names": tuple(values["joint_names"])})

    @property
    def sigma_confident_cells(self) -> float:
        """The confident sigma of that detector; raises InputError where the manifest does not state it."""
        return float(self._of_detector("sigma_confident_cells"))

    def ambiguous(self) -> Bool[np.ndarray, " samples"]:
        """Which samples are ambiguous, by their field `max_sigma_cell` and the detector's profile."""
        return ambiguous(self["max_sigma_cell"], self.sigma_confident_cells)

    def _of_detector(self, name: str) -> Any:
        detector = self.manifest.identity.get("detector")
        if not isinstance(detector, dict) or name not in detector:
            raise InputError(f"{self.folder / MANIFEST_FILE} does not state identity.detector.{name}")
        return detector[name]

    def _check_field(self, field: str) -> None:
        if field not in self.fields:
            raise InputError(
                f"{self.folder} has no field {field!r}; it has {', '.join(self.fields) or 'none'}"
            )

    def _empty(self, field: str, length: int) -> np.ndarray | list[np.ndarray]:
        if field in VARIABLE_FIELDS:
            return [np.empty(0, np.uint8)] * length
        wanted = self.fields[field]
        return np.empty((length, *(axis or 0 for axis in wanted.shape)), wanted.dtype)

    def _arrays(self, shard: int) -> MappedNpz:
        if shard in self._open:
            self._open.move_to_end(shard)
            return self._open[shard]
        path = self.folder / self._records[shard].file
        if shard not in self._members:
            members = npz_members(path)
            self._check_members(members, shard, path)
            self._members[shard] = members
        if len(self._open) >= MOST_OPEN_SHARDS:
            self._open.popitem(last=False)
        self._open[shard] = MappedNpz(path, self._members[shard])
        return self._open[shard]

    def _check_members(self, members: dict[str, Member], shard: int, path: Path) -> None:
        samples = self._records[shard].samples
        for name, field in self.fields.items():
            if name in VARIABLE_FIELDS:
                member, expected = members.get(f"{name}_offsets"), (np.dtype(np.int64), (samples + 1,))
            else:
                member, expected = members.get(name), (np.dtype(field.dtype), (samples, *field.shape))
            if member is None or (member.dtype, member.shape) != expected:
                raise InputError(f"{path} has not the field {name} that the manifest says")


def _fill(
    values: np.ndarray | list[np.ndarray],
    rows: Int[np.ndarray, " some"],
    arrays: MappedNpz,
    field: str,
    local: Int[np.ndarray, " some"],
) -> None:
    """Copy the samples `local` of a shard into the rows of a batch."""
    if isinstance(values, np.ndarray):
        values[rows] = arrays[field][local]
        return
    content, offsets = arrays[f"{field}_bytes"], arrays[f"{field}_offsets"]
    for row, sample in zip(rows.tolist(), local.tolist(), strict=True):
        values[row] = content[offsets[sample] : offsets[sample + 1]].copy()
