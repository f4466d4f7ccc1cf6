"""The flow on disk: what is stored, and what a damaged or foreign folder is answered with."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from poseterior.errors import ModelError, OutputError
from poseterior.flow.bundle import open_bundle, write_bundle
from poseterior.flow.export import export_flow, load_flow
from poseterior.flow.model_card import read_card
from poseterior.flow.runtime import FlowRuntime


def edit_card(folder: Path, **changes) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refused(folder: Path, pattern: str) -> None:
    with pytest.raises(ModelError, match=pattern) as caught:
        FlowRuntime.load(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", ["posterior", "bijective"])
def test_torch_reads_back_what_it_wrote(exported, family: str) -> None:
    flow, folder = exported(family)
    again = load_flow(folder)
    assert type(again) is type(flow)
    assert again.config == flow.config
    for name, tensor in flow.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def test_the_card_tells_everything(exported) -> None:
    flow, folder = exported("posterior")
    card = read_card(folder)
    assert (card.family, card.config) == ("posterior", flow.config)
    assert (card.detector_profile, card.sigma_confident_cells) == ("blazepose_full", 1.3)
    assert (card.stand_in, card.licence, card.metrics) == (True, "Apache-2.0", {"nll": 1.5})
    assert card.log_prob_kind == "posterior"
    assert len(card.weights_sha256) == 64
    assert "metres" in card.units["pose"]


@pytest.mark.parametrize("family", ["posterior", "bijective"])
def test_weights_are_stored_once(exported, family: str) -> None:
    flow, folder = exported(family, hidden=256)
    numbers = sum(tensor.numel() for tensor in flow.state_dict().values())
    weights = (folder / "weights.safetensors").stat().st_size
    assert 4 * numbers < weights < 4 * numbers + 12_000
    assert all(path.stat().st_size < 64_000 for path in folder.glob("*.onnx"))


def test_the_safetensors_package_reads_the_weights(exported) -> None:
    flow, folder = exported("posterior")
    tensors = load_file(folder / "weights.safetensors")
    state = flow.state_dict()
    assert tensors.keys() == state.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(tensor, state[name].numpy())


def test_export_is_reproducible(exported, tmp_path: Path) -> None:
    flow, folder = exported("bijective")
    export_flow(flow, tmp_path / "again", replace(read_card(folder), files={}))
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "nowhere")


@pytest.mark.parametrize("family", ["posterior", "bijective"])
def test_every_missing_or_damaged_file_is_named(exported, family: str) -> None:
    _, folder = exported(family)
    for path in sorted(folder.iterdir()):
        good = path.read_bytes()
        path.unlink()
        refused(folder, f"{re.escape(path.name)}: No such file")
        middle = len(good) // 2
        path.write_bytes(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :])
        if path.name != "model.json":
            refused(folder, f"{re.escape(path.name)} is damaged")
        path.write_bytes(good[:-100])
        refused(folder, re.escape(path.name))
        path.write_bytes(good)
    FlowRuntime.load(folder)


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({"format_version": 2}, "format version 2; this version reads 1"),
        ({"family": "diffusion"}, "family is 'diffusion'; expected one of bijective, posterior"),
        ({"family": "bijective"}, "reads the condition alone"),
        ({"family": "bijective", "config": {"inputs": ["condition"]}}, "must name .*jacobian.onnx"),
        ({"condition_variant": "mine"}, "condition_variant is 'mine'; expected one of paper, official"),
        ({"stand_in": "yes"}, "stand_in"),
        ({"config": {"hidden": 3}}, "config"),
        ({"config": None}, "config"),
        ({"surprise": 1}, "surprise"),
        ({"files": {}}, "files must name"),
        ({"files": {"../weights.safetensors": "0"}}, "files must name"),
        ({"sigma_confident_cells": None}, "sigma_confident_cells"),
    ],
)
def test_a_wrong_card_is_refused(exported, changes: dict, pattern: str) -> None:
    _, folder = exported("posterior")
    edit_card(folder, **changes)
    refused(folder, pattern)


@pytest.mark.parametrize(
    "change",
    [{"hidden": 0}, {"clamp": "tanh"}, {"clamp_alpha": -1}, {"inputs": []}, {"permutation": "random"}],
)
def test_an_impossible_config_is_refused(exported, change: dict) -> None:
    _, folder = exported("posterior")
    config = json.loads((folder / "model.json").read_text())["config"]
    edit_card(folder, config={**config, **change})
    refused(folder, "field config")


@pytest.mark.parametrize("text", ["", "[]", "{}", "{broken", "\x00\xff"])
def test_a_card_that_is_none_is_refused(exported, text: str) -> None:
    _, folder = exported("posterior")
    (folder / "model.json").write_text(text, encoding="latin-1")
    refused(folder, "model.json")


def test_weights_of_another_size_are_refused_by_torch(exported) -> None:
    _, folder = exported("posterior")
    config = json.loads((folder / "model.json").read_text())["config"]
    edit_card(folder, config={**config, "hidden": 41})
    with pytest.raises(ModelError, match="does not hold the weights"):
        load_flow(folder)


def test_exporting_again_replaces_the_bundle_and_leaves_nothing_behind(exported, tmp_path: Path) -> None:
    flow, folder = exported("posterior")
    with torch.no_grad():
        flow.scale.mul_(2)
    export_flow(flow, folder, replace(read_card(folder), name="second"))
    assert open_bundle(folder).name == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["posterior"]


def test_a_folder_with_other_things_in_it_is_left_alone(exported, tmp_path: Path) -> None:
    flow, folder = exported("posterior")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"x")
    with pytest.raises(OutputError, match="photos exists and is not a model folder"):
        export_flow(flow, tmp_path / "photos", read_card(folder))
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["one.jpg"]


def test_a_failed_write_leaves_the_old_bundle(exported, tmp_path: Path) -> None:
    _, folder = exported("posterior")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OutputError, match="cannot write the model folder"):
        write_bundle(folder, read_card(folder), {"good.bin": b"1", "no/such/folder.bin": b"2"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["posterior"]


def test_weights_that_are_not_finite_are_not_exported(exported, tmp_path: Path) -> None:
    flow, folder = exported("posterior")
    with torch.no_grad():
        flow.scale[3] = torch.nan
    with pytest.raises(ValueError, match="scale holds NaN"):
        export_flow(flow, tmp_path / "new", read_card(folder))
    assert not (tmp_path / "new").exists()
