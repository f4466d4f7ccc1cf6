from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from poseterior.errors import ModelError, OutputError
from poseterior.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint


def _checkpoint() -> Checkpoint:
    tensors = {
        "flow": {"a.weight": torch.randn(3, 2), "count": torch.tensor(7)},
        "average": {"a": torch.ones(1)},
    }
    return Checkpoint(12, tensors, {"seed": 3, "betas": [0.9, 0.99]})


def test_what_is_read_is_what_was_written(tmp_path: Path):
    written = _checkpoint()
    save_checkpoint(tmp_path / "run.safetensors", written)
    read = load_checkpoint(tmp_path / "run.safetensors")
    assert (read.step, read.facts) == (12, written.facts)
    for group, tensors in written.tensors.items():
        assert read.tensors[group].keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert read.tensors[group][name].dtype == tensor.dtype
            assert torch.equal(read.tensors[group][name], tensor)
    assert [path.name for path in tmp_path.iterdir()] == ["run.safetensors"]


def test_a_failed_write_keeps_the_older_checkpoint(tmp_path: Path):
    path = tmp_path / "run.safetensors"
    save_checkpoint(path, _checkpoint())
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_checkpoint(path, Checkpoint(13, {}, {"loss": float("nan")}))
    assert path.read_bytes() == before
    with pytest.raises(OutputError, match="none"):
        save_checkpoint(tmp_path / "none" / "run.safetensors", _checkpoint())


@pytest.mark.parametrize("damage", ["truncated", "emptied", "header", "garbage", "missing"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, damage: str):
    path = tmp_path / "run.safetensors"
    save_checkpoint(path, _checkpoint())
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        harmed = {
            "truncated": data[:-5],
            "emptied": b"",
            "header": data[:8] + b"x" + data[9:],
            "garbage": b"\x80\x04",
        }
        path.write_bytes(harmed[damage])
    with pytest.raises(ModelError, match=r"run\.safetensors"):
        load_checkpoint(path)


def test_another_safetensors_file_is_not_a_checkpoint(tmp_path: Path):
    save_file({"a": torch.ones(2)}, tmp_path / "weights.safetensors")
    with pytest.raises(ModelError, match=r"weights\.safetensors is not a checkpoint"):
        load_checkpoint(tmp_path / "weights.safetensors")
