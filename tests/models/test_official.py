"""Checkpoints under the authors' names, made here; none of theirs is needed."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from poseterior.errors import ModelError
from poseterior.models.official import load_official, official_state_dict

HIDDEN, ENCODED = 20, 12


def checkpoint_state() -> dict[str, Tensor]:
    """Random weights under the names and shapes of the authors' `poseINN.save`, written out independently."""
    torch.manual_seed(0)
    state = {
        "cond_net.0.weight": torch.randn(30, 78) * 0.1,
        "cond_net.0.bias": torch.randn(30) * 0.1,
        "cond_net.2.weight": torch.randn(ENCODED, 30) * 0.1,
        "cond_net.2.bias": torch.randn(ENCODED) * 0.1,
    }
    for index in range(1, 17, 2):
        for name in ("s1", "s2"):
            prefix = f"inn.module_list.{index}.{name}"
            state[f"{prefix}.0.weight"] = torch.randn(HIDDEN, 24 + ENCODED) * 0.1
            state[f"{prefix}.0.bias"] = torch.randn(HIDDEN) * 0.1
            state[f"{prefix}.2.weight"] = torch.randn(48, HIDDEN) * 0.1
            state[f"{prefix}.2.bias"] = torch.randn(48) * 0.1
    return state


def save(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def authors_inverse(state: dict[str, Tensor], vector: Tensor, condition: Tensor) -> np.ndarray:
    """The authors' reverse pass in numpy: s1 is undone before s2, permutations follow from their seeds."""
    w = {name: tensor.double().numpy() for name, tensor in state.items()}

    def net(prefix: str, values: np.ndarray) -> np.ndarray:
        hidden = np.maximum(values @ w[f"{prefix}.0.weight"].T + w[f"{prefix}.0.bias"], 0)
        return hidden @ w[f"{prefix}.2.weight"].T + w[f"{prefix}.2.bias"]

    encoded, values = net("cond_net", condition.numpy()), vector.numpy()
    for block in reversed(range(8)):
        order = np.random.RandomState(block).permutation(48)
        undone = np.empty_like(values)
        undone[:, order] = values
        first, second = undone[:, :24], undone[:, 24:]
        out = net(f"inn.module_list.{1 + 2 * block}.s1", np.concatenate([first, encoded], axis=1))
        second = (second - out[:, 24:]) / np.exp(2 * 0.636 * np.arctan(out[:, :24] / 2))
        out = net(f"inn.module_list.{1 + 2 * block}.s2", np.concatenate([second, encoded], axis=1))
        first = (first - out[:, 24:]) / np.exp(2 * 0.636 * np.arctan(out[:, :24] / 2))
        values = np.concatenate([first, second], axis=1)
    return values


def test_it_computes_what_the_authors_reverse_pass_does(tmp_path: Path) -> None:
    state = checkpoint_state()
    flow = load_official(save(tmp_path / "model.pt", {"net": state})).double()
    vector = torch.randn(5, 48, dtype=torch.float64)
    condition = torch.randn(5, 78, dtype=torch.float64)
    with torch.no_grad():
        poses = flow.inverse(vector[:, None], condition)[0][:, 0]
    np.testing.assert_allclose(poses, authors_inverse(state, vector, condition), rtol=1e-9, atol=1e-9)


def test_the_way_back_gives_the_same_weights(tmp_path: Path) -> None:
    state = checkpoint_state()
    back = official_state_dict(load_official(save(tmp_path / "model.pt", {"net": state})))
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], state[name]) for name in state)


def test_temporary_variables_and_optimiser_state_are_ignored(tmp_path: Path) -> None:
    state = {**checkpoint_state(), "inn.tmp_var_0": torch.zeros(2), "inn.tmp_var_1": None}
    flow = load_official(save(tmp_path / "model.pt", {"net": state, "opt": {"state": {}}}))
    assert flow.config.hidden == HIDDEN
    assert (flow.config.clamp, flow.config.clamp_alpha) == ("official", 2.0)


def without(name: str) -> dict[str, Tensor]:
    return {key: value for key, value in checkpoint_state().items() if key != name}


@pytest.mark.parametrize(
    ("content", "pattern"),
    [
        ([1, 2], "no state dict under 'net'"),
        ({"model": {}}, "no state dict under 'net'"),
        ({"net": {"a": 3}}, "no state dict under 'net'"),
        ({"net": {"fc.weight": torch.zeros(2, 2)}}, "holds other weights"),
        ({"net": without("inn.module_list.15.s2.2.bias")}, "inn.module_list.15.s2.2.bias"),
        ({"net": {**checkpoint_state(), "inn.module_list.2.perm": torch.arange(48)}}, "module_list.2.perm"),
        (
            {"net": {**checkpoint_state(), "inn.module_list.3.s1.0.bias": torch.zeros(7)}},
            r"module_list.3.s1.0.bias is \(7,\); expected \(20,\)",
        ),
        (
            {"net": {**checkpoint_state(), "cond_net.0.weight": torch.zeros(30, 90)}},
            "reads 90 condition values",
        ),
        (
            {"net": {**checkpoint_state(), "cond_net.2.bias": torch.full((ENCODED,), torch.nan)}},
            "cond_net.2.bias holds NaN",
        ),
    ],
)
def test_a_foreign_checkpoint_is_refused(tmp_path: Path, content: object, pattern: str) -> None:
    path = save(tmp_path / "foreign.pt", content)
    with pytest.raises(ModelError, match=pattern) as caught:
        load_official(path)
    assert "foreign.pt" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.pt"):
        load_official(tmp_path / "absent.pt")


@pytest.mark.parametrize("keep", [0, 10, 500, -50])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = save(tmp_path / "model.pt", {"net": checkpoint_state()})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"model\.pt is damaged"):
        load_official(path)


def test_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ModelError, match="damaged"):
        load_official(tmp_path / "model.pt")


class _Trap:
    def __reduce__(self) -> tuple:
        return os.mkdir, (os.environ["TRAP"],)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    path = tmp_path / "model.pt"
    path.write_bytes(pickle.dumps({"net": _Trap()}))
    with pytest.raises(ModelError, match="damaged or holds more than tensors"):
        load_official(path)
    torch.save({"net": checkpoint_state(), "opt": _Trap()}, path)
    with pytest.raises(ModelError, match="damaged or holds more than tensors"):
        load_official(path)
    assert not (tmp_path / "sprung").exists()
