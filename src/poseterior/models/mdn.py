"""A mixture density network: five Gaussian kernels over poses, given by the trunk of Martinez et al. (torch).

Reference: Li & Lee, "Generating Multiple Hypotheses for 3D Human Pose Estimation with Mixture Density Network", CVPR
2019 (arXiv 1904.05547). `regression_trunk` gives, per kernel k, a mean mu_k (48 standardised coordinates), a spread
sigma_k = ELU + 1 and, by softmax, a weight alpha_k (eqs. 3 to 6):

    p(x | y) = sum_k alpha_k N(x; mu_k, sigma_k^2 I),
    loss = -log p(x | y)                 log-sum-exp over k (eqs. 7 to 9)
           - (2 - 1) sum_k log alpha_k   Dirichlet prior with all parameters 2 on the weights (eqs. 10 to 12)

Hypotheses are the means of the kernels; Wehrbein et al. 2021 (Table 5) also draw from the mixture. `draws` decides:
"samples" draws, and has a density; with "means" hypothesis i is the mean of the i-th heaviest kernel, from the start
again where more are asked for than there are kernels, whatever the seed. Both take the same weights.

Published training: Adam, 1e-3 times 0.96 per 100,000 steps, batches of 64, 200 epochs. Sizes, the prior's parameters
and that max-norm holds for all matrices but the weights' were confirmed in the authors' public code.

Departures:
- **The density lives on centred poses**, 45 dimensions of 48, since ours are centred over their joints (published: the
  pelvis at 0). With D the diagonal of the coordinates' variances, a kernel sigma^2 D, centred, is again a Gaussian,
  exactly and in closed form (`_log_kernels`); what is trained is what is sampled.
- sigma has a floor of 1e-3 standard deviations (published: 1e-15), below which spikes on training poses would pay.
- y comes normalised per pose (METHOD section 1) before it is standardised.
- Optionally ("condition" among `inputs`) the network also reads the heatmaps' Gaussians.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from poseterior.flow.config import CENTRED_SIZE, POSE_SIZE
from poseterior.models.centring import JOINTS, centred
from poseterior.models.mixture_kernels import drawn_kernels, of_kernels
from poseterior.models.network_lifter import ConditionInput
from poseterior.models.regression_trunk import ClippedLinear, RegressionTrunk, Standardiser
from poseterior.models.trunk_lifter import TrunkLifter

SMALLEST_SIGMA = 1e-3
"""In standard deviations of the training poses."""


@dataclass(frozen=True)
class MDNConfig:
    """Sizes of the network, and what its hypotheses are."""

    inputs: tuple[ConditionInput, ...] = ("y",)
    hidden: int = 1024
    blocks: int = 2
    dropout: float = 0.5
    max_norm: float = 1.0
    kernels: int = 5
    prior: float = 2.0
    """Parameters of the Dirichlet prior on the weights; 1 is no prior."""
    draws: Literal["samples", "means"] = "samples"


class Mixture(NamedTuple):
    """Kernels of every picture."""

    log_weights: Float[Tensor, "pictures kernels"]
    means: Float[Tensor, "pictures kernels 48"]
    """Metres, flow frame, not centred."""
    sigmas: Float[Tensor, "pictures kernels"]
    """In standard deviations of the training poses, coordinate by coordinate."""


class MDN(TrunkLifter):
    """The mixture density network; see the module.

    Noise, for samples: the first number chooses the kernel, the other 48 are the kernel's.
    """

    method: ClassVar[str] = "li2019-mdn"
    gives_log_prob: ClassVar[bool] = True

    def __init__(self, config: MDNConfig | None = None) -> None:
        super().__init__()
        self.config = MDNConfig() if config is None else config
        sizes = self.config
        self.noise_size = 1 + POSE_SIZE if sizes.draws == "samples" else 0
        self.trunk = RegressionTrunk(sizes.inputs, sizes.hidden, sizes.blocks, sizes.dropout, sizes.max_norm)
        self.means = ClippedLinear(sizes.hidden, sizes.kernels * POSE_SIZE, sizes.max_norm)
        self.sigmas = ClippedLinear(sizes.hidden, sizes.kernels, sizes.max_norm)
        self.weights = nn.Linear(sizes.hidden, sizes.kernels)
        nn.init.kaiming_normal_(self.weights.weight, nonlinearity="relu")
        nn.init.zeros_(self.weights.bias)
        self.standardise = Standardiser(POSE_SIZE)

    def mixture(self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]) -> Mixture:
        """The kernels of every picture."""
        features = self.trunk(y, condition)
        means = self.means(features).unflatten(-1, (self.config.kernels, POSE_SIZE))
        return Mixture(
            log_weights=self.weights(features).log_softmax(dim=-1),
            means=self.standardise.back(means),
            sigmas=functional.elu(self.sigmas(features)) + 1 + SMALLEST_SIGMA,
        )

    def losses(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
    ) -> dict[str, Float[Tensor, ""]]:
        """nll (nats, metres) and prior, the weights' negative log prior but for a constant; draws nothing."""
        mixture = self.mixture(y, condition)
        nll = -self._log_prob(mixture, x[:, None]).mean()
        prior = -(self.config.prior - 1) * mixture.log_weights.sum(dim=-1).mean()
        return {"total": nll + prior, "nll": nll, "prior": prior}

    def single(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> Float[Tensor, "pictures 48"]:
        """The mean of the heaviest kernel, centred, metres."""
        mixture = self.mixture(y, condition)
        heaviest = mixture.log_weights.argmax(dim=-1, keepdim=True)
        return centred(of_kernels(mixture.means, heaviest)[:, 0])

    def draw(
        self,
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        noise: Float[Tensor, "pictures hypotheses noise"],
    ) -> Float[Tensor, "pictures hypotheses 48"]:
        """One pose per row of noise, as `config.draws` says; centred, metres."""
        mixture = self.mixture(y, condition)
        if self.config.draws == "means":
            order = mixture.log_weights.argsort(dim=-1, descending=True)
            turn = torch.arange(noise.shape[1], device=order.device) % self.config.kernels
            return centred(of_kernels(mixture.means, order[:, turn]))
        kernels = drawn_kernels(noise[..., :1], mixture.log_weights)
        sigmas = mixture.sigmas.gather(1, kernels)[..., None] * self.standardise.spread
        return centred(of_kernels(mixture.means, kernels) + sigmas * noise[..., 1:])

    def log_prob(
        self,
        x: Float[Tensor, "pictures poses 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> Float[Tensor, "pictures poses"]:
        """log p(x | picture) of the mixture in nats, on the 45-dimensional space of centred poses in metres."""
        return self._log_prob(self.mixture(y, condition), x)

    def _log_prob(
        self, mixture: Mixture, x: Float[Tensor, "pictures poses 48"]
    ) -> Float[Tensor, "pictures poses"]:
        kernels = self._log_kernels(x[:, :, None] - mixture.means[:, None], mixture.sigmas[:, None])
        return (mixture.log_weights[:, None] + kernels).logsumexp(dim=-1)

    def _log_kernels(
        self,
        residuals: Float[Tensor, "pictures poses kernels 48"],
        sigmas: Float[Tensor, "pictures 1 kernels"],
    ) -> Float[Tensor, "pictures poses kernels"]:
        """log density of centred poses when the uncentred ones are N(mean, sigma^2 D); residual = pose - mean.

        The quadratic form is the least one over all offsets of the pose, r - o with o the mean of r weighted by
        1 / D on each axis; with H an orthonormal basis of the centred vectors of 16 joints,
        det(H^T D H) = prod_j D_j * mean_j 1 / D_j.
        """
        spread = self.standardise.spread.unflatten(-1, (3, JOINTS))
        precision = spread.square().reciprocal()
        per_axis = residuals.unflatten(-1, (3, JOINTS))
        offset = (precision * per_axis).sum(-1, keepdim=True) / precision.sum(-1, keepdim=True)
        quadratic = (precision * (per_axis - offset).square()).sum(dim=(-2, -1)) / sigmas.square()
        log_det = 2 * spread.log().sum() + precision.mean(dim=-1).log().sum()
        size = CENTRED_SIZE
        return -0.5 * (quadratic + log_det + size * math.log(2 * math.pi)) - size * sigmas.log()
