import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from poseterior.errors import InputError
from poseterior.flow.model_card import read_card
from poseterior.train.config import (
    TrainConfig,
    as_json,
    check_config,
    check_processes,
    identifying_settings,
)
from poseterior.train.config_file import read_config, toml_of
from poseterior.train.presets import PRESETS
from poseterior.weights import bundled_models, model_folder


def _read(tmp_path: Path, text: str) -> TrainConfig:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_used_and_survives_a_file(tmp_path: Path, name: str):
    config = PRESETS[name]()
    check_config(config)
    assert _read(tmp_path, toml_of(config)) == config


@pytest.mark.parametrize("name", bundled_models())
def test_the_configuration_in_a_bundled_card_reruns_its_training(tmp_path: Path, name: str):
    card = read_card(model_folder(name))
    settings = card.metrics["training"]["configuration"]
    config = _read(tmp_path, _as_toml(settings))
    read = as_json(config)
    for key, value in settings.items():
        assert (value.items() <= read[key].items()) if isinstance(value, dict) else value == read[key], key
    assert (config.flow, config.seed) == (card.config, card.seed)
    for key, said in vars(config.card).items():
        assert said == getattr(card, key), key


def _as_toml(settings: dict) -> str:
    """JSON's numbers, texts, booleans and lists are TOML as well."""
    sections = {key: value for key, value in settings.items() if isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items() if key not in sections]
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    return "\n".join(lines)


def test_the_largest_seed_is_taken_by_torch():
    seed = 2**63 - 1
    check_config(replace(TrainConfig(), seed=seed))
    assert torch.manual_seed(seed).initial_seed() == seed


def test_awkward_paths_and_texts_survive_a_file(tmp_path: Path):
    config = TrainConfig(out=Path('a "b"\\c\td\x7fé'))
    config = replace(config, card=replace(config.card, description="two\nlines"))
    assert _read(tmp_path, toml_of(config)) == config


def test_what_a_file_leaves_out_is_as_in_its_preset_or_the_paper_s(tmp_path: Path):
    config = _read(tmp_path, "[objective]\nweight_gen = 0\n[data]\nfolder = 'sets/a'")
    assert config.objective.weight_gen == 0.0
    assert type(config.objective.weight_gen) is float
    assert config.data.folder == Path("sets/a")
    assert (config.objective.weight_hm, config.optimiser.betas, config.optimiser.clip_at) == (
        750,
        (0.5, 0.9),
        15,
    )
    assert (config.schedule.steps, config.data.batch_size, config.critic.steps) == (74_710, 64, 5)
    tiny = _read(tmp_path, "preset = 'tiny'\nseed = 4")
    assert tiny == replace(PRESETS["tiny"](), seed=4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[optimiser]\nlearning_rat = 1",
            "unknown key optimiser.learning_rat; did you mean optimiser.learning_rate",
        ),
        ("colour = 1", "unknown key colour; expected kind, out"),
        ("seed = 1.5", "seed is 1.5; expected a whole number"),
        ("seed = true", "seed is True; expected a whole number"),
        ("averaging = 'much'", "averaging is 'much'; expected a number"),
        ("averaging = nan", "averaging is nan; expected a number"),
        ("kind = 'gan'", "kind is 'gan'; expected one of wehrbein, likelihood"),
        ("flow = 3", r"flow is 3; expected a table \[flow\]"),
        ("[optimiser]\nbetas = [0.5]", "optimiser.betas has 1 values; expected 2"),
        ("[optimiser]\nbetas = 0.5", "optimiser.betas is 0.5; expected a list"),
        ("[data]\nmirrored = 1", "data.mirrored is 1; expected true or false"),
        ("[objective]\nnum_best = 300", "field num_best is 300; expected 1 to num_hypotheses"),
        ("[schedule]\nsteps = 0", "schedule.steps is 0; expected 1 or more"),
        ("preset = 'huge'", "preset is 'huge'; expected one of tiny"),
        ("preset = ['tiny']", r"preset is \['tiny'\]; expected one of tiny"),
        ("preset = {}", "preset is {}; expected one of tiny"),
        ("seed = 99999999999999999999999", r"seed is 99999999999999999999999; expected 0 to 2\^63 - 1"),
        ("seed = -1", "seed is -1; expected 0 to"),
        ("seed = ", "is not TOML"),
    ],
)
def test_a_wrong_file_is_told_in_one_sentence_that_names_the_field(tmp_path: Path, text: str, words: str):
    with pytest.raises(InputError, match=words) as error:
        _read(tmp_path, text)
    assert "run.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"none\.toml"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("section", "changes", "words"),
    [
        ("data", {"batch_size": 0}, "data.batch_size is 0"),
        ("data", {"batch_size": 1}, "2 or more for the kind"),
        ("optimiser", {"learning_rate": -1.0}, "optimiser.learning_rate is -1.0; expected a positive"),
        ("optimiser", {"betas": (0.5, 1.0)}, r"optimiser.betas is \[0.5, 1.0\]"),
        ("schedule", {"halved_from": 1.5}, "schedule.halved_from is 1.5"),
        ("noise", {"joint_m": float("nan")}, "noise.joint_m is nan"),
        ("validation", {"hypotheses": 1}, "validation.hypotheses is 1"),
        ("flow", {"inputs": ("y", "condition")}, "flow.inputs"),
    ],
)
def test_values_out_of_range_are_refused(section: str, changes: dict, words: str):
    config = TrainConfig()
    changed = replace(getattr(config, section), **changes)
    with pytest.raises(InputError, match=words):
        check_config(replace(config, **{section: changed}))


def test_only_what_the_weights_depend_on_tells_runs_apart():
    config = TrainConfig()
    settings = identifying_settings(config)
    elsewhere = replace(
        config,
        out=Path("other"),
        data=replace(config.data, folder=Path("moved")),
        watch=replace(config.watch, report_every=3),
        validation=replace(config.validation, every=9),
    )
    assert identifying_settings(elsewhere) == settings
    for key in ("seed", "objective.weight_hm", "data.batch_size", "schedule.steps", "device.precision"):
        assert key in settings
    assert settings["optimiser.betas"] == [0.5, 0.9]


def test_a_batch_must_be_shared_evenly():
    check_processes(TrainConfig(), 4)
    with pytest.raises(InputError, match=r"data\.batch_size is 64; expected a multiple of .*, 3"):
        check_processes(TrainConfig(), 3)
