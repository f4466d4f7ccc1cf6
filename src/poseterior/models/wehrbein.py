"""The bijective family: the flow of Wehrbein et al., ICCV 2021 (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseterior.flow.config import MANIFOLD_LATENT_SIZE, POSE_SIZE, Family, FlowConfig
from poseterior.flow.flow import ConditionalFlow, standard_normal_log_prob

Poses = Float[Tensor, "pictures hypotheses 48"]
Vectors = Float[Tensor, "pictures hypotheses 48"]
Latents = Float[Tensor, "pictures hypotheses 16"]
Joints2D = Float[Tensor, "pictures 32"]
Condition = Float[Tensor, "pictures 78"]
PerHypothesis = Float[Tensor, "pictures hypotheses"]

OFFICIAL_CONFIG = FlowConfig(hidden=1028, clamp="official")
"""The authors' released configuration, where it differs from the paper's (METHOD section 3)."""


class WehrbeinFlow(nn.Module):
    """x (48) <-> [z (16), y (32)] given the condition c, latent first (Wehrbein et al. 2021, section 3.1).

    x is a pose in metres in the flow's frame, mean-centred and axis-major; y the normalised 2D joints; c (78)
    one row per picture. For one picture y is fixed, so that its hypotheses fill a 16-dimensional manifold in
    R^48: `log_prob` is the density on that manifold (METHOD section 9).

    Example:
        >>> flow = WehrbeinFlow(FlowConfig(hidden=64))
        >>> poses = flow.sample(torch.randn(2, 32), torch.randn(2, 78), num_samples=5)
        >>> poses.shape
        torch.Size([2, 5, 48])
    """

    family: Family = "bijective"
    latent_size = MANIFOLD_LATENT_SIZE

    def __init__(self, config: FlowConfig | None = None) -> None:
        super().__init__()
        self.config = FlowConfig() if config is None else config
        if self.config.inputs != ("condition",):
            raise ValueError(
                f'inputs of the bijective family must be ("condition",), got {self.config.inputs}'
            )
        self.body = ConditionalFlow(POSE_SIZE, self.config)

    def forward(self, x: Poses, condition: Condition) -> tuple[Vectors, PerHypothesis]:
        """[z, y_hat] and log |det d[z, y_hat]/dx|. The latter is no density of x given y: see `log_prob`."""
        return self.body(x, condition)

    def inverse(self, vector: Vectors, condition: Condition) -> tuple[Poses, PerHypothesis]:
        """x from [z, y], and log |det dx/d[z, y]|."""
        return self.body.inverse(vector, condition)

    def log_prob(self, latent: Latents, y: Joints2D, condition: Condition) -> PerHypothesis:
        """Log-density, on the picture's manifold of poses, of the pose that `latent` stands for.

        log N(z; 0, I) - 1/2 log det(J^T J) with J = dx/dz (48 x 16) by forward mode, in nats with respect to
        the 16-dimensional area on the manifold, for poses in metres (for millimetres subtract 16 log 1000).
        """
        return self._inverse_and_log_prob(latent, y, condition)[1]

    def _inverse_and_log_prob(
        self, latent: Latents, y: Joints2D, condition: Condition
    ) -> tuple[Poses, PerHypothesis]:
        vector = join_latent(latent, y)
        directions = torch.eye(MANIFOLD_LATENT_SIZE, POSE_SIZE, dtype=vector.dtype, device=vector.device)
        tangents = directions.expand(*vector.shape[:-1], -1, -1)
        x, tangents = self.body.inverse_with_tangents(vector, tangents, condition)
        return x, standard_normal_log_prob(latent) - log_area(tangents)

    def sample(
        self, y: Joints2D, condition: Condition, num_samples: int, generator: torch.Generator | None = None
    ) -> Poses:
        """Hypotheses from z ~ N(0, I), metres."""
        return self.inverse(join_latent(self._draw(y, num_samples, generator), y), condition)[0]

    def sample_and_log_prob(
        self, y: Joints2D, condition: Condition, num_samples: int, generator: torch.Generator | None = None
    ) -> tuple[Poses, PerHypothesis]:
        """Hypotheses and their `log_prob`; about 17 times the work of `sample`."""
        return self._inverse_and_log_prob(self._draw(y, num_samples, generator), y, condition)

    def _draw(self, y: Joints2D, num_samples: int, generator: torch.Generator | None) -> Latents:
        shape = (len(y), num_samples, MANIFOLD_LATENT_SIZE)
        return torch.randn(shape, generator=generator, dtype=y.dtype, device=y.device)


def join_latent(latent: Latents, y: Joints2D) -> Vectors:
    """[z, y]: the latent first, y repeated for every hypothesis."""
    return torch.cat([latent, y[:, None].expand(-1, latent.shape[1], -1)], dim=-1)


def log_area(tangents: Float[Tensor, "*batch 16 48"]) -> Float[Tensor, "*batch"]:
    """1/2 log det(J^T J) for J's columns given as rows: the log-factor by which areas grow from z to x."""
    diagonal = torch.linalg.qr(tangents.mT, mode="r").R.diagonal(dim1=-2, dim2=-1)
    return diagonal.abs().log().sum(dim=-1)
