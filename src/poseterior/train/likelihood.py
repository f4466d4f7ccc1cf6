"""Maximum likelihood for the posterior family, plainly: draw pairs, -log p(x | y, c), step (torch)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from poseterior.errors import ModelError
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint


class Batch(NamedTuple):
    """Poses and what was seen of them."""

    x: Float[Tensor, "pairs 48"]
    y: Float[Tensor, "pairs 32"]
    condition: Float[Tensor, "pairs 78"]


@dataclass(frozen=True)
class LikelihoodConfig:
    """Settings of a run; a checkpoint goes on only under the same ones."""

    steps: int
    learning_rate: float = 3e-3
    final_learning_rate: float = 1e-5
    warmup_steps: int = 500
    betas: tuple[float, float] = (0.9, 0.99)
    max_gradient_norm: float = 100.0
    averaging: float = 0.999
    """Decay of the exponential moving average of the weights, which is what is used afterwards."""


class Progress(NamedTuple):
    """What a run reports."""

    step: int
    loss: float
    """Mean negative log-likelihood since the last report, nats per pose in metres."""
    gradient_norm: float
    """Largest since the last report, before clipping."""
    learning_rate: float
    seconds: float
    """Since the run was started or resumed."""


@dataclass
class LikelihoodRun:
    """A run: `flow` is trained, `average` is the moving average of its weights."""

    flow: PosteriorFlow
    config: LikelihoodConfig
    batch_of_step: Callable[[int], Batch]
    """The same step must always give the same batch: this is what makes a resumed run equal."""
    checkpoint_path: Path | None = None
    facts: dict[str, Any] | None = None
    """More that identifies the run, such as how its batches are made (JSON)."""

    def __post_init__(self) -> None:
        self.step = 0
        self.average = PosteriorFlow(self.flow.config)
        self.average.load_state_dict(self.flow.state_dict())
        self.optimiser = torch.optim.Adam(self.flow.parameters(), betas=self.config.betas)

    def train(
        self,
        on_progress: Callable[[Progress], None] | None = None,
        *,
        report_every: int = 100,
        checkpoint_every: int = 1000,
        until: int | None = None,
    ) -> PosteriorFlow:
        """Steps up to `config.steps`, or only to step `until`; returns the averaged flow in eval mode.

        Raises:
            ModelError: the loss is no longer finite.
            OutputError: a checkpoint cannot be written.
        """
        start, losses, largest = time.perf_counter(), [], 0.0
        end = self.config.steps if until is None else min(until, self.config.steps)
        for batch in self._batches(end):
            loss, gradient_norm = self._one_step(batch)
            losses.append(loss)
            largest = max(largest, gradient_norm)
            if self.step % report_every == 0 or self.step == end:
                mean_loss = float(torch.stack(losses).mean())
                if not math.isfinite(mean_loss):
                    raise ModelError(f"training diverged before step {self.step}: the loss is {mean_loss}")
                if on_progress is not None:
                    seconds = time.perf_counter() - start
                    on_progress(
                        Progress(self.step, mean_loss, largest, self._learning_rate(self.step), seconds)
                    )
                losses, largest = [], 0.0
            if self.checkpoint_path is not None and (self.step % checkpoint_every == 0 or self.step == end):
                self.save()
        return self.average.eval()

    def _one_step(self, batch: Batch) -> tuple[Tensor, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(self.step)
        loss = -self.flow.log_prob(batch.x[:, None], batch.y, batch.condition).mean()
        self.optimiser.zero_grad()
        loss.backward()
        gradient_norm = torch.nn.utils.clip_grad_norm_(self.flow.parameters(), self.config.max_gradient_norm)
        self.optimiser.step()
        self.step += 1
        self._update_average()
        return loss.detach(), float(gradient_norm)

    @torch.no_grad()
    def _update_average(self) -> None:
        # shorter memory at the start, so that the first weights are soon forgotten
        decay = min(self.config.averaging, (1 + self.step) / (10 + self.step))
        for averaged, current in zip(self.average.parameters(), self.flow.parameters(), strict=True):
            averaged.lerp_(current, 1 - decay)

    def _learning_rate(self, step: int) -> float:
        """Linear warm-up, then half a cosine."""
        config = self.config
        if step < config.warmup_steps:
            return config.learning_rate * (step + 1) / config.warmup_steps
        part = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
        swing = (1 + math.cos(math.pi * min(part, 1.0))) / 2
        return config.final_learning_rate + (config.learning_rate - config.final_learning_rate) * swing

    def _batches(self, end: int) -> Iterator[Batch]:
        """The batches of the coming steps, the next one being made while one is used."""
        with ThreadPoolExecutor(max_workers=1) as maker:
            coming = maker.submit(self.batch_of_step, self.step)
            for step in range(self.step, end):
                batch = coming.result()
                if step + 1 < end:
                    coming = maker.submit(self.batch_of_step, step + 1)
                yield batch

    def _facts(self) -> dict[str, Any]:
        # through lists, as JSON gives them back
        settings = {**asdict(self.config), "betas": list(self.config.betas)}
        return {"training": settings, "batches": self.facts or {}}

    def save(self) -> None:
        """Writes the checkpoint.

        Raises:
            ValueError: the run has no checkpoint path.
            OutputError: the file cannot be written.
        """
        if self.checkpoint_path is None:
            raise ValueError("the run has no checkpoint path")
        optimiser = {
            f"{index}.{name}": value
            for index, state in self.optimiser.state_dict()["state"].items()
            for name, value in state.items()
        }
        tensors = {
            "flow": self.flow.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": optimiser,
        }
        save_checkpoint(self.checkpoint_path, Checkpoint(self.step, tensors, self._facts()))

    def resume(self) -> None:
        """Goes on from the checkpoint.

        Raises:
            ModelError: it is missing or damaged, or it was written by a run with other settings.
        """
        if self.checkpoint_path is None:
            raise ModelError("the run has no checkpoint to resume from")
        checkpoint = load_checkpoint(self.checkpoint_path)
        if checkpoint.facts != self._facts():
            raise ModelError(
                f"the checkpoint {self.checkpoint_path} was written with other settings; expected the same ones"
            )
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in checkpoint.tensors.get("optimiser", {}).items():
            index, _, name = key.partition(".")
            state.setdefault(int(index), {})[name] = value
        try:
            self.flow.load_state_dict(checkpoint.tensors["flow"])
            self.average.load_state_dict(checkpoint.tensors["average"])
            groups = self.optimiser.state_dict()["param_groups"]
            self.optimiser.load_state_dict({"state": state, "param_groups": groups})
        except (KeyError, RuntimeError, ValueError):
            raise ModelError(
                f"the checkpoint {self.checkpoint_path} does not hold the weights of this flow"
            ) from None
        self.step = checkpoint.step
