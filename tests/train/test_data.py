from pathlib import Path

import numpy as np
import pytest
import torch
from _toy_pairs import toy_batch, write_toy_pairs

from poseterior.errors import InputError
from poseterior.train.batch import Batch
from poseterior.train.config import DataConfig
from poseterior.train.data import load_training_data
from poseterior.train.pair_files import Pairs, read_pairs, write_pairs


def test_pairs_come_back_as_they_were_written(tmp_path: Path):
    data = load_training_data(DataConfig(folder=write_toy_pairs(tmp_path / "set", 9, 4)))
    for split, expected in ((data.train, toy_batch(9, 0)), (data.validation, toy_batch(4, 1))):
        for values, written in zip(split, expected, strict=True):
            assert torch.equal(values, written)
    assert (data.detector_profile, data.sigma_confident_cells) == ("toy", 1.5)


def test_the_fingerprint_is_of_every_array(tmp_path: Path):
    data = load_training_data(DataConfig(folder=write_toy_pairs(tmp_path / "set", 9, 4)))
    for name in Batch._fields:
        values = getattr(data.train, name).clone()
        values[3] = ~values[3] if values.dtype == torch.bool else values[3] + 1
        other = data._replace(train=data.train._replace(**{name: values}))
        assert other.fingerprint() != data.fingerprint()


def test_data_that_does_not_fit_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"data\.folder is not set"):
        load_training_data(DataConfig())
    with pytest.raises(InputError, match=r"manifest\.json"):
        load_training_data(DataConfig(folder=tmp_path))
    folder = write_toy_pairs(tmp_path / "set", 9, 4)
    with pytest.raises(InputError, match="condition variant paper"):
        load_training_data(DataConfig(folder=folder, condition_variant="official"))
    with pytest.raises(
        InputError, match=r"heatmap_metres paper; data.heatmap_metres is geometry; expected paper"
    ):
        load_training_data(DataConfig(folder=folder, heatmap_metres="geometry"))
    with pytest.raises(InputError, match=r"uncertain_from 1\.05; data.uncertain_from is 2\.0"):
        load_training_data(DataConfig(folder=folder, uncertain_from=2.0))
    write_pairs(folder / "validation.npz", Pairs(toy_batch(3, 1), "other", 1.5, "paper", "paper", 1.05))
    with pytest.raises(InputError, match="different detectors"):
        load_training_data(DataConfig(folder=folder))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y": None}, "y is missing; expected"),
        ({"y": np.zeros((9, 31), np.float32)}, r"y is of shape \(9, 31\); expected \(pairs, 32\)"),
        ({"x": np.zeros((8, 48), np.float32)}, r"y is of shape|x is of shape"),
        ({"x": np.zeros((9, 48))}, "x is of type float64"),
        ({"condition": np.full((9, 78), np.nan, np.float32)}, "condition holds NaN"),
        ({"uncertain": np.zeros((9, 16), np.uint8)}, "uncertain is of type uint8"),
        ({"sigma_confident_cells": "wide"}, "sigma_confident_cells is missing; expected one number"),
        ({"detector_profile": np.array([{}], dtype=object)}, "cannot read"),
    ],
)
def test_a_damaged_file_is_told_by_name_and_field(tmp_path: Path, changes: dict, words: str):
    path = write_toy_pairs(tmp_path / "set", 9, 4) / "train.npz"
    with np.load(path) as archive:
        content = {**archive, **changes}
    np.savez(path, **{name: value for name, value in content.items() if value is not None})
    with pytest.raises(InputError, match=words) as error:
        read_pairs(path)
    assert "train.npz" in str(error.value)


def test_what_is_no_archive_is_refused(tmp_path: Path):
    path = tmp_path / "train.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot read"):
        read_pairs(path)
