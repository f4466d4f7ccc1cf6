"""The pairs of a run: read from where the configuration says, checked, and with a fingerprint."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import torch

from poseterior.errors import InputError
from poseterior.train.batch import Batch
from poseterior.train.config import DataConfig
from poseterior.train.pair_files import DECIDED, Pairs, read_pairs


class TrainingData(NamedTuple):
    """What a run learns from and what it is measured on, on the CPU."""

    train: Batch
    validation: Batch
    detector_profile: str
    sigma_confident_cells: float

    def fingerprint(self) -> str:
        """SHA-256 of the training pairs: a run is resumed on the same ones."""
        digest = hashlib.sha256()
        for values in self.train:
            digest.update(values.numpy().tobytes())
        return digest.hexdigest()


def load_training_data(config: DataConfig) -> TrainingData:
    """Both splits.

    Raises:
        InputError: no folder is given, it holds no set, or the set is damaged or made with other settings.
    """
    if config.folder is None:
        raise InputError("data.folder is not set; expected a set made by poseterior synth")
    train = _split(config.folder, config.train_split, config)
    validation = _split(config.folder, config.validation_split, config)
    for pairs in (train, validation):
        if pairs.condition_variant != config.condition_variant:
            raise InputError(
                f"the pairs in {config.folder} are of the condition variant {pairs.condition_variant}; "
                f"data.condition_variant is {config.condition_variant}"
            )
        _check_made_with(pairs, config)
    if train[1:] != validation[1:]:
        raise InputError(f"the splits in {config.folder} are of different detectors; expected one detector")
    return TrainingData(train.arrays, validation.arrays, train.detector_profile, train.sigma_confident_cells)


def _check_made_with(pairs: Pairs, config: DataConfig) -> None:
    for name in DECIDED:
        made, asked = getattr(pairs, name), getattr(config, name)
        if made != asked:
            option = f"--data.{name.replace('_', '-')} {made}"
            raise InputError(
                f"the pairs in {config.folder} were made with {name} {made}; data.{name} is {asked}; "
                f"expected {made} ({option}), or pairs made anew"
            )


def _split(folder: Path, split: str, config: DataConfig) -> Pairs:
    path = folder / f"{split}.npz"
    return read_pairs(path) if path.is_file() else _synthetic(folder, split, config)


def _synthetic(folder: Path, split: str, config: DataConfig) -> Pairs:
    from poseterior.data.synthesis.dataset import SynthDataset
    from poseterior.data.synthesis.pairs import load_open_data

    pairs = load_open_data(
        folder,
        split,
        variant=config.condition_variant,
        heatmap_metres=config.heatmap_metres,
        uncertain_from=config.uncertain_from,
    )
    profile = SynthDataset.open(folder, split).profile
    if len(pairs.x) == 0:
        raise InputError(f"{folder} has no {split} samples; expected one or more")
    arrays = Batch(*(torch.from_numpy(getattr(pairs, name)) for name in Batch._fields))
    return Pairs(
        arrays,
        profile.name,
        profile.sigma_confident_cells,
        config.condition_variant,
        config.heatmap_metres,
        config.uncertain_from,
    )
