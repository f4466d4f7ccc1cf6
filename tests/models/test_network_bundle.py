import json

import numpy as np
import onnx
import pytest
import torch
from _networks import card_of, pairs, small_network

from poseterior.errors import ModelError, OutputError
from poseterior.evaluate.models import open_model
from poseterior.models.interface import LiftingInputs
from poseterior.models.network_bundle import load_network, open_network_lifter, save_network


@pytest.fixture
def folder(tmp_path):
    network = small_network("martinez2017")
    save_network(network, tmp_path / "model", card_of(network))
    return tmp_path / "model"


def edit(folder, **changes):
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_card_tells_the_kind_and_is_strict_json(folder):
    card = json.loads((folder / "model.json").read_text())
    assert (card["kind"], card["method"], card["format_version"]) == ("network", "martinez2017", 1)
    assert card["config"] == {"inputs": ["y"], "hidden": 32, "blocks": 1, "dropout": 0.5, "max_norm": 1.0}
    assert set(card["files"]) == {"weights.safetensors"}


def test_evaluation_opens_it(folder):
    model = open_model(folder)
    assert model.name == "small martinez2017" and model.identity["method"] == "martinez2017"
    assert (model.detector_profile, model.condition_variant) == ("toy", "paper")
    network, _ = load_network(folder)
    assert model.num_parameters == sum(parameter.numel() for parameter in network.parameters())


def test_graphs_take_their_weights_from_the_weights_file(tmp_path):
    network = small_network("cvae", hidden=256, latent=64)
    card = save_network(network, tmp_path / "model", card_of(network), graphs=True)
    assert set(card.files) == {"weights.safetensors", "single.onnx", "draw.onnx"}
    weights = (tmp_path / "model" / "weights.safetensors").stat().st_size
    graph = tmp_path / "model" / "draw.onnx"
    assert graph.stat().st_size < 0.1 * weights
    stored = onnx.load(str(graph), load_external_data=False).graph.initializer
    assert all(
        entry.data_location == onnx.TensorProto.EXTERNAL for entry in stored if np.prod(entry.dims) > 99
    )


def test_fields_that_weights_do_not_depend_on_can_be_changed(tmp_path):
    network = small_network("li2019-mdn")
    save_network(network, tmp_path / "model", card_of(network))
    _, y, condition = (values[:2].numpy() for values in pairs())
    inputs = LiftingInputs(y, condition, np.arange(2))
    means = open_network_lifter(tmp_path / "model", draws="means")
    samples = open_network_lifter(tmp_path / "model")
    assert samples.gives_log_prob and not means.gives_log_prob
    np.testing.assert_array_equal(means.single(inputs), samples.single(inputs))
    np.testing.assert_allclose(means.sample(inputs, 3, 0).vectors[:, 0], samples.single(inputs), atol=1e-6)
    with pytest.raises(ModelError, match=r"config\.draws is 'all'; expected one of samples, means"):
        open_network_lifter(tmp_path / "model", draws="all")
    with pytest.raises(ModelError, match="unexpected entries: drawn"):
        open_network_lifter(tmp_path / "model", drawn="means")


def test_a_card_of_something_else_is_not_written(tmp_path):
    network = small_network("martinez2017")
    with pytest.raises(ValueError, match="the card describes cvae"):
        save_network(network, tmp_path / "model", card_of(network, method="cvae"))
    with torch.no_grad():
        network.pose.bias[3] = float("nan")
    with pytest.raises(ValueError, match=r"weight pose\.bias holds NaN"):
        save_network(network, tmp_path / "model", card_of(network))
    assert not (tmp_path / "model").exists()


def test_a_model_is_replaced_and_anything_else_is_not(folder, tmp_path):
    other = small_network("martinez2017", seed=1)
    card = save_network(other, folder, card_of(other, name="other"))
    assert load_network(folder)[1] == card
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "text").write_text("mine")
    with pytest.raises(OutputError, match="notes exists and is not a model folder"):
        save_network(other, tmp_path / "notes", card_of(other))
    assert (tmp_path / "notes" / "text").read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "flow"}, 'field kind is not "network"'),
        ({"format_version": 2}, "has format version 2; this version reads 1"),
        ({"more": 1}, "unexpected fields: more"),
        ({"seed": "0"}, "field seed is '0', of the wrong type"),
        ({"condition_variant": "mine"}, "condition_variant is 'mine'; expected one of paper, official"),
        ({"files": {}}, r"field files must name weights\.safetensors"),
        ({"files": {"weights.safetensors": "", "../x": ""}}, "field files must name"),
        ({"files": {"weights.safetensors": "0"}}, "is damaged: its SHA-256"),
        ({"method": "magic"}, "there is no method magic; expected one of martinez2017"),
        ({"config": {}}, "field config lacks or has unexpected entries: blocks"),
    ],
)
def test_cards_that_cannot_be_meant_are_refused(folder, changes, message):
    edit(folder, **changes)
    with pytest.raises(ModelError, match=message):
        load_network(folder)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"hidden": -1}, r"config\.hidden is -1; expected a int that is not negative"),
        ({"hidden": 2.5}, r"config\.hidden is 2\.5"),
        ({"dropout": "0"}, r"config\.dropout is '0'"),
        ({"inputs": "y"}, r"config\.inputs is 'y'; expected a list"),
        ({"inputs": ["z"]}, r"config\.inputs is 'z'; expected one of y, condition"),
        ({"hidden": 33}, "does not hold the weights that the model card describes"),
        ({"blocks": 2}, "does not hold the weights that the model card describes"),
    ],
)
def test_configs_that_do_not_fit_are_refused(folder, entry, message):
    edit(folder, config=json.loads((folder / "model.json").read_text())["config"] | entry)
    with pytest.raises(ModelError, match=message):
        load_network(folder)


def test_damaged_files_are_refused(folder):
    path = folder / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="is damaged: its SHA-256"):
        load_network(folder)
    path.unlink()
    with pytest.raises(ModelError, match="cannot read the model file"):
        load_network(folder)
    with pytest.raises(ModelError, match="there is no model folder"):
        load_network(folder / "none")
