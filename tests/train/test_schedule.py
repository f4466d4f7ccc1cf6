import math

import pytest
import torch
from torch import nn

from poseterior.train.averaging import update_average
from poseterior.train.config import ScheduleConfig
from poseterior.train.schedule import learning_rate_factor


def test_the_paper_s_rate_is_halved_after_150_of_155_epochs():
    config = ScheduleConfig()
    last_full = 150 * 482 - 1
    assert [learning_rate_factor(config, step) for step in (0, last_full, last_full + 1, 74_709)] == [
        1,
        1,
        0.5,
        0.5,
    ]


def test_cosine_after_a_linear_rise():
    config = ScheduleConfig(steps=110, shape="cosine", warmup_steps=10, final_factor=0.1)
    assert learning_rate_factor(config, 0) == pytest.approx(0.1)
    assert learning_rate_factor(config, 4) == pytest.approx(0.5)
    assert learning_rate_factor(config, 10) == pytest.approx(1.0)
    assert learning_rate_factor(config, 60) == pytest.approx(0.55)
    assert learning_rate_factor(config, 35) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2)
    assert learning_rate_factor(config, 110) == pytest.approx(0.1)


def test_the_average_forgets_its_start_soon_and_then_decays():
    average, current = nn.Linear(1, 1), nn.Linear(1, 1)
    with torch.no_grad():
        average.weight.fill_(1.0)
        current.weight.fill_(0.0)
    update_average(average, current, 0.9, steps=1)
    assert average.weight.item() == pytest.approx(2 / 11)
    update_average(average, current, 0.9, steps=10_000)
    assert average.weight.item() == pytest.approx(0.9 * 2 / 11)
    assert current.weight.item() == 0.0
