"""L_MB and L_HM over all hypotheses, with their gradient for a fraction of the cost (torch).

Only these two terms look at all L hypotheses, and they ask little of most of them. The first pass, without a
graph, draws them all, picture by picture: their ranks and moments give both losses and, in closed form, the
gradient with respect to each hypothesis. It is zero but for the k best where no joint is uncertain. The
second pass takes it from there to the weights, only through the rows where it is not zero (exact), or through
the k best and a random few that stand for all in L_HM (unbiased).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from poseterior.models.wehrbein import WehrbeinFlow, join_latent
from poseterior.train.batch import Batch
from poseterior.train.objective.best_of_many import best_indices, best_of_many_loss
from poseterior.train.objective.config import ObjectiveConfig
from poseterior.train.objective.heatmap import heatmap_joint_indices, heatmap_loss
from poseterior.train.objective.inverse_pass import (
    InversePass,
    Trace,
    gathered,
    joined_traces,
    rows_of_trace,
)
from poseterior.train.objective.share import ALONE, Share
from poseterior.train.objective.side_by_side import side_by_side
from poseterior.train.objective.terms import Terms

Hypotheses = Float[Tensor, "pictures hypotheses 48"]
Latents = Float[Tensor, "pictures hypotheses 16"]
Chances = Float[Tensor, "pictures hypotheses"]

ROWS_AT_ONCE = 800
"""The hidden layer of that many rows, 3 MB in fp32, stays in a CPU's cache; fewer make slow matrix products."""
ROWS_AT_ONCE_ELSEWHERE = 16 * ROWS_AT_ONCE
"""On a GPU it is the starting of many small kernels that costs."""


def hypotheses_terms(
    flow: WehrbeinFlow,
    batch: Batch,
    latent: Latents,
    generator: torch.Generator,
    config: ObjectiveConfig,
    share: Share = ALONE,
) -> Terms:
    """weight_mb L_MB + weight_hm L_HM of the hypotheses that `latent` gives, as parts "mb" and "hm".

    `generator`, on the batch's device, is drawn from only if `config.gradient` is "subset".
    """
    if config.gradient == "full" or not torch.is_grad_enabled():
        hypotheses, _ = flow.inverse(join_latent(latent, batch.y), batch.condition)
        losses = _losses(batch, hypotheses, config)
        total = torch.stack([_weight(name, config) * loss for name, loss in losses.items()]).sum()
        return Terms(total, {name: loss.detach() for name, loss in losses.items()})
    # the written-out passes stay in the weights' own precision
    with torch.autocast(batch.x.device.type, enabled=False):
        return _two_pass(flow, batch, latent, _chances(latent, generator, config, share), config)


def _losses(batch: Batch, hypotheses: Hypotheses, config: ObjectiveConfig) -> dict[str, Float[Tensor, ""]]:
    """ "mb" and "hm", unweighted; without those of weight 0."""
    losses = {}
    if config.weight_mb:
        best = best_indices(batch.x, hypotheses, config.num_best, config.ranked_pose)
        losses["mb"] = best_of_many_loss(batch.x, gathered(hypotheses, best), config.ranked_pose)
    if config.weight_hm:
        losses["hm"] = heatmap_loss(
            hypotheses,
            batch.heatmap_covariance_m2,
            batch.uncertain,
            config.heatmap_centre,
            config.heatmap_joints,
        )
    return losses


def _weight(name: str, config: ObjectiveConfig) -> float:
    return {"mb": config.weight_mb, "hm": config.weight_hm}[name]


_Kind = Literal["all", "best", "best_and_sample"]
"""Which rows of a picture are back-propagated through."""


class _Piece(NamedTuple):
    """Pictures that are worked on together."""

    kind: _Kind
    pictures: Int64[Tensor, " pictures"]
    sample: Int64[Tensor, "pictures sample"]
    """Random rows of each; none unless the kind has them."""


def _chances(
    latent: Latents, generator: torch.Generator, config: ObjectiveConfig, share: Share
) -> Chances | None:
    """A random number for each hypothesis, the largest of which are the sample; None if there is to be none."""
    if config.gradient != "subset":
        return None
    joint = torch.rand(
        (len(latent) * share.processes, latent.shape[1]), generator=generator, device=latent.device
    )
    return share.own(joint)


def _two_pass(
    flow: WehrbeinFlow, batch: Batch, latent: Latents, chances: Chances | None, config: ObjectiveConfig
) -> Terms:
    shares = flow.body.shares(batch.condition)
    pieces = list(_pieces(batch, latent.shape[1], chances, config))
    # pieces are dealt out in a fixed order, so that sums round alike in every run
    workers = max(1, min(torch.get_num_threads(), len(pieces))) if batch.x.device.type == "cpu" else 1
    tasks = [
        functools.partial(
            _work, InversePass(flow, shares), pieces[worker::workers], batch, latent.detach(), config
        )
        for worker in range(workers)
    ]
    first, *others = side_by_side(tasks)
    for other in others:
        first.inverse_pass.absorb(other.inverse_pass)
        for name, part in other.parts.items():
            first.parts[name] += part
    value = torch.stack([_weight(name, config) * part for name, part in first.parts.items()]).sum()
    parameters = first.inverse_pass.parameters
    total = _WithGradient.apply(value, first.inverse_pass.parameter_gradients(), *parameters)
    return Terms(total, first.parts)


def _pieces(
    batch: Batch, hypotheses: int, chances: Chances | None, config: ObjectiveConfig
) -> Iterator[_Piece]:
    """The pictures that have a gradient, by the rows that it needs, a few at a time."""
    kept = heatmap_joint_indices(config.heatmap_joints)
    spread_counts = batch.uncertain[:, kept].any(dim=1) & bool(config.weight_hm)
    kinds: list[tuple[_Kind, Tensor]] = [
        ("all" if config.gradient == "two_pass" else "best_and_sample", spread_counts)
    ]
    if config.weight_mb:
        kinds.append(("best", ~spread_counts))
    for kind, wanted in kinds:
        for pictures in wanted.nonzero()[:, 0].split(max(1, _rows_at_once(batch) // hypotheses)):
            if len(pictures):
                sampled = chances if kind == "best_and_sample" else None
                yield _Piece(kind, pictures, _sample(pictures, sampled, config.num_subset))


def _sample(
    pictures: Int64[Tensor, " some"], chances: Chances | None, size: int
) -> Int64[Tensor, "some sample"]:
    """Distinct hypotheses of each picture, all equally likely; none without `chances`."""
    if chances is None:
        return pictures.new_empty(len(pictures), 0)
    return chances[pictures].topk(size, dim=1).indices


def _rows_at_once(batch: Batch) -> int:
    return ROWS_AT_ONCE if batch.x.device.type == "cpu" else ROWS_AT_ONCE_ELSEWHERE


class _Work(NamedTuple):
    inverse_pass: InversePass
    parts: dict[str, Float[Tensor, ""]]


def _work(
    inverse_pass: InversePass,
    pieces: list[_Piece],
    batch: Batch,
    latent: Latents,
    config: ObjectiveConfig,
) -> _Work:
    """Both passes over some of the pictures: their part of the losses, and of the gradient."""
    waiting = _Waiting(inverse_pass, _rows_at_once(batch))
    parts = {name: batch.x.new_zeros(()) for name in ("mb", "hm") if _weight(name, config)}
    for piece in pieces:
        vectors = join_latent(latent[piece.pictures], batch.y[piece.pictures])
        hypotheses, trace = inverse_pass.inverse(vectors, piece.pictures)
        losses, gradients = _losses_and_gradients(batch, piece.pictures, hypotheses, config)
        for name, loss in losses.items():
            parts[name] += loss
        if piece.kind == "all":
            inverse_pass.add_gradient(trace, torch.stack(list(gradients.values())).sum(dim=0), piece.pictures)
        else:
            rows, gradient = _few_rows(piece, batch.x[piece.pictures], hypotheses, gradients, config)
            waiting.add(piece, rows_of_trace(trace, rows), gradient)
    waiting.finish()
    return _Work(inverse_pass, parts)


def _losses_and_gradients(
    batch: Batch, pictures: Tensor, hypotheses: Hypotheses, config: ObjectiveConfig
) -> tuple[dict[str, Tensor], dict[str, Hypotheses]]:
    """The pictures' part of each loss, and of each weighted loss' gradient."""
    leaf = hypotheses.detach().requires_grad_()
    of_pictures = Batch(*(values[pictures] for values in batch))
    fraction = len(pictures) / len(batch.x)
    losses = {name: fraction * loss for name, loss in _losses(of_pictures, leaf, config).items()}
    gradients = {
        name: _weight(name, config) * torch.autograd.grad(loss, leaf)[0] for name, loss in losses.items()
    }
    return {name: loss.detach() for name, loss in losses.items()}, gradients


def _few_rows(
    piece: _Piece,
    x: Float[Tensor, "pictures 48"],
    hypotheses: Hypotheses,
    gradients: dict[str, Hypotheses],
    config: ObjectiveConfig,
) -> tuple[Int64[Tensor, "pictures rows"], Float[Tensor, "pictures rows 48"]]:
    """The rows to go back through and their gradients."""
    rows, values = [], []
    if "mb" in gradients:
        best = best_indices(x, hypotheses, config.num_best, config.ranked_pose)
        rows.append(best)
        values.append(gathered(gradients["mb"], best))
    if piece.kind == "best_and_sample":
        rows.append(piece.sample)
        # each stands for as many as it was drawn from
        values.append(gathered(gradients["hm"], piece.sample) * (hypotheses.shape[1] / config.num_subset))
    return torch.cat(rows, dim=1), torch.cat(values, dim=1)


@dataclass
class _Waiting:
    """Collects few rows of many pictures until they are worth a pass."""

    inverse_pass: InversePass
    rows_at_once: int
    kind: _Kind | None = None
    pictures: list[Tensor] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)

    def add(self, piece: _Piece, trace: Trace, gradient: Tensor) -> None:
        rows = sum(waiting.shape[0] * waiting.shape[1] for waiting in self.gradients)
        if piece.kind != self.kind or rows + gradient.shape[0] * gradient.shape[1] > self.rows_at_once:
            self.finish()
        self.kind = piece.kind
        self.pictures.append(piece.pictures)
        self.traces.append(trace)
        self.gradients.append(gradient)

    def finish(self) -> None:
        """Back through all that still waits."""
        if self.pictures:
            self.inverse_pass.add_gradient(
                joined_traces(self.traces), torch.cat(self.gradients), torch.cat(self.pictures)
            )
        self.pictures, self.traces, self.gradients = [], [], []


class _WithGradient(torch.autograd.Function):
    """A value whose gradient in the parameters is already known."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: list[Tensor], *parameters: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *of_output: Tensor) -> tuple[Tensor | None, ...]:
        return (None, None, *(of_output[0] * gradient for gradient in ctx.gradients))
