from dataclasses import asdict
from pathlib import Path

import pytest

from poseterior.compare.ablations import FULL, ablation_plan
from poseterior.compare.plan import PLANS, h36m_plan
from poseterior.compare.trainings import flow_training
from poseterior.errors import InputError
from poseterior.train.config import DeviceConfig, check_config


def settings_of(entry, plan):
    config = flow_training(entry, plan, 0, Path("data"), Path("out"), DeviceConfig("cpu"))
    check_config(config)
    return {
        f"{section}.{key}": value
        for section, values in asdict(config).items()
        if isinstance(values, dict)
        for key, value in values.items()
    }


@pytest.mark.parametrize("preset", PLANS)
def test_a_row_differs_from_the_full_training_by_one_option(preset):
    plan = ablation_plan(preset)
    plan.check()
    full, *others = plan.entries
    assert full.name == FULL and not full.options
    expected = settings_of(full, plan)
    for entry in others:
        found = settings_of(entry, plan)
        differing = {key: value for key, value in found.items() if value != expected[key]}
        differing.pop("card.name")
        assert differing == entry.options and len(differing) == 1


def test_the_full_row_is_the_compared_method_at_its_budget():
    plan, compared = ablation_plan("h36m"), h36m_plan()
    assert plan.pictures == compared.pictures
    (flow,) = compared.chosen(("wehrbein2021",))
    theirs, ours = settings_of(flow, compared), settings_of(plan.entries[0], plan)
    assert theirs.pop("card.name") == "wehrbein2021" and ours.pop("card.name") == FULL
    assert ours == theirs


def test_the_rows_of_table_4_are_there_and_a_second_seed_of_the_full_one():
    plan = ablation_plan("open")
    names = [entry.name for entry in plan.entries]
    assert names[:8] == ["full", "no-condition", "no-hm", "no-gen", "no-mb", "k-1", "k-10", "k-50"]
    assert [(seed, entry.name) for seed, entry in plan.trainings(plan.entries)][-1] == (1, FULL)
    assert len(plan.trainings(plan.entries)) == len(names) + 1


def test_an_unknown_preset_is_refused():
    with pytest.raises(InputError, match="there is no preset huge; expected one of tiny, open, h36m"):
        ablation_plan("huge")
