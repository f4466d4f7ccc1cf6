"""The adversary of Li & Lee 2020 and its steps: MMD critic, noise encoder, unpaired poses (torch).

Equations, weights and departures of the whole method: `models.li2020`. Here, with k the sum of rational quadratic
kernels of alpha = 0.1, 1, 10 and ten times the scalar product, between scores D(T) in R^8 (Binkowski et al.,
"Demystifying MMD GANs", ICLR 2018):

    critic     minimises  -MMD^2(D(T), D(real)) + 0.1 E (|d w / d T'| - 1)^2,   w(T') = E k(D(T'), D(real))
                                                                                       - E k(D(T'), D(T))
    generator, camera and encoder minimise  MMD^2 + the losses of `models.li2020` + 10 E |E(T) - z|

with T' on the line between a hypothesis and a real pose; Adam, 1e-4 times 0.94 per epoch, betas (0.5, 0.9), one critic
step per generator step, 64 2D poses (two hypotheses each) and 64 real poses a step.

**No pair is ever seen.** A batch holds pairs (x, y). Its first half gives 2D poses alone, its second half 3D poses
alone: a batch's real poses are not those of its 2D poses, not even in another order, which a small batch's MMD would
reward. (The paper shuffles 2D and 3D poses of the data set apart; it also repeats its real poses to fill the batch,
where we use the MMD of samples of different size.) Published batches are thus batches of 128 pairs here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from poseterior.flow.config import POSE_SIZE
from poseterior.models.li2020 import SLOPE, Generated, Li2020, ResidualPair, he_linear
from poseterior.skeleton import FLOW_16, indices_of
from poseterior.train.objective.adversarial import between
from poseterior.train.objective.kcs import KCS_BONES, KinematicChain

Losses = dict[str, Float[Tensor, ""]]
Poses = Float[Tensor, "poses 48"]
Scores = Float[Tensor, "poses scores"]
Fakes = Float[Tensor, "fakes 48"]
Reals = Float[Tensor, "reals 48"]

ALPHAS = (0.1, 1.0, 10.0)
SQUARED_SLOPE_FLOOR = 1e-5
"""Under the square root of the penalty, as in the authors' code: keeps its gradient finite."""
FEWEST_PICTURES = 4


@dataclass(frozen=True)
class AdversaryConfig:
    """Published sizes and weights."""

    pose_hidden: int = 128
    chain_hidden: int = 1024
    scores: int = 8
    dot_weight: float = 10.0
    """Of the scalar product in the kernel."""
    penalty_weight: float = 0.1
    latent_weight: float = 10.0
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.9)


class MmdCritic(nn.Module):
    """D: pose and kinematic chain space -> 8 scores, each path with two residual blocks."""

    def __init__(self, config: AdversaryConfig) -> None:
        super().__init__()
        self.pose = _path(POSE_SIZE, config.pose_hidden, blocks=2)
        self.chain = KinematicChain()
        self.chain_path = _path(len(KCS_BONES) ** 2, config.chain_hidden, blocks=2)
        self.scores = he_linear(config.pose_hidden + config.chain_hidden, config.scores)

    def forward(self, x: Poses) -> Scores:
        """Scores of poses in the body-fixed frame, metres."""
        return self.scores(torch.cat([self.pose(x), self.chain_path(self.chain(x))], dim=-1))


class NoiseEncoder(nn.Module):
    """E: pose -> the code that it came from."""

    def __init__(self, hidden: int, noise: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_path(POSE_SIZE, hidden, blocks=1), he_linear(hidden, noise))

    def forward(self, x: Float[Tensor, "*batch 48"]) -> Float[Tensor, "*batch noise"]:
        """The code of each pose."""
        return self.layers(x)


def _path(inputs: int, hidden: int, blocks: int) -> nn.Sequential:
    residual = [ResidualPair(hidden) for _ in range(blocks)]
    return nn.Sequential(he_linear(inputs, hidden), nn.LeakyReLU(SLOPE), *residual)


class Li2020Adversary(nn.Module):
    """Critic and encoder, which training needs and lifting does not."""

    def __init__(self, lifter: Li2020, config: AdversaryConfig | None = None) -> None:
        super().__init__()
        self.config = AdversaryConfig() if config is None else config
        self.critic = MmdCritic(self.config)
        self.encoder = NoiseEncoder(lifter.config.hidden, lifter.config.noise)

    def critic_losses(self, fakes: Fakes, reals: Reals, generator: torch.Generator) -> Losses:
        """The critic's objective as "total"; every fake is joined by a line to a real pose drawn at random."""
        partners = torch.randint(len(reals), (len(fakes),), generator=generator, device=fakes.device)
        joined = between(reals[partners], fakes.detach(), generator)
        of_fakes, of_reals = self.critic(fakes.detach()), self.critic(reals)
        mmd = squared_mmd(of_fakes, of_reals, self.config.dot_weight)
        penalty = self._penalty(joined, of_fakes, of_reals)
        return {"total": self.config.penalty_weight * penalty - mmd, "mmd": mmd, "penalty": penalty}

    def _penalty(
        self,
        joined: Poses,
        of_fakes: Float[Tensor, "fakes scores"],
        of_reals: Float[Tensor, "reals scores"],
    ) -> Float[Tensor, ""]:
        """(|d w / d T'| - 1)^2, mean over the poses T'."""
        joined = joined.requires_grad_()
        scores = self.critic(joined)
        near_reals = kernel(scores, of_reals, self.config.dot_weight).mean(dim=1)
        near_fakes = kernel(scores, of_fakes, self.config.dot_weight).mean(dim=1)
        (slope,) = torch.autograd.grad((near_reals - near_fakes).sum(), joined, create_graph=True)
        size = (slope.square().sum(dim=1) + SQUARED_SLOPE_FLOOR).sqrt()
        return (size - 1).square().mean()

    def generator_losses(
        self,
        lifter: Li2020,
        generated: Generated,
        y: Float[Tensor, "pictures 32"],
        noise: Float[Tensor, "pictures 2 noise"],
        reals: Reals,
    ) -> Losses:
        """The objective of generator, camera and encoder as "total", with its parts."""
        own = lifter.own_losses(generated, y, noise)
        fakes = generated.templates.flatten(end_dim=1)
        mmd = squared_mmd(self.critic(fakes), self.critic(reals), self.config.dot_weight)
        latent = (self.encoder(generated.templates) - noise).abs().mean()
        total = own["total"] + mmd + self.config.latent_weight * latent
        return {**own, "total": total, "mmd": mmd, "latent": latent}


class Li2020Step:
    """One step of the critic, then one of generator, camera and encoder, by Adam."""

    def __init__(self, lifter: Li2020, config: AdversaryConfig | None = None) -> None:
        self.lifter = lifter
        self.adversary = Li2020Adversary(lifter, config)
        settings = self.adversary.config
        learnt = {
            "generator": [*lifter.parameters(), *self.adversary.encoder.parameters()],
            "critic": list(self.adversary.critic.parameters()),
        }
        self.optimisers = {
            name: torch.optim.Adam(parameters, settings.learning_rate, settings.betas, fused=True)
            for name, parameters in learnt.items()
        }
        """By name, for checkpoints."""

    def step(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
        rate_factor: float = 1.0,
    ) -> Losses:
        """Both updates on the y (and condition) of the first half of the batch and the x of the second.

        Returns:
            the generator's losses and, as "critic_...", the critic's, without gradient.

        Raises:
            ValueError: fewer than four pictures.
        """
        y, condition, reals = unpaired_halves(x, y, condition)
        noise = self.lifter.draw_noise(y, generator)
        with torch.no_grad():
            fakes = self.lifter.generate(y, condition, noise).templates.flatten(end_dim=1)
        critic = self.adversary.critic_losses(fakes, reals, generator)
        self._update("critic", critic["total"], rate_factor)
        generated = self.lifter.generate(y, condition, noise)
        losses = self.adversary.generator_losses(self.lifter, generated, y, noise, reals)
        self._update("generator", losses["total"], rate_factor)
        return {
            **{name: part.detach() for name, part in losses.items()},
            **{f"critic_{name}": part.detach() for name, part in critic.items()},
        }

    def _update(self, name: str, loss: Float[Tensor, ""], rate_factor: float) -> None:
        optimiser = self.optimisers[name]
        for group in optimiser.param_groups:
            group["lr"] = self.adversary.config.learning_rate * rate_factor
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def unpaired_halves(
    x: Float[Tensor, "pictures 48"],
    y: Float[Tensor, "pictures 32"],
    condition: Float[Tensor, "pictures 78"],
) -> tuple[Float[Tensor, "half 32"], Float[Tensor, "half 78"], Float[Tensor, "half 48"]]:
    """y and condition of the first pictures, and the poses of others in the body-fixed frame.

    Raises:
        ValueError: fewer than four pictures.
    """
    half = len(x) // 2
    if len(x) < FEWEST_PICTURES:
        raise ValueError(f"Li & Lee 2020 needs batches of at least {FEWEST_PICTURES} pictures, got {len(x)}")
    return y[:half], condition[:half], template_frame(x[half : 2 * half])


def template_frame(x: Poses) -> Poses:
    """The poses in axes of the body: x to its left (hips and shoulders), y up the spine, z to its front.

    Rotates only; centred poses stay centred.
    """
    right_hip, left_hip, right_shoulder, left_shoulder, thorax = indices_of(
        ("right_hip", "left_hip", "right_shoulder", "left_shoulder", "thorax"), FLOW_16
    )
    joints = x.unflatten(-1, (3, len(FLOW_16)))
    up = normalize(joints[..., thorax] - 0.5 * (joints[..., right_hip] + joints[..., left_hip]), dim=-1)
    left = joints[..., left_hip] - joints[..., right_hip]
    left = left + joints[..., left_shoulder] - joints[..., right_shoulder]
    left = normalize(left - (left * up).sum(dim=-1, keepdim=True) * up, dim=-1)
    axes = torch.stack([left, up, torch.linalg.cross(left, up)], dim=-2)
    return (axes @ joints).flatten(start_dim=-2)


def kernel(
    first: Float[Tensor, "rows size"], second: Float[Tensor, "columns size"], dot_weight: float
) -> Float[Tensor, "rows columns"]:
    """sum over alpha of (1 + |a - b|^2 / (2 alpha))^-alpha, plus dot_weight times a . b."""
    squared = (first[:, None] - second[None]).square().sum(dim=-1)
    quadratic = torch.stack([(1 + squared / (2 * alpha)) ** -alpha for alpha in ALPHAS]).sum(dim=0)
    return quadratic + dot_weight * first @ second.T


def squared_mmd(
    first: Float[Tensor, "rows size"], second: Float[Tensor, "columns size"], dot_weight: float
) -> Float[Tensor, ""]:
    """The unbiased estimator of samples of any two sizes (Gretton et al. 2012, eq. 3)."""
    own = [_mean_of_others(kernel(sample, sample, dot_weight)) for sample in (first, second)]
    return own[0] + own[1] - 2 * kernel(first, second, dot_weight).mean()


def _mean_of_others(products: Float[Tensor, "rows rows"]) -> Float[Tensor, ""]:
    rows = len(products)
    return (products.sum() - products.diagonal().sum()) / (rows * (rows - 1))
