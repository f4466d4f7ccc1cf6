"""The two kinds of training: what one step does (torch)."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor

from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.models.wehrbein import WehrbeinFlow
from poseterior.train.batch import Batch
from poseterior.train.config import TrainConfig
from poseterior.train.fabric import share_of
from poseterior.train.learner import Learner
from poseterior.train.objective import PoseCritic, critic_objective, draw_fakes, generator_objective
from poseterior.train.schedule import learning_rate_factor
from poseterior.train.seeds import Stream, stream_generator, stream_seed
from poseterior.train.source import BatchSource

Flow = PosteriorFlow | WehrbeinFlow
Losses = dict[str, Float[Tensor, ""]]


class Sources(NamedTuple):
    """Where a trainee's batches come from."""

    flow: BatchSource
    critic: BatchSource
    """Numbered by the critic's own steps."""


@runtime_checkable
class Trainee(Protocol):
    """A flow that learns, with all that learns beside it."""

    learners: dict[str, Learner]

    @property
    def flow(self) -> Flow:
        """What is learnt."""
        ...

    def step(self, step: int) -> Losses:
        """One step, numbered from 0; the losses of this process, without gradient."""
        ...


def build_trainee(config: TrainConfig, fabric: Fabric, sources: Sources, poses_m: Tensor) -> Trainee:
    """The trainee at step 0, the same on every process.

    Args:
        config: the run's.
        fabric: launched.
        sources: of batches on the fabric's device.
        poses_m: x of all training pairs; the posterior family is scaled by their spread.
    """
    torch.manual_seed(config.seed)
    if config.kind == "likelihood":
        flow = PosteriorFlow(config.flow)
        flow.set_scale_from(poses_m.cpu())
        _initialise(flow, config)
        fabric.to_device(flow)
        return LikelihoodTrainee(flow, config, fabric, sources)
    flow = WehrbeinFlow(config.flow)
    _initialise(flow, config)
    critic = PoseCritic() if config.objective.weight_gen > 0 else None
    fabric.to_device(flow)
    if critic is not None:
        fabric.to_device(critic)
    return WehrbeinTrainee(flow, critic, config, fabric, sources)


@torch.no_grad()
def _initialise(flow: Flow, config: TrainConfig) -> None:
    if config.initialisation == "official":
        for parameter in flow.body.blocks.parameters():
            parameter.normal_(0.0, 0.05)
    if not config.data.condition_shown:
        # they stay 0, since what they would read is 0 too: the flow ignores the condition for good
        flow.body.encoder.hidden.weight.zero_()


class LikelihoodTrainee:
    """Maximum likelihood of the truths: -log p(x | y, c), mean over pictures, nats (METHOD section 9)."""

    def __init__(self, flow: PosteriorFlow, config: TrainConfig, fabric: Fabric, sources: Sources) -> None:
        self.learners = {"flow": Learner(flow, config.optimiser, fabric, config.optimiser.clipping)}
        self._flow, self._config, self._fabric, self._source = flow, config, fabric, sources.flow

    @property
    def flow(self) -> PosteriorFlow:
        """What is learnt."""
        return self._flow

    def step(self, step: int) -> Losses:
        """See `Trainee.step`."""
        batch = self._source.batch(step, self._fabric.global_rank, self._fabric.world_size)
        with self._fabric.autocast():
            loss = -self._flow.log_prob(batch.x[:, None], batch.y, batch.condition).mean()
        factor = learning_rate_factor(self._config.schedule, step)
        norm = self.learners["flow"].update(loss, factor)
        return {"nll_nats": loss.detach(), "gradient_norm": norm}


class WehrbeinTrainee:
    """Eq. 9 of Wehrbein et al., ICCV 2021: some steps of the critic, then one of the flow."""

    def __init__(
        self,
        flow: WehrbeinFlow,
        critic: PoseCritic | None,
        config: TrainConfig,
        fabric: Fabric,
        sources: Sources,
    ) -> None:
        self.learners = {"flow": Learner(flow, config.optimiser, fabric, config.optimiser.clipping)}
        if critic is not None:
            self.learners["critic"] = Learner(critic, config.optimiser, fabric, clipping="none")
        self._flow, self._critic, self._config, self._fabric = flow, critic, config, fabric
        self._sources = sources
        self._share = share_of(fabric)

    @property
    def flow(self) -> WehrbeinFlow:
        """What is learnt."""
        return self._flow

    def step(self, step: int) -> Losses:
        """See `Trainee.step`."""
        factor = learning_rate_factor(self._config.schedule, step)
        losses = {} if self._critic is None else self._critic_steps(self._critic, step, factor)
        batch = self._batch(self._sources.flow, step)
        generator = self._generator(Stream.OBJECTIVE, step)
        with self._fabric.autocast():
            terms = generator_objective(
                self._flow, self._critic, batch, generator, self._config.objective, self._share
            )
        norm = self.learners["flow"].update(terms.total, factor)
        return {"total": terms.total.detach(), **terms.parts, **losses, "gradient_norm": norm}

    def _critic_steps(self, critic: PoseCritic, step: int, factor: float) -> Losses:
        steps = self._config.critic.steps
        batches = [self._batch(self._sources.critic, step * steps + number) for number in range(steps)]
        generator = self._generator(Stream.CRITIC, step)
        latents = [self._share.latents(batch.y, 1, generator) for batch in batches]
        # the flow stands still meanwhile, so that one pass makes the fakes of all these steps
        y, condition = (torch.cat(rows) for rows in zip(*((b.y, b.condition) for b in batches), strict=True))
        fakes = draw_fakes(self._flow, y, condition, torch.cat(latents)).chunk(steps)
        losses: Losses = {}
        for batch, fake in zip(batches, fakes, strict=True):
            with self._fabric.autocast():
                terms = critic_objective(
                    critic, batch.x, fake, generator, self._config.objective, self._share
                )
            self.learners["critic"].update(terms.total, factor)
            losses = {f"critic_{name}": part for name, part in terms.parts.items()}
        return losses

    def _batch(self, source: BatchSource, step: int) -> Batch:
        return source.batch(step, self._fabric.global_rank, self._fabric.world_size)

    def _generator(self, stream: Stream, step: int) -> torch.Generator:
        # the same on all processes: each takes its rows of what is drawn for the joint batch
        return stream_generator(self._fabric.device, self._config.seed, stream, step)


def seed_everything_else(config: TrainConfig, fabric: Fabric, step: int) -> None:
    """Makes PyTorch's global random numbers depend on the step too, should anything draw from them."""
    torch.manual_seed(stream_seed(config.seed, Stream.GLOBAL, step, fabric.global_rank))
