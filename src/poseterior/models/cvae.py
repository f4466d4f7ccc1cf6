"""A conditional variational autoencoder of poses, and the weighting of its samples by ordinal depths (torch).

Reference: Sharma, Varigonda, Bindal, Sharma, Jain, "Monocular 3D Human Pose Estimation by Generation and Ordinal
Ranking", ICCV 2019 (arXiv 1904.01324). Encoder q(z | x, y) = N(m, diag(s^2)), prior N(0, I), decoder D(y, z). With
K = 10 latents each, z_k ~ q and w_k ~ N(0, I), alpha = 0.5, lambda_1 = 10, lambda_2 = 100:

    cvae = lambda_2 alpha |x - mean_k D(y, z_k)|^2                half conditional variational autoencoder,
    gsnn = lambda_2 (1 - alpha) |x - mean_k D(y, w_k)|^2          half Gaussian stochastic network,
    kl   = lambda_1 KL(q || N(0, I)),                             total = cvae + gsnn + kl,

squared errors meant over the 48 standardised coordinates, KL over the 256 latent dimensions. Encoder: Linear to
1024, batch norm, ReLU, dropout 0.5, two residual blocks as in Martinez et al. 2017, Linear to (m, log s^2). Decoder:
y by Linear to 768, batch norm, ReLU, dropout, beside the 256 of z; two residual blocks; Linear to 48. Published
training: Adam, 2.5e-4 times 0.96 per 100,000 steps, batches of 256, 200 epochs, gradient norm clipped to 1.

OrdinalScore: a sample's score is its number of agreements with the given ordinal depth relations of all pairs of
joints; the answer is the samples' mean, weighted by softmax(temperature * score). The paper regresses the relations
from the image. There is no image model here: `ordinal_weighted_mean` takes relations of the *true* pose, it is an
**oracle**, and tables must say so.

Numbers, and that the errors are those of the K samples' mean, follow the authors' public code, read for that; with
each sample's own error the stochastic half would pull all samples together. alpha does not weigh the KL there.

What to expect: per latent dimension the KL is light, and the posterior can leave the prior at little cost. On a toy
with two equally likely poses per picture and the published lambdas and latent size (1 block of 320, no dropout), the
hypotheses lay *between* the two; with a single latent dimension and a weightier KL they lay at the two.

Departures:
- m and log s^2 come from a plain Linear (the authors' code ends in batch norm, ReLU and dropout, so that s >= 1).
- `single` is the decoder at z = 0, which asks for no samples; the paper's answers are the samples' mean and the
  OrdinalScore.
- y is taken as normalised per pose (METHOD section 1), not standardised per coordinate; the first batch norm does that.
- Ordinal relations are those of the flow's 16 joints, which have the neck where the authors have the pelvis.
- Biases that a batch norm would take away again are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64, Int8
from torch import Tensor, nn

from poseterior.flow.config import POSE_SIZE
from poseterior.models.centring import JOINTS, centred
from poseterior.models.network_lifter import ConditionInput
from poseterior.models.picture_inputs import inputs_size, picture_inputs
from poseterior.models.zero_noise import ZeroNoiseLifter

EQUAL_DEPTH_M = 0.001
"""Joints nearer in depth than this count as equally deep (1 mm in the authors' code)."""
ORDINAL_TEMPERATURE = 0.5
"""Inside the range 0.1 to 1 that the authors search; to be chosen on validation data."""


@dataclass(frozen=True)
class CVAEConfig:
    """Sizes and weights of the CVAE."""

    inputs: tuple[ConditionInput, ...] = ("y",)
    hidden: int = 1024
    blocks: int = 2
    latent: int = 256
    dropout: float = 0.5
    train_samples: int = 10
    """K: latents per picture and half of the objective."""
    alpha: float = 0.5
    """Weight of the CVAE's reconstruction; the stochastic network has the rest."""
    kl_weight: float = 10.0
    reconstruction_weight: float = 100.0


class ResidualBlock(nn.Module):
    """x + two times (Linear, batch norm, ReLU, dropout)."""

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_layer(size, size, dropout), *_layer(size, size, dropout))

    def forward(self, state: Float[Tensor, "rows size"]) -> Float[Tensor, "rows size"]:
        """New features."""
        return state + self.layers(state)


def _layer(inputs: int, outputs: int, dropout: float) -> tuple[nn.Module, ...]:
    return nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(dropout)


class CVAE(ZeroNoiseLifter):
    """Encoder and decoder; see the module.

    Noise: the latent. The samples' density has no closed form.
    """

    method: ClassVar[str] = "cvae"
    gives_log_prob: ClassVar[bool] = False
    mean_pose: Tensor
    scale: Tensor

    def __init__(self, config: CVAEConfig | None = None) -> None:
        super().__init__()
        self.config = CVAEConfig() if config is None else config
        sizes = self.config
        inputs = inputs_size(sizes.inputs)
        self.noise_size = sizes.latent
        self.encoder = nn.Sequential(
            *_layer(POSE_SIZE + inputs, sizes.hidden, sizes.dropout),
            *(ResidualBlock(sizes.hidden, sizes.dropout) for _ in range(sizes.blocks)),
            nn.Linear(sizes.hidden, 2 * sizes.latent),
        )
        self.picture_features = nn.Sequential(*_layer(inputs, sizes.hidden - sizes.latent, dropout=0.0)[:-1])
        self.dropout = nn.Dropout(sizes.dropout)
        self.decoder = nn.Sequential(
            *(ResidualBlock(sizes.hidden, sizes.dropout) for _ in range(sizes.blocks)),
            nn.Linear(sizes.hidden, POSE_SIZE),
        )
        self.register_buffer("mean_pose", torch.zeros(POSE_SIZE))
        self.register_buffer("scale", torch.ones(POSE_SIZE))

    @torch.no_grad()
    def set_scale_from(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> None:
        """Takes each coordinate's mean and standard deviation."""
        self.mean_pose.copy_(x.mean(dim=0))
        self.scale.copy_(x.std(dim=0).clamp_min(1e-4))

    def _picture(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> Float[Tensor, "pictures inputs"]:
        return picture_inputs(self.config.inputs, y, condition)

    def encode(
        self,
        standardised: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> tuple[Float[Tensor, "pictures latent"], Float[Tensor, "pictures latent"]]:
        """Mean and log variance of q(z | x, y)."""
        mean, log_variance = self.encoder(
            torch.cat([standardised, self._picture(y, condition)], dim=-1)
        ).chunk(2, -1)
        return mean, log_variance

    def decode(
        self,
        latent: Float[Tensor, "pictures hypotheses latent"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> Float[Tensor, "pictures hypotheses 48"]:
        """Standardised poses, not centred."""
        features = self.picture_features(self._picture(y, condition))
        expanded = self.dropout(features[:, None].expand(-1, latent.shape[1], -1))
        state = torch.cat([latent, expanded], dim=-1)
        return self.decoder(state.flatten(0, 1)).unflatten(0, (-1, latent.shape[1]))

    def losses(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
    ) -> dict[str, Float[Tensor, ""]]:
        """The weighted terms cvae, gsnn and kl, and their sum, total; draws 2 K latents per picture."""
        standardised = (x - self.mean_pose) / self.scale
        mean, log_variance = self.encode(standardised, y, condition)
        shape = (2, len(x), self.config.train_samples, self.config.latent)
        posterior_noise, prior = torch.randn(shape, generator=generator, dtype=x.dtype, device=x.device)
        posterior = mean[:, None] + (0.5 * log_variance).exp()[:, None] * posterior_noise
        weight, alpha = self.config.reconstruction_weight, self.config.alpha
        parts = {
            "cvae": weight * alpha * self._error_of_mean(standardised, posterior, y, condition),
            "gsnn": weight * (1 - alpha) * self._error_of_mean(standardised, prior, y, condition),
            "kl": self.config.kl_weight
            * 0.5
            * (mean.square() + log_variance.exp() - 1 - log_variance).mean(),
        }
        return {"total": parts["cvae"] + parts["gsnn"] + parts["kl"], **parts}

    def _error_of_mean(
        self,
        standardised: Float[Tensor, "pictures 48"],
        latent: Float[Tensor, "pictures samples latent"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> Float[Tensor, ""]:
        return (self.decode(latent, y, condition).mean(dim=1) - standardised).square().mean()

    def draw(
        self,
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        noise: Float[Tensor, "pictures hypotheses latent"],
    ) -> Float[Tensor, "pictures hypotheses 48"]:
        """The decoder at the noise, centred, metres."""
        return centred(self.mean_pose + self.scale * self.decode(noise, y, condition))


def ordinal_relations(
    vectors: Float[np.ndarray, "*batch 48"], equal_m: float = EQUAL_DEPTH_M
) -> Int8[np.ndarray, "*batch 16 16"]:
    """1 where the first joint is farther from the camera than the second by `equal_m` or more, -1 nearer, else 0.

    Vectors are metres in the flow's frame, whose z points towards the camera; joints in the order of FLOW_16.
    """
    depth_m = -vectors[..., 2 * JOINTS :].astype(np.float64)
    farther_by_m = depth_m[..., :, None] - depth_m[..., None, :]
    return (farther_by_m >= equal_m).astype(np.int8) - (farther_by_m <= -equal_m).astype(np.int8)


def ordinal_weighted_mean(
    vectors: Float[np.ndarray, "pictures hypotheses 48"],
    relations: Int8[np.ndarray, "pictures 16 16"],
    temperature: float = ORDINAL_TEMPERATURE,
    equal_m: float = EQUAL_DEPTH_M,
) -> Float64[np.ndarray, "pictures 48"]:
    """OrdinalScore: the hypotheses' mean, weighted by softmax(temperature * number of agreeing relations).

    **Oracle** wherever the relations (`ordinal_relations`) come from the true pose: no usable answer. Metres in
    the flow's frame; the mean of centred poses is centred.
    """
    agreements = (ordinal_relations(vectors, equal_m) == relations[:, None]).sum((-2, -1))
    logits = temperature * (agreements - agreements.max(axis=1, keepdims=True))
    weights = np.exp(logits)
    weights /= weights.sum(axis=1, keepdims=True)
    return (weights[:, :, None] * vectors).sum(axis=1)
