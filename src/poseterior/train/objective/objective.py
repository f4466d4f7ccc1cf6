"""The generator's objective, eq. 9, and the critic's (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from poseterior.flow.config import MANIFOLD_LATENT_SIZE
from poseterior.models.wehrbein import WehrbeinFlow, join_latent
from poseterior.train.batch import Batch
from poseterior.train.objective.adversarial import (
    between,
    generator_loss,
    gradient_penalty,
    wasserstein_loss,
)
from poseterior.train.objective.config import ObjectiveConfig
from poseterior.train.objective.critic import PoseCritic
from poseterior.train.objective.deterministic import deterministic_input, deterministic_loss
from poseterior.train.objective.hypotheses_pass import hypotheses_terms
from poseterior.train.objective.mmd import latent_loss
from poseterior.train.objective.share import ALONE, Share
from poseterior.train.objective.terms import Terms
from poseterior.train.objective.two_d import two_d_loss

Poses = Float[Tensor, "poses 48"]
Losses = dict[str, Float[Tensor, ""]]


def generator_objective(
    flow: WehrbeinFlow,
    critic: PoseCritic | None,
    batch: Batch,
    generator: torch.Generator,
    config: ObjectiveConfig,
    share: Share = ALONE,
) -> Terms:
    """L_2D + L_gen + 10 L_MMD + 4 L_det + 4 L_MB + 750 L_HM (Wehrbein et al. 2021, eq. 9), as `config` says.

    Parts are "2d", "mmd", "gen", "det", "mb" and "hm". All that is random comes from `generator`, which is on
    the batch's device: the same state gives the same latents whatever `config.gradient`. Nothing is
    differentiated in the critic. Of several processes each gives its rows as `batch`, and its `share`; "mmd" is
    that of the joint batch on all of them.

    Raises:
        ValueError: L_gen has a weight, but there is no critic.
    """
    vector_hat = _vector_hat(flow, batch, config)
    losses: Losses = {}
    if config.weight_2d:
        losses["2d"] = two_d_loss(batch.y, vector_hat[:, MANIFOLD_LATENT_SIZE:])
    if config.weight_mmd:
        z = share.joint_latents(batch.y, 1, generator)[:, 0]
        vectors, y = share.gather(vector_hat), share.gather(batch.y)
        losses["mmd"] = latent_loss(vectors, y, z, config.mmd_widths, config.mmd_estimator)
    losses.update(_inverse_losses(flow, critic, batch, vector_hat, generator, config, share))
    weights = {
        "2d": config.weight_2d,
        "mmd": config.weight_mmd,
        "gen": config.weight_gen,
        "det": config.weight_det,
    }
    total = batch.x.new_zeros(())
    for name, loss in losses.items():
        total = total + weights[name] * loss
    parts = {name: loss.detach() for name, loss in losses.items()}
    if config.weight_mb or config.weight_hm:
        latent = share.latents(batch.y, config.num_hypotheses, generator)
        of_hypotheses = hypotheses_terms(flow, batch, latent, generator, config, share)
        total, parts = total + of_hypotheses.total, parts | of_hypotheses.parts
    return Terms(total, parts)


def _vector_hat(flow: WehrbeinFlow, batch: Batch, config: ObjectiveConfig) -> Float[Tensor, "pictures 48"]:
    """[z_hat, y_hat] of the poses, with as much of a graph as the terms need; empty if none needs it."""
    if config.weight_2d or config.weight_mmd:
        return flow(batch.x[:, None], batch.condition)[0][:, 0]
    if not config.weight_det:
        return batch.x.new_empty(0, batch.x.shape[1])
    with torch.no_grad():
        return flow(batch.x[:, None], batch.condition)[0][:, 0]


def _inverse_losses(
    flow: WehrbeinFlow,
    critic: PoseCritic | None,
    batch: Batch,
    vector_hat: Float[Tensor, "rows 48"],
    generator: torch.Generator,
    config: ObjectiveConfig,
    share: Share,
) -> Losses:
    """L_det and L_gen, from one inverse pass."""
    vectors = {}
    if config.weight_det:
        vectors["det"] = deterministic_input(vector_hat[:, :MANIFOLD_LATENT_SIZE], batch.y)
    if config.weight_gen:
        vectors["gen"] = join_latent(share.latents(batch.y, 1, generator), batch.y)
    if not vectors:
        return {}
    poses, _ = flow.inverse(torch.cat(list(vectors.values()), dim=1), batch.condition)
    x = dict(zip(vectors, poses.unbind(dim=1), strict=True))
    losses: Losses = {}
    if "det" in x:
        losses["det"] = deterministic_loss(batch.x, x["det"])
    if "gen" in x:
        losses["gen"] = generator_loss(_frozen_scores(critic, x["gen"]))
    return losses


def _frozen_scores(critic: PoseCritic | None, x: Poses) -> Float[Tensor, " poses"]:
    """Scores with a gradient in the poses only."""
    if critic is None:
        raise ValueError("L_gen needs a critic; give one, or set weight_gen to 0")
    frozen = {name: parameter.detach() for name, parameter in critic.named_parameters()}
    return torch.func.functional_call(critic, frozen, (x,))


def critic_objective(
    critic: PoseCritic,
    real_x: Poses,
    fake_x: Poses,
    generator: torch.Generator,
    config: ObjectiveConfig,
    share: Share = ALONE,
) -> Terms:
    """critic(fake) - critic(real) + 10 (||d critic / dx|| - 1)^2 between the two (METHOD section 4).

    Poses in metres in the flow's frame, as many fakes as reals; nothing is differentiated in them. Parts are
    "real" and "fake" (mean scores) and "penalty", unweighted.
    """
    real_x, fake_x = real_x.detach(), fake_x.detach()
    of_reals, of_fakes = critic(torch.cat([real_x, fake_x])).split(len(real_x))
    total = wasserstein_loss(of_reals, of_fakes)
    parts = {"real": of_reals.detach().mean(), "fake": of_fakes.detach().mean()}
    if config.gradient_penalty:
        penalty = gradient_penalty(critic, between(real_x, fake_x, generator, share))
        total = total + config.gradient_penalty * penalty
        parts["penalty"] = penalty.detach()
    return Terms(total, parts)
