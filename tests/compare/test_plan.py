from dataclasses import fields, replace
from pathlib import Path

import pytest
from _networks import METHODS

from poseterior.compare.plan import PLANS, h36m_plan, open_plan, tiny_plan
from poseterior.compare.trainings import flow_training
from poseterior.errors import InputError
from poseterior.models.network_methods import network_method
from poseterior.train.config import DeviceConfig, check_config


@pytest.mark.parametrize("name", PLANS)
def test_every_method_has_its_row(name):
    entries = PLANS[name]().entries
    assert {entry.method for entry in entries if entry.kind == "network"} == set(METHODS)
    assert {entry.method for entry in entries if entry.kind == "flow"} == {"wehrbein2021", "posterior"}
    rows = [entry.name + answer.suffix for entry in entries for answer in entry.answers]
    assert len(set(rows)) == len(rows) == 12


@pytest.mark.parametrize("name", PLANS)
def test_sizes_are_fields_of_the_methods(name):
    for entry in PLANS[name]().entries:
        if entry.kind == "network":
            config = network_method(entry.method).config_class()
            asked = set(entry.sizes).union(*(answer.changes for answer in entry.answers))
            assert asked <= {field.name for field in fields(config)}


def test_published_sizes_on_the_open_data():
    assert not any(entry.sizes for entry in open_plan().entries)
    assert open_plan().batch_size is None


@pytest.mark.parametrize("name", ["wehrbein2021", "posterior"])
def test_flows_get_the_same_budget_and_variations(name):
    for plan in (open_plan(), tiny_plan()):
        (entry,) = plan.chosen((name,))
        config = flow_training(entry, plan, 3, Path("data"), Path("out"), DeviceConfig("cpu"))
        check_config(config)
        shown = config.schedule.steps * config.data.batch_size
        assert plan.pictures <= shown < plan.pictures + config.data.batch_size
        assert (config.data.mirrored, config.data.rotated_degrees, config.seed) == (False, 0.0, 3)
    # the paper's budget is the paper's training
    plan = h36m_plan()
    (entry,) = plan.chosen(("wehrbein2021",))
    assert flow_training(entry, plan, 0, Path(), Path(), DeviceConfig("cpu")).schedule.steps == 74_710


def test_dear_methods_are_trained_for_the_first_seed_only():
    plan = open_plan()
    names = [(seed, entry.name) for seed, entry in plan.trainings(plan.chosen(("martinez2017", "cvae")))]
    assert names == [(0, "martinez2017"), (0, "cvae"), (1, "martinez2017")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pictures": 0}, "pictures is 0; expected 1 or more"),
        ({"max_pictures": -3}, "max_pictures is -3"),
        ({"seeds": ()}, "seeds: expected one or more"),
        ({"seeds": (1, 1)}, "seeds: expected one or more, all different"),
        ({"seeds": (0, 2**63)}, "seeds: .* 0 to 2\\^63 - 1"),
    ],
)
def test_values_that_cannot_be_meant(changes, said):
    tiny_plan().check()
    with pytest.raises(InputError, match=said):
        replace(tiny_plan(), **changes).check()


def test_methods_are_chosen_by_name():
    plan = tiny_plan()
    assert plan.chosen(("all",)) == plan.entries
    assert [entry.name for entry in plan.chosen(("posterior", "cvae"))] == ["cvae", "posterior"]
    with pytest.raises(InputError, match="there is no magic; expected all, or some of martinez2017"):
        plan.chosen(("magic",))
