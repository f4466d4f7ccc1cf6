"""The posterior family: a normalised density over poses given the picture, for maximum likelihood (torch)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseterior.flow.centred import centred_basis
from poseterior.flow.config import CENTRED_SIZE, Family, FlowConfig, posterior_config
from poseterior.flow.flow import ConditionalFlow, standard_normal_log_prob
from poseterior.models.picture_inputs import picture_inputs

Poses = Float[Tensor, "pictures hypotheses 48"]
Latents = Float[Tensor, "pictures hypotheses 45"]
Joints2D = Float[Tensor, "pictures 32"]
Condition = Float[Tensor, "pictures 78"]
PerHypothesis = Float[Tensor, "pictures hypotheses"]


class PosteriorFlow(nn.Module):
    """x <-> u given (y, c): log p(x | y, c) = log N(u; 0, I) + log |det du/dx|, exact (METHOD section 9).

    x (48) is a pose in metres in the flow's frame, mean-centred and axis-major; y (32) and c (78) are the
    picture's normalised 2D joints and condition, one row per picture for all of its hypotheses. A centred
    pose has 45 degrees of freedom: densities are with respect to Lebesgue measure on that subspace, in nats,
    for poses in metres (for millimetres subtract 45 log 1000), and any constant offset of x is ignored.

    Example:
        >>> flow = PosteriorFlow(posterior_config(hidden=64))
        >>> poses = flow.sample(torch.randn(2, 32), torch.randn(2, 78), num_samples=5)
        >>> poses.shape
        torch.Size([2, 5, 48])
    """

    family: Family = "posterior"
    latent_size = CENTRED_SIZE
    basis: Tensor
    scale: Tensor

    def __init__(self, config: FlowConfig | None = None) -> None:
        super().__init__()
        self.config = posterior_config() if config is None else config
        self.body = ConditionalFlow(CENTRED_SIZE, self.config)
        # float64, so that `.double()` gives an isometry to 1e-16; not persistent, since it never changes
        self.register_buffer("basis", torch.from_numpy(centred_basis()), persistent=False)
        self.register_buffer("scale", torch.ones(CENTRED_SIZE))

    @torch.no_grad()
    def set_scale_from(self, poses_m: Float[Tensor, "poses 48"]) -> None:
        """Divides by these poses' standard deviation per dimension; its log-determinant counts."""
        self.scale.copy_((poses_m @ self.basis.to(poses_m)).std(dim=0).clamp_min(1e-4))

    def _encoder_input(self, y: Joints2D, condition: Condition) -> Tensor:
        return picture_inputs(self.config.inputs, y, condition)

    def forward(self, x: Poses, y: Joints2D, condition: Condition) -> tuple[Latents, PerHypothesis]:
        """u and log |det du/dx|, from metres."""
        state = (x @ self.basis.to(x.dtype)) / self.scale
        latent, log_det = self.body(state, self._encoder_input(y, condition))
        return latent, log_det - self.scale.log().sum()

    def inverse(self, latent: Latents, y: Joints2D, condition: Condition) -> tuple[Poses, PerHypothesis]:
        """x in metres and log |det dx/du|."""
        state, log_det = self.body.inverse(latent, self._encoder_input(y, condition))
        return (state * self.scale) @ self.basis.to(state.dtype).T, log_det + self.scale.log().sum()

    def log_prob(self, x: Poses, y: Joints2D, condition: Condition) -> PerHypothesis:
        """log p(x | y, c) in nats, poses in metres."""
        latent, log_det = self(x, y, condition)
        return standard_normal_log_prob(latent) + log_det

    def sample(
        self, y: Joints2D, condition: Condition, num_samples: int, generator: torch.Generator | None = None
    ) -> Poses:
        """Independent draws from p(x | y, c), metres."""
        return self.sample_and_log_prob(y, condition, num_samples, generator)[0]

    def sample_and_log_prob(
        self, y: Joints2D, condition: Condition, num_samples: int, generator: torch.Generator | None = None
    ) -> tuple[Poses, PerHypothesis]:
        """Draws and their log p(x | y, c) in one pass."""
        shape = (len(y), num_samples, CENTRED_SIZE)
        latent = torch.randn(shape, generator=generator, dtype=y.dtype, device=y.device)
        x, log_det = self.inverse(latent, y, condition)
        return x, standard_normal_log_prob(latent) - log_det
