"""GraphMDN: a mixture of Gaussians over 3D poses whose parameters a semantic graph network gives (torch).

Reference: Oikarinen, Hannah, Kazerounian, "GraphMDN: Leveraging Graph Structure and Deep Learning to Solve
Inverse Problems", IJCNN 2021 (arXiv 2010.13668); written from the paper and METHOD section 7 alone, with
`semantic_graph` (Zhao et al., CVPR 2019) as the network. Per picture, K kernels over all joints together:

    p(x | y) = sum_k alpha_k prod_j N(x_j; mu_kj, sigma_kj^2 I_3),   loss = -log p(x | y) by log-sum-exp over k.

Every joint gives its own mu_kj and sigma_kj = ELU + 1; alpha is the softmax of logits pooled over the joints.

Departures:
- **The density lives on centred poses.** Our x is mean-centred, where the paper has poses relative to a root. Loss,
  `log_prob` and `draw` use what the mixture becomes when its poses are centred: each kernel a Gaussian in 45
  dimensions, exact and in closed form (`centred_log_density`), so that what is trained is what is sampled.
- **17 nodes.** The graph is the Human3.6M-17 tree. Our 2D joints lack the neck: its node is given the midpoint of
  thorax and head. Our 3D joints lack the pelvis: its node adds to the logits of alpha, and its mu and sigma go unused.
- Poses are divided by one number, after the mean pose has been taken off; sigma has a floor of 1e-3 in these units.
- Sizes that the paper does not fix are those of SemGCN (128 channels, 4 blocks) and of the mixture density network
  that it extends (5 kernels; Li & Lee, CVPR 2019).
- Optionally ("condition" among `inputs`) a node also sees its joint's fitted Gaussian, zeros where there is none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from poseterior.flow.config import CENTRED_SIZE, POSE_SIZE
from poseterior.models.centring import JOINTS, centred
from poseterior.models.mixture_kernels import drawn_kernels, of_kernels
from poseterior.models.network_lifter import ConditionInput, NetworkLifter
from poseterior.models.semantic_graph import SemanticGraphNetwork
from poseterior.skeleton import CONDITION_13, H36M_17, H36M_BONES, MPII_16, bone_indices, indices_of

GAUSSIAN_SIZE = 6
SMALLEST_SIGMA = 1e-3
"""In units of the poses' scale."""

# every node's 2D position is the middle of two joints: of twice the same one, but for the neck
_FIRST = indices_of(tuple("thorax" if name == "neck" else name for name in H36M_17), MPII_16)
_SECOND = indices_of(tuple("head" if name == "neck" else name for name in H36M_17), MPII_16)
# a row of zeros follows the 13 Gaussians
_GAUSSIAN = [CONDITION_13.index(name) if name in CONDITION_13 else len(CONDITION_13) for name in H36M_17]


@dataclass(frozen=True)
class GraphMDNConfig:
    """Sizes of a GraphMDN."""

    inputs: tuple[ConditionInput, ...] = ("y",)
    channels: int = 128
    blocks: int = 4
    kernels: int = 5


class Mixture(NamedTuple):
    """Parameters of K kernels per picture, metres in the flow's frame; joints in the order of FLOW_16."""

    log_weights: Float[Tensor, "pictures kernels"]
    means: Float[Tensor, "pictures kernels 48"]
    """Axis-major, not centred."""
    sigmas: Float[Tensor, "pictures kernels 16"]


def centred_log_density(
    residual: Float[Tensor, "*batch 48"], sigma: Float[Tensor, "*batch 16"]
) -> Float[Tensor, "*batch"]:
    """log density of a centred pose x when the uncentred one is N(mu, diag(sigma_j^2)) per axis; residual = x - mu.

    With H the orthonormal basis of the centred vectors and D = diag(sigma^2), H^T x is N(H^T mu, H^T D H) on each
    axis. Its quadratic form is the smallest one over all offsets of the pose, sum_j (r_j - r)^2 / sigma_j^2 with r
    the precision-weighted mean of the r_j, and det(H^T D H) = prod_j sigma_j^2 * mean_j sigma_j^-2. Nats, for 45
    dimensions; the unit is that of the arguments.
    """
    precision = sigma.square().reciprocal()[..., None, :]
    per_axis = residual.unflatten(-1, (3, JOINTS))
    offset = (precision * per_axis).sum(-1, keepdim=True) / precision.sum(-1, keepdim=True)
    quadratic = (precision * (per_axis - offset).square()).sum((-2, -1))
    log_det = 2 * sigma.log().sum(-1) + precision[..., 0, :].mean(-1).log()
    return -0.5 * (quadratic + 3 * log_det + CENTRED_SIZE * math.log(2 * math.pi))


class GraphMDN(NetworkLifter):
    """Mixture over all joints together, parameters per joint; see the module.

    Noise: the first number chooses the kernel, the other 48 are the kernel's.
    """

    method: ClassVar[str] = "graphmdn"
    noise_size = 1 + POSE_SIZE
    gives_log_prob: ClassVar[bool] = True
    mean_pose: Tensor
    scale: Tensor

    def __init__(self, config: GraphMDNConfig | None = None) -> None:
        super().__init__()
        self.config = GraphMDNConfig() if config is None else config
        self.network = SemanticGraphNetwork(
            edges=bone_indices(H36M_BONES, H36M_17),
            nodes=len(H36M_17),
            inputs=2 * ("y" in self.config.inputs) + GAUSSIAN_SIZE * ("condition" in self.config.inputs),
            outputs=5 * self.config.kernels,
            channels=self.config.channels,
            blocks=self.config.blocks,
        )
        self.register_buffer("mean_pose", torch.zeros(POSE_SIZE))
        self.register_buffer("scale", torch.ones(()))

    @torch.no_grad()
    def set_scale_from(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> None:
        """Takes the mean pose, and one standard deviation of all coordinates about it."""
        self.mean_pose.copy_(x.mean(dim=0))
        self.scale.copy_((x - self.mean_pose).square().mean().sqrt().clamp_min(1e-4))

    def mixture(self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]) -> Mixture:
        """The kernels of every picture."""
        per_node = self.network(self._node_inputs(y, condition)).unflatten(-1, (5, self.config.kernels))
        # the pelvis, node 0, is no joint of the flow's
        raw_means, raw_sigmas = per_node[:, 1:, :3], per_node[:, 1:, 3]
        means = raw_means.permute(0, 3, 2, 1).flatten(-2)
        sigmas = functional.elu(raw_sigmas).transpose(1, 2) + 1 + SMALLEST_SIGMA
        return Mixture(
            log_weights=per_node[:, :, 4].mean(dim=1).log_softmax(dim=-1),
            means=self.mean_pose + self.scale * means,
            sigmas=self.scale * sigmas,
        )

    def _node_inputs(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> Float[Tensor, "pictures 17 inputs"]:
        parts = []
        if "y" in self.config.inputs:
            joints = y.unflatten(-1, (2, JOINTS)).transpose(1, 2)
            parts.append((joints[:, _FIRST] + joints[:, _SECOND]) / 2)
        if "condition" in self.config.inputs:
            gaussians = condition.unflatten(-1, (len(CONDITION_13), GAUSSIAN_SIZE))
            parts.append(functional.pad(gaussians, (0, 0, 0, 1))[:, _GAUSSIAN])
        return torch.cat(parts, dim=-1)

    def losses(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
    ) -> dict[str, Float[Tensor, ""]]:
        """The mean of -log p(x | picture), nats for metres; draws nothing."""
        nll = -self.log_prob(x[:, None], y, condition).mean()
        return {"total": nll, "nll": nll}

    def log_prob(
        self,
        x: Float[Tensor, "pictures poses 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> Float[Tensor, "pictures poses"]:
        """log p(x | picture) in nats on the 45-dimensional space of centred poses in metres."""
        mixture = self.mixture(y, condition)
        residual = x[:, :, None] - mixture.means[:, None]
        sigmas = mixture.sigmas[:, None].expand(*residual.shape[:3], JOINTS)
        return (mixture.log_weights[:, None] + centred_log_density(residual, sigmas)).logsumexp(dim=-1)

    def single(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> Float[Tensor, "pictures 48"]:
        """The centred mean of the heaviest kernel."""
        mixture = self.mixture(y, condition)
        return centred(of_kernels(mixture.means, mixture.log_weights.argmax(dim=-1, keepdim=True))[:, 0])

    def draw(
        self,
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        noise: Float[Tensor, "pictures hypotheses 49"],
    ) -> Float[Tensor, "pictures hypotheses 48"]:
        """One pose per row of noise: a kernel by its weight, then a pose of that kernel, centred."""
        mixture = self.mixture(y, condition)
        kernels = drawn_kernels(noise[..., :1], mixture.log_weights)
        sigmas = of_kernels(mixture.sigmas, kernels).repeat(1, 1, 3)
        return centred(of_kernels(mixture.means, kernels) + sigmas * noise[..., 1:])
