"""Runs as processes: killed, asked to stop, and several at once."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from _process import poseterior
from _toy_pairs import toy_config, write_toy_pairs

from poseterior.train.checkpoint import load_checkpoint
from poseterior.train.config import ScheduleConfig, TrainConfig
from poseterior.train.config_file import toml_of
from poseterior.train.data import load_training_data
from poseterior.train.fabric import launch_fabric
from poseterior.train.runs import Run
from poseterior.train.tracker import read_metrics

STEPS = 30
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def _config(folder: Path, name: str, **changes) -> Path:
    """A file with a run of both optimisers, of some seconds."""
    config = toy_config(folder / name, "wehrbein", folder / "pairs", schedule=ScheduleConfig(steps=STEPS))
    config = replace(config, watch=replace(config.watch, report_every=1, checkpoint_every=6), **changes)
    path = folder / f"{name}.toml"
    path.write_text(toml_of(config))
    return path


def _start(config: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "poseterior", "train", str(config), *arguments],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for_step(process: subprocess.Popen, run: Path, step: int) -> None:
    """Returns as soon as the run's metrics tell of `step`."""
    while process.poll() is None:
        lines = read_metrics(run / "metrics.jsonl", "train") if run.exists() else []
        if lines and lines[-1]["step"] >= step:
            return
        time.sleep(0.005)
    pytest.fail(f"the run ended with {process.returncode} before step {step}: {process.stderr.read()}")


def _losses(run: Path) -> list[dict]:
    return [
        {name: value for name, value in line.items() if name != "seconds"}
        for line in read_metrics(run / "metrics.jsonl", "train")
    ]


def _expect_the_same_end(run: Path, expected: Path) -> None:
    ends = [load_checkpoint(folder / "checkpoint.safetensors") for folder in (run, expected)]
    assert ends[0].step == ends[1].step == STEPS
    assert ends[0].tensors.keys() == ends[1].tensors.keys()
    for group, tensors in ends[1].tensors.items():
        for name, tensor in tensors.items():
            assert torch.equal(ends[0].tensors[group][name], tensor), f"{group} {name}"
    assert _losses(run) == _losses(expected)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    write_toy_pairs(folder / "pairs")
    return folder


@pytest.fixture(scope="module")
def uninterrupted(folder) -> Path:
    done = poseterior("train", _config(folder, "uninterrupted"), env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return folder / "uninterrupted"


@pytest.mark.parametrize("step", [1, random.randrange(7, STEPS - 8)], ids=["first", "random"])
def test_a_run_that_is_killed_ends_as_if_nothing_had_happened(folder, uninterrupted, step):
    name = f"killed-{step}"
    config, run = _config(folder, name), folder / name
    process = _start(config)
    _wait_for_step(process, run, step)
    process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL
    saved = load_checkpoint(run / "checkpoint.safetensors").step
    assert saved < STEPS, f"killed after step {step}"
    done = poseterior("train", config, "--resume", env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    _expect_the_same_end(run, uninterrupted)
    model = [(folder / "model" / "weights.safetensors").read_bytes() for folder in (run, uninterrupted)]
    assert model[0] == model[1]


def test_sigterm_saves_and_ends_with_143(folder):
    config, run = _config(folder, "stopped"), folder / "stopped"
    process = _start(config)
    _wait_for_step(process, run, 8)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert said.splitlines()[-1] == (
        "poseterior: stopped by SIGTERM; the run is saved, and --resume goes on with it"
    )
    # the last step that was told is the one that is saved
    assert load_checkpoint(run / "checkpoint.safetensors").step == _losses(run)[-1]["step"] >= 8
    assert not (run / "model").exists()


RANKS = """
import json, sys
from pathlib import Path
import torch
from poseterior.train.config import check_config
from poseterior.train.config_file import read_config
from poseterior.train.data import load_training_data
from poseterior.train.fabric import launch_fabric
from poseterior.train.loop import train
from poseterior.train.runs import Run

config, out = read_config(Path(sys.argv[1])), Path(sys.argv[2])
fabric = launch_fabric(config.device)
run = Run(config, fabric, load_training_data(config.data))
losses = run.one_step()
run.window.add(losses)
means = run.window.take_means(fabric)
gradients = {name: p.grad.clone() for name, p in run.trainee.flow.named_parameters()}
stop_at = int(sys.argv[3])
# only the last process wishes to stop
wish = lambda: fabric.global_rank == fabric.world_size - 1 and run.step == stop_at
finished = train(run, None, wish)
weights = {name: {k: v for k, v in l.module.state_dict().items()} for name, l in run.trainee.learners.items()}
torch.save({"means": means, "gradients": gradients, "weights": weights, "step": run.step, "finished": finished,
            "average": run.flow.state_dict()}, out / f"rank{fabric.global_rank}.pt")
"""


def _two_ranks(folder: Path, config: TrainConfig, stop_at: int) -> list[dict]:
    """What each of two processes came to."""
    out = folder / f"two-{config.kind}"
    out.mkdir()
    config = replace(config, out=out)
    (out / "config.toml").write_text(toml_of(config))
    (out / "ranks.py").write_text(RANKS)
    arguments = [str(out / name) for name in ("ranks.py", "config.toml")] + [str(out), str(stop_at)]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [sys.executable, *launcher, *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [torch.load(out / f"rank{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.fixture(scope="module")
def cpu_config(folder):
    def config(kind: str) -> TrainConfig:
        config = toy_config(folder, kind, folder / "pairs")
        return replace(config, device=replace(config.device, accelerator="cpu"))

    return config


def test_two_processes_learn_what_one_learns_from_the_joint_batch(folder, cpu_config):
    config = cpu_config("likelihood")
    one = Run(
        replace(config, out=folder / "one"), launch_fabric(config.device), load_training_data(config.data)
    )
    loss = one.one_step()["nll_nats"]
    two = _two_ranks(folder, config, stop_at=-1)
    assert [rank["finished"] for rank in two] == [True, True]
    for rank in two:
        assert rank["means"]["nll_nats"] == pytest.approx(float(loss), rel=1e-6)
        for name, parameter in one.trainee.flow.named_parameters():
            torch.testing.assert_close(
                rank["gradients"][name], parameter.grad, rtol=1e-4, atol=1e-4, msg=name
            )
    while one.step < config.schedule.steps:
        one.one_step()
    # twelve steps of Adam apart, by rounding only
    for name, tensor in one.trainee.flow.state_dict().items():
        torch.testing.assert_close(two[0]["weights"]["flow"][name], tensor, rtol=1e-3, atol=1e-3, msg=name)
    _expect_equal_ranks(two)


def test_two_processes_of_the_paper_s_loop_do_what_one_does_and_stop_together(folder, cpu_config):
    config = cpu_config("wehrbein")
    one = Run(
        replace(config, out=folder / "one"), launch_fabric(config.device), load_training_data(config.data)
    )
    # of the joint batch: its latents, its pairs of pictures in L_MMD, its steps of the critic
    losses = one.one_step()
    assert {"2d", "mmd", "gen", "det", "mb", "hm", "critic_penalty"} <= losses.keys()
    two = _two_ranks(folder, config, stop_at=5)
    for rank in two:
        for name, loss in losses.items():
            assert rank["means"][name] == pytest.approx(float(loss), rel=1e-4, abs=1e-6), name
        for name, parameter in one.trainee.flow.named_parameters():
            torch.testing.assert_close(
                rank["gradients"][name], parameter.grad, rtol=1e-3, atol=1e-3, msg=name
            )
    assert [(rank["step"], rank["finished"]) for rank in two] == [(5, False), (5, False)]
    assert load_checkpoint(folder / "two-wehrbein" / "checkpoint.safetensors").step == 5
    _expect_equal_ranks(two)


def _expect_equal_ranks(ranks: list[dict]) -> None:
    for module, weights in ranks[0]["weights"].items():
        for name, tensor in weights.items():
            assert torch.equal(ranks[1]["weights"][module][name], tensor), f"{module} {name}"
    for name, tensor in ranks[0]["average"].items():
        assert torch.equal(ranks[1]["average"][name], tensor), name
    assert json.dumps(ranks[0]["means"]) == json.dumps(ranks[1]["means"])
