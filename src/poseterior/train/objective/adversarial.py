"""L_gen, and the loss and gradient penalty that the critic is trained with (torch).

Gulrajani et al., "Improved Training of Wasserstein GANs", 2017.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from poseterior.models.wehrbein import WehrbeinFlow, join_latent
from poseterior.train.objective.share import ALONE, Share

Poses = Float[Tensor, "poses 48"]
Score = Callable[[Tensor], Tensor]
"""Poses to scores."""


def generator_loss(scores_of_fakes: Float[Tensor, " poses"]) -> Float[Tensor, ""]:
    """L_gen = -critic(x), mean over poses generated with z ~ N(0, I) (Wehrbein et al. 2021, section 3.3)."""
    return -scores_of_fakes.mean()


def wasserstein_loss(
    scores_of_reals: Float[Tensor, " poses"], scores_of_fakes: Float[Tensor, " poses"]
) -> Float[Tensor, ""]:
    """critic(fake) - critic(real), means over poses; the critic makes it small."""
    return scores_of_fakes.mean() - scores_of_reals.mean()


def between(real: Poses, fake: Poses, generator: torch.Generator, share: Share = ALONE) -> Poses:
    """A random point on the line from each fake to its real pose."""
    shape = (len(real) * share.processes, 1)
    part = share.own(torch.rand(shape, generator=generator, dtype=real.dtype, device=real.device))
    return part * real + (1 - part) * fake


def gradient_penalty(score: Score, x: Poses) -> Float[Tensor, ""]:
    """(||d score / dx|| - 1)^2, mean over poses; differentiable once more, in the critic's weights."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(score(x).sum(), x, create_graph=True)
    return (slope.norm(dim=1) - 1).square().mean()


@torch.no_grad()
def draw_fakes(
    flow: WehrbeinFlow,
    y: Float[Tensor, "pictures 32"],
    condition: Float[Tensor, "pictures 78"],
    latent: Float[Tensor, "pictures 1 16"],
) -> Float[Tensor, "pictures 48"]:
    """One pose per picture for its z ~ N(0, I), metres, without gradient.

    The flow does not change between the critic's steps: give all their pictures in one call.
    """
    return flow.inverse(join_latent(latent, y), condition)[0][:, 0]
