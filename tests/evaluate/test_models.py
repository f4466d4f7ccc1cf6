import json
import sys
import types

import numpy as np
import pytest
import torch
from _toy_evaluation import GaussianLifter, toy_set

from poseterior.errors import ModelError
from poseterior.evaluate.models import open_model
from poseterior.geometry.normalise import vector_from_pose
from poseterior.models.interface import LiftingInputs, LiftingModel, picture_noise
from poseterior.models.wehrbein import join_latent


@pytest.fixture
def inputs():
    return toy_set(9).inputs()


def _torch(*arrays):
    return [torch.from_numpy(np.asarray(array, np.float32)) for array in arrays]


def test_a_flow_lifts_as_its_torch_module_does(bundle, inputs):
    flow, folder = bundle()
    model = open_model(folder, num_threads=1)
    assert isinstance(model, LiftingModel)
    y, condition, latents = _torch(inputs.y, inputs.condition, picture_noise(inputs.picture, 6, 45, 3))
    with torch.no_grad():
        expected, log_det = flow.inverse(latents, y, condition)
        single, _ = flow.inverse(torch.zeros(9, 1, 45), y, condition)
    draws = model.sample(inputs, 6, seed=3)
    np.testing.assert_allclose(draws.vectors, expected, atol=1e-5)
    log_prob = -0.5 * (latents.numpy() ** 2).sum(-1) - 22.5 * np.log(2 * np.pi) - log_det.numpy()
    np.testing.assert_allclose(draws.log_prob, log_prob, atol=1e-4)
    np.testing.assert_allclose(model.log_prob(inputs, draws.vectors), draws.log_prob, atol=2e-3)
    np.testing.assert_allclose(model.single(inputs), single[:, 0], atol=1e-5)
    assert model.num_parameters == sum(parameter.numel() for parameter in flow.parameters())
    assert model.identity["method"] == "flow-posterior" and len(model.identity["weights_sha256"]) == 64


def test_no_picture_depends_on_its_neighbours(bundle, inputs):
    model = open_model(bundle()[1], num_threads=1)
    whole, single = model.sample(inputs, 6, seed=3), model.single(inputs)
    for rows in (slice(4, 5), slice(2, 9)):
        part = LiftingInputs(*(values[rows] for values in inputs))
        np.testing.assert_allclose(model.sample(part, 6, seed=3).vectors, whole.vectors[rows], atol=1e-7)
        np.testing.assert_allclose(model.single(part), single[rows], atol=1e-7)


def test_the_bijective_family_has_no_density(bundle, inputs):
    flow, folder = bundle("bijective")
    model = open_model(folder, num_threads=1)
    assert not model.gives_log_prob
    draws = model.sample(inputs, 6, seed=3)
    assert draws.log_prob is None
    y, condition, latents = _torch(inputs.y, inputs.condition, picture_noise(inputs.picture, 6, 16, 3))
    with torch.no_grad():
        expected = flow.inverse(join_latent(latents, y), condition)[0]
    np.testing.assert_allclose(draws.vectors, expected, atol=1e-5)
    truth = vector_from_pose(toy_set(9).joints_m)[:, None]
    with pytest.raises(ModelError, match="tiny-bijective is of the bijective family"):
        model.log_prob(inputs, truth)


def test_other_methods_are_opened_by_what_their_card_says(tmp_path, monkeypatch):
    (tmp_path / "model.json").write_text(json.dumps({"format_version": 1, "method": "cvae"}))
    opened = []

    def open_network_lifter(folder):
        opened.append(folder)
        return GaussianLifter()

    module = types.ModuleType("poseterior.models.network_bundle")
    module.open_network_lifter = open_network_lifter
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert open_model(tmp_path).name == "toy"
    assert opened == [tmp_path]


def test_what_is_no_model_is_refused(tmp_path, bundle):
    with pytest.raises(ModelError, match="model nowhere: expected one of"):
        open_model("nowhere")
    with pytest.raises(ModelError, match="cannot read the model card"):
        open_model(tmp_path)
    _, folder = bundle()
    (folder / "model.json").write_text("{")
    with pytest.raises(ModelError, match="not valid JSON"):
        open_model(folder)
