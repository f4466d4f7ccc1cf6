from pathlib import Path

import pytest
import torch
from torch import nn

from poseterior.errors import ModelError
from poseterior.train.best import BestWeights, load_best
from poseterior.train.checkpoint import Checkpoint, save_checkpoint


def _module(value: float) -> nn.Linear:
    module = nn.Linear(2, 1)
    nn.init.constant_(module.weight, value)
    return module


def test_the_lowest_value_is_kept_also_across_a_resumption(tmp_path: Path):
    path, loaded = tmp_path / "best.safetensors", _module(0.0)
    best = BestWeights(path, "nll_nats", resumed_step=0)
    for step, value in ((0, 5.0), (10, 2.0), (20, 3.0)):
        best.offer(_module(float(step)), step, {"nll_nats": value, "mpjpe_mean_mm": -step})
    assert load_best(path, loaded, "nll_nats") == (10, {"nll_nats": 2.0, "mpjpe_mean_mm": -10})
    assert float(loaded.weight.detach()[0, 0]) == 10.0

    # the last checkpoint was of step 5, so that steps 10 and 20 are measured again
    again = BestWeights(path, "nll_nats", resumed_step=5)
    for step, value in ((10, 2.0), (20, 3.0), (30, 1.0)):
        again.offer(_module(100.0 + step), step, {"nll_nats": value})
        assert load_best(path, loaded, "nll_nats").step == max(10, step if value < 2 else 10)
    assert float(loaded.weight.detach()[0, 0]) == 130.0

    # a run that begins forgets what another one left
    BestWeights(path, "nll_nats", resumed_step=0).offer(_module(7.0), 0, {"nll_nats": 9.0})
    assert load_best(path, loaded, "nll_nats") == (0, {"nll_nats": 9.0})


def test_a_file_of_an_earlier_version_knows_the_metric_alone(tmp_path: Path):
    path, module = tmp_path / "best.safetensors", _module(3.0)
    save_checkpoint(path, Checkpoint(10, {"flow": module.state_dict()}, {"metric": "nll_nats", "value": 2.0}))
    BestWeights(path, "nll_nats", resumed_step=5).offer(_module(0.0), 20, {"nll_nats": 2.5})
    assert load_best(path, module, "nll_nats") == (10, {"nll_nats": 2.0})


def test_weights_kept_by_another_metric_or_of_another_flow_are_refused(tmp_path: Path):
    path = tmp_path / "best.safetensors"
    with pytest.raises(ModelError, match=r"there is no checkpoint .*best\.safetensors"):
        load_best(path, _module(0.0), "nll_nats")
    BestWeights(path, "nll_nats", 0).offer(_module(1.0), 4, {"nll_nats": 1.0})
    for read in (
        lambda: BestWeights(path, "mpjpe_mean_mm", 4),
        lambda: load_best(path, _module(0.0), "mpjpe_mean_mm"),
    ):
        with pytest.raises(ModelError, match=r"kept by nll_nats; expected mpjpe_mean_mm"):
            read()
    with pytest.raises(ModelError, match="does not hold the weights of this run"):
        load_best(path, torch.nn.Linear(3, 1), "nll_nats")
