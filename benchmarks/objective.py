"""What a generator iteration of the paper's training costs, against the authors' loop, in one run.

An iteration is 5 critic steps and 1 generator step, Adam included, at batch 64 with L = 200 hypotheses (Wehrbein
et al., ICCV 2021; 74,710 such iterations in all). The authors' loop is written as theirs: FrEIA's layers, the
condition repeated for every hypothesis, autograd through all of them. Ours is the step that `poseterior train` does,
with the same losses: "full" (autograd too), "two_pass" (the same gradient) and "subset" (unbiased); it makes the
fakes of the five critic steps at once. Batches are at hand for both. Each has a process of its own, so that none
works on the heap that another left, and they take turns; all twice, with glibc's default allocator and with
MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ raised. Of the pictures, all have an uncertain joint (the
dearest case), but for "two_pass_half_certain".

    python benchmarks/objective.py [--threads 2] [--rounds 3]
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from _common import interleave, write_result
from flow import LayerByLayer
from torch import Tensor
from torch.nn.functional import l1_loss

from poseterior.flow.config import FlowConfig
from poseterior.models.wehrbein import WehrbeinFlow
from poseterior.train.batch import Batch
from poseterior.train.config import CriticConfig, DeviceConfig, TrainConfig
from poseterior.train.fabric import launch_fabric
from poseterior.train.objective import ObjectiveConfig, PoseCritic, official_objective
from poseterior.train.objective.adversarial import gradient_penalty
from poseterior.train.objective.best_of_many import best_indices, best_of_many_loss
from poseterior.train.objective.heatmap import heatmap_loss
from poseterior.train.objective.mmd import squared_mmd
from poseterior.train.trainees import Sources, WehrbeinTrainee

PICTURES = 64
CRITIC_STEPS = 5
TARGET_RATIO = {"two_pass": 1.8, "subset": 3.0}
RAISED = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(4 << 30)}
"""Bytes: freed tensors stay with the process, and the next ones fault no pages in."""


def _batch(uncertain_pictures: float) -> Batch:
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    root = 0.05 * normal(PICTURES, 16, 2, 2)
    uncertain = torch.rand(PICTURES, 16, generator=generator) < 0.3
    # the first joint of the condition, so that every picture has one
    uncertain[:, 0] = True
    uncertain[int(PICTURES * uncertain_pictures) :] = False
    x, y, condition = 0.3 * normal(PICTURES, 48), normal(PICTURES, 32), normal(PICTURES, 78)
    return Batch(x, y, condition, root @ root.mT, uncertain)


class _Networks:
    """A flow and a critic, always the same."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.flow, self.critic = WehrbeinFlow(FlowConfig()), PoseCritic()

    def optimisers(self, weights: Sequence[Tensor]) -> tuple[torch.optim.Adam, torch.optim.Adam]:
        adam = [
            torch.optim.Adam(parameters, lr=1e-4, betas=(0.5, 0.9))
            for parameters in (list(weights), list(self.critic.parameters()))
        ]
        return adam[0], adam[1]


class _OneBatch:
    """A source of the same batch in every step (`train.source.BatchSource`)."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> Batch:
        return self._batch


def _ours(config: ObjectiveConfig, batch: Batch) -> Callable[[], None]:
    networks, source = _Networks(), _OneBatch(batch)
    fabric = launch_fabric(DeviceConfig(accelerator="cpu"))
    settings = TrainConfig(objective=config, critic=CriticConfig(steps=CRITIC_STEPS))
    trainee = WehrbeinTrainee(networks.flow, networks.critic, settings, fabric, Sources(source, source))
    steps = itertools.count()

    def iteration() -> None:
        trainee.step(next(steps))

    return iteration


def _step_clipped(optimiser: torch.optim.Adam) -> None:
    """Element-wise to [-15, 15]."""
    torch.nn.utils.clip_grad_value_([p for group in optimiser.param_groups for p in group["params"]], 15.0)
    optimiser.step()


def _authors(config: ObjectiveConfig, batch: Batch) -> Callable[[], None]:
    """One iteration as in the authors' released loop."""
    networks = _Networks()
    critic, reference = networks.critic, LayerByLayer(networks.flow)
    weights = [*reference.net.parameters(), *reference.encoder.parameters()]
    of_flow, of_critic = networks.optimisers(weights)

    def inverse(latent: Tensor, y: Tensor, condition: Tensor) -> Tensor:
        vectors = torch.cat([latent, y], dim=1)
        return reference.net(vectors, c=reference.encoder(condition), rev=True)[0]

    def critic_step() -> None:
        of_critic.zero_grad()
        (-critic(batch.x).mean()).backward()
        with torch.no_grad():
            fakes = inverse(torch.randn(PICTURES, 16), batch.y, batch.condition)
        critic(fakes).mean().backward()
        part = torch.rand(PICTURES, 1)
        penalty = gradient_penalty(critic, part * batch.x + (1 - part) * fakes)
        (config.gradient_penalty * penalty).backward()
        of_critic.step()

    def forward_losses() -> Tensor:
        vector_hat = reference.net(batch.x, c=reference.encoder(batch.condition))[0]
        z = torch.randn(PICTURES, 16)
        cut = torch.cat([vector_hat[:, :16], vector_hat[:, 16:].detach()], dim=1)
        mmd = squared_mmd(cut, torch.cat([z, batch.y], dim=1), config.mmd_widths, config.mmd_estimator)
        (l1_loss(vector_hat[:, 16:], batch.y) + config.weight_mmd * mmd).backward()
        return vector_hat.detach()[:, :16]

    def hypotheses_losses() -> Tensor:
        number = config.num_hypotheses
        y, condition = batch.y.repeat(number, 1), batch.condition.repeat(number, 1)
        flat = inverse(torch.randn(number * PICTURES, 16), y, condition)
        hypotheses = flat.view(number, PICTURES, 48).transpose(0, 1)
        best = best_indices(batch.x, hypotheses, config.num_best, config.ranked_pose)
        best_few = hypotheses[torch.arange(PICTURES)[:, None], best]
        mb = best_of_many_loss(batch.x, best_few, config.ranked_pose)
        gaussians = batch.heatmap_covariance_m2, batch.uncertain
        hm = heatmap_loss(hypotheses, *gaussians, config.heatmap_centre, config.heatmap_joints)
        return config.weight_mb * mb + config.weight_hm * hm

    def generator_step() -> None:
        critic.requires_grad_(False)
        of_flow.zero_grad()
        z_hat = forward_losses()
        x_random = inverse(torch.randn(PICTURES, 16), batch.y, batch.condition)
        x_det = inverse(z_hat, batch.y, batch.condition)
        (config.weight_det * l1_loss(x_det, batch.x) + hypotheses_losses()).backward()
        (-critic(x_random).mean()).backward()
        _step_clipped(of_flow)
        critic.requires_grad_(True)

    def iteration() -> None:
        for _ in range(CRITIC_STEPS):
            critic_step()
        generator_step()

    return iteration


_ITERATIONS: dict[str, Callable[[], Callable[[], None]]] = {
    "authors_loop": lambda: _authors(official_objective(), _batch(1.0)),
    "full": lambda: _ours(official_objective(gradient="full"), _batch(1.0)),
    "two_pass": lambda: _ours(official_objective(gradient="two_pass"), _batch(1.0)),
    "subset": lambda: _ours(official_objective(gradient="subset"), _batch(1.0)),
    "two_pass_half_certain": lambda: _ours(official_objective(gradient="two_pass"), _batch(0.5)),
}


def _work(name: str, threads: int) -> None:
    """In a process of its own: an iteration for every line that comes in."""
    torch.set_num_threads(threads)
    iteration = _ITERATIONS[name]()
    for _ in sys.stdin:
        iteration()
        print("done", flush=True)


class _Worker:
    """A process that runs iterations of one kind when asked; its heap is its own."""

    def __init__(self, name: str, threads: int, environment: dict[str, str]) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
        # OMP_NUM_THREADS would overrule what the worker sets
        clean["OMP_NUM_THREADS"] = str(threads)
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker", name, "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**clean, **environment},
        )

    def iterate(self) -> None:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        if process.stdout.readline() != "done\n":
            raise RuntimeError("a worker of the benchmark ended early")

    def close(self) -> None:
        self._process.communicate()


def _measure(threads: int, rounds: int, environment: dict[str, str]) -> dict[str, float]:
    """Median seconds of an iteration, all kinds in turn."""
    workers = {name: _Worker(name, threads, environment) for name in _ITERATIONS}
    try:
        return interleave({name: worker.iterate for name, worker in workers.items()}, rounds)
    finally:
        for worker in workers.values():
            worker.close()


def _report(seconds: dict[str, dict[str, float]], ratio: dict[str, dict[str, float]]) -> None:
    for allocator, row in seconds.items():
        print(f"{allocator} allocator, seconds per generator iteration:")
        for name, value in row.items():
            target = f" (target {TARGET_RATIO[name]})" if name in TARGET_RATIO else ""
            print(f"  {name:<22} {value:6.2f}   authors' loop / this {ratio[allocator][name]:5.2f}{target}")


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--worker", choices=list(_ITERATIONS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        _work(arguments.worker, arguments.threads)
        return
    environments = {"default": {}, "raised": RAISED}
    seconds = {
        name: _measure(arguments.threads, arguments.rounds, environment)
        for name, environment in environments.items()
    }
    ratio = {
        name: {other: row["authors_loop"] / value for other, value in row.items()}
        for name, row in seconds.items()
    }
    _report(seconds, ratio)
    payload = {
        "threads": arguments.threads,
        "rounds": arguments.rounds,
        "batch": PICTURES,
        "hypotheses": official_objective().num_hypotheses,
        "raised": RAISED,
        "seconds_per_iteration": seconds,
        "authors_loop_over_this": ratio,
        "target_ratio": TARGET_RATIO,
        "torch": torch.__version__,
    }
    print(write_result("objective", payload, arguments.out))


if __name__ == "__main__":
    main()
