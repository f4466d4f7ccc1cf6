import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from _networks import METHODS, pairs, small_config

from poseterior.errors import InputError, ModelError
from poseterior.train.batch import Batch
from poseterior.train.data import TrainingData
from poseterior.train.methods.fit import Fit, FitConfig, run_fit
from poseterior.train.methods.recipe import Recipe


def batch(count, seed):
    x, y, condition = pairs(count, seed)
    covariance = torch.eye(2).expand(count, 16, 2, 2).contiguous()
    return Batch(x, y, condition, covariance, torch.zeros(count, 16, dtype=torch.bool))


DATA = TrainingData(batch(64, 0), batch(16, 3), "toy", 1.5)


def config_for(method, out, **changes):
    config = FitConfig(
        method,
        out,
        network=small_config(method),
        recipe=Recipe(batch_size=16),
        steps=8,
        report_every=3,
        validate_every=4,
        validation_pictures=8,
        validation_hypotheses=4,
        checkpoint_every=4,
    )
    return replace(config, **changes)


def weights_of(fit):
    return {name: value.numpy() for name, value in fit.network.state_dict().items()}


class StopAfter:
    def __init__(self, steps):
        self.left = steps

    def __call__(self):
        self.left -= 1
        return self.left <= 0


@pytest.mark.parametrize("method", METHODS)
def test_a_stopped_run_goes_on_as_if_nothing_had_happened(method, tmp_path):
    whole = Fit(config_for(method, tmp_path / "whole"), DATA)
    assert run_fit(whole)
    first = Fit(config_for(method, tmp_path / "parts"), DATA)
    assert not run_fit(first, StopAfter(5))
    assert first.step == 5
    second = Fit(config_for(method, tmp_path / "parts"), DATA)
    assert run_fit(second)
    for name, values in weights_of(whole).items():
        np.testing.assert_array_equal(weights_of(second)[name], values, err_msg=name)
    assert any((weights_of(first)[name] != values).any() for name, values in weights_of(whole).items())


def test_metrics_are_written_once_each(tmp_path):
    run_fit(Fit(config_for("martinez2017", tmp_path), DATA), StopAfter(5))
    run_fit(Fit(config_for("martinez2017", tmp_path), DATA))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["series"] == "train"] == [3, 5, 6, 8]
    validated = [line for line in lines if line["series"] == "validation"]
    assert [line["step"] for line in validated] == [4, 8]
    # all hypotheses of a regressor are the same
    assert validated[0]["mpjpe_oracle_best_mm"] == pytest.approx(validated[0]["mpjpe_single_mm"])
    assert "nll_nats" not in validated[0]


def test_a_finished_run_trains_no_more(tmp_path):
    run_fit(Fit(config_for("cvae", tmp_path), DATA))
    again = Fit(config_for("cvae", tmp_path), DATA)
    assert run_fit(again) and again.step == 8
    assert again.seconds > 0


def test_other_settings_or_data_are_refused(tmp_path):
    run_fit(Fit(config_for("martinez2017", tmp_path), DATA))
    for changes, message in (
        ({"seed": 1}, "seed = 0, not 1"),
        ({"steps": 9}, "steps = 8, not 9"),
        ({"network": small_config("martinez2017", hidden=8)}, "network = "),
    ):
        with pytest.raises(ModelError, match=message):
            run_fit(Fit(config_for("martinez2017", tmp_path, **changes), DATA))
    other = DATA._replace(train=batch(64, 9))
    with pytest.raises(ModelError, match="data_sha256 = "):
        run_fit(Fit(config_for("martinez2017", tmp_path), other))
    with pytest.raises(InputError, match="1 or more"):
        Fit(config_for("martinez2017", tmp_path, steps=0), DATA)


def test_augmentation_is_random_by_step_and_seed(tmp_path):
    seen = []

    def augment(given, generator):
        seen.append(torch.rand(1, generator=generator).item())
        return given

    for out in ("one", "two"):
        run_fit(Fit(config_for("martinez2017", tmp_path / out, steps=3), DATA, augment))
    assert seen[:3] == seen[3:] and len(set(seen)) == 3


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path):
    def ruin(given, generator):
        return given._replace(x=given.x * float("inf"))

    with pytest.raises(ModelError, match="training of martinez2017 diverged before step 3: total"):
        run_fit(Fit(config_for("martinez2017", tmp_path), DATA, ruin))
