import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from _toy_pairs import toy_config, write_toy_pairs

from poseterior import cli
from poseterior.flow.model_card import read_card
from poseterior.train.config_file import read_config, toml_of
from poseterior.train.presets import PRESETS
from poseterior.train.tracker import read_metrics


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A file of a run that takes a second."""
    folder = write_toy_pairs(tmp_path / "pairs")
    path = tmp_path / "run.toml"
    path.write_text(toml_of(_run(tmp_path, folder)))
    return path


def _run(tmp_path: Path, folder: Path):
    config = toy_config(tmp_path / "run", folder=folder)
    return replace(config, validation=replace(config.validation, figure=True, every=12))


def _printed(capsys, *arguments: str) -> dict:
    assert cli.run(["train", *arguments, "--print-config"]) == 0
    return tomllib.loads(capsys.readouterr().out)


def test_the_printed_configuration_is_the_file_again(tmp_path: Path, capsys):
    assert cli.run(["train", "--preset", "posterior", "--print-config"]) == 0
    path = tmp_path / "printed.toml"
    path.write_text(capsys.readouterr().out)
    assert read_config(path) == PRESETS["posterior"]()


def test_any_field_can_be_said_on_the_command_line_before_the_file(config: Path, capsys):
    said = _printed(
        capsys,
        str(config),
        "--seed=7",
        "--optimiser.learning-rate",
        "0.5",
        "--optimiser.betas",
        "0.1",
        "0.2",
        "--data.no-mirrored",
        "--data.folder",
        "else where",
        "--objective.num-best",
        "3",
    )
    assert (said["seed"], said["optimiser"]["learning_rate"], said["optimiser"]["betas"]) == (
        7,
        0.5,
        [0.1, 0.2],
    )
    assert (said["data"]["mirrored"], said["data"]["folder"]) == (False, "else where")
    assert said["objective"]["num_best"] == 3
    # the rest is the file's
    assert (said["kind"], said["flow"]["hidden"], said["schedule"]["steps"]) == ("likelihood", 16, 12)


def test_a_run_trains_reports_and_leaves_a_model(config: Path, capsys):
    assert cli.run(["train", str(config)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("poseterior: validation at step 0: MPJPE best ")
    assert any(line.startswith("poseterior: step 12 of 12, 0 s left: nll nats ") for line in lines)
    run = config.parent / "run"
    assert lines[-1] == f"poseterior: the model is in {run / 'model'}"
    assert read_card(run / "model").family == "posterior"
    assert [line["step"] for line in read_metrics(run / "metrics.jsonl", "train")] == [4, 8, 12]
    assert (run / "hypotheses.png").stat().st_size > 1000
    assert read_config(run / "config.toml") == read_config(config)

    assert cli.run(["train", str(config)]) == 1
    assert "already holds a run; go on with it by --resume" in capsys.readouterr().err
    assert cli.run(["train", str(config), "--resume", "--seed", "1"]) == 1
    assert "with seed = 0, not 1; expected the same settings" in capsys.readouterr().err
    # a finished run has nothing to do but to write its model again
    (run / "model" / "weights.safetensors").unlink()
    assert cli.run(["train", str(config), "--resume"]) == 0
    assert (run / "model" / "weights.safetensors").exists()


@pytest.mark.parametrize("kind", ["likelihood", "wehrbein"])
def test_a_dry_run_says_what_it_would_cost_and_writes_nothing(tmp_path: Path, capsys, kind: str):
    path = tmp_path / "run.toml"
    path.write_text(toml_of(toy_config(tmp_path / "run", kind, write_toy_pairs(tmp_path / "pairs"))))
    before = sorted(tmp_path.rglob("*"))
    assert cli.run(["train", str(path), "--dry-run"]) == 0
    said = capsys.readouterr().out
    for part in (
        "96 training pairs, 12 validation pairs",
        "parameters: flow ",
        "a step takes",
        "12 steps: about",
    ):
        assert part in said
    assert ("critic " in said) == (kind == "wehrbein")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "expected CONFIG.toml or --preset"),
        (["{config}", "--preset", "tiny"], 2, "not both"),
        (["none.toml"], 1, "cannot read the configuration none.toml"),
        (["{config}", "--seed", "99999999999999999999999"], 1, "expected 0 to 2^63 - 1"),
        (["{config}", "--schedule.steps", "0"], 1, "schedule.steps is 0; expected 1 or more"),
        (["{config}", "--data.folder", "nowhere"], 1, "nowhere"),
        (["{config}", "--resume"], 1, "there is no checkpoint"),
        (["{config}", "--resume", "--dry-run"], 2, "--dry-run begins anew"),
        (
            ["{config}", "--data.batch-size", "1", "--kind", "wehrbein", "--flow.inputs", "condition"],
            1,
            "2 or more",
        ),
        (["--preset", "tiny"], 1, "data.folder is not set"),
        pytest.param(
            ["{config}", "--device.accelerator", "cuda"],
            1,
            "device.accelerator is cuda, which cannot be used here",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_sentence(config: Path, capsys, arguments, code, words):
    assert cli.run(["train", *(argument.format(config=config) for argument in arguments)]) == code
    said = capsys.readouterr()
    assert words in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""
    assert not (config.parent / "run").exists()


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_tensorboard_without_its_extra_is_told_before_anything_is_written(
    config: Path, capsys, monkeypatch, more
):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert cli.run(["train", str(config), "--watch.tensorboard", *more]) == 1
    said = capsys.readouterr().err
    assert said.startswith("poseterior: watch.tensorboard needs tensorboard, not installed here")
    assert 'pip install "poseterior[tensorboard]"' in said
    assert len(said.splitlines()) == 1
    assert not (config.parent / "run").exists()
    # a configuration for another machine can still be printed here
    assert _printed(capsys, str(config), "--watch.tensorboard")["watch"]["tensorboard"]


def test_an_unknown_option_is_wrong_usage():
    with pytest.raises(SystemExit) as stopped:
        cli.run(["train", "--preset", "tiny", "--optimiser.learning-rat", "1"])
    assert stopped.value.code == 2


def test_help_shows_the_fields_with_the_preset_s_values(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.run(["train", "--preset", "posterior", "--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    for part in ("--objective.weight-hm", "--schedule.steps", "40000", "--resume", "143"):
        assert part in said


def test_the_general_help_loads_nothing_of_training():
    script = (
        "import sys, poseterior.cli as cli\n"
        "try: cli.run(['--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith(('torch', 'poseterior.train'))], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert "train" in done.stdout
