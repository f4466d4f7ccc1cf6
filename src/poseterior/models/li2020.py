"""A weakly supervised generator of 3D hypotheses with a camera network (torch).

Reference: Li & Lee, "Weakly Supervised Generative Network for Multiple 3D Human Pose Hypotheses", BMVC 2020 (arXiv
2008.05770). From the 2D pose y and z ~ N(0, I) in R^1024 the generator makes a pose T in a body-fixed ("template")
frame; a camera network makes from y alone a weak-perspective camera K (2 x 3). No 2D pose is ever seen with its 3D
pose: real 3D poses, rotated to the same frame, only tell a critic what poses look like. Objective:

    MMD^2(D(T), D(real)) + 10 L_reprojection + 10 L_camera + 7.5 L_diversity + 10 L_latent
    L_reprojection = mean over 32 coordinates of w_j |y - K T|     w: spine 0, head 0.1, others 1
    L_camera       = sum |2 / tr(K K^T) K K^T - I|                 scaled orthonormal rows
    L_diversity    = max(0, 1 - mean|T_1 - T_2| / mean|z_1 - z_2|) two hypotheses of a picture (metres)
    L_latent       = mean |E(T) - z|                               against mode collapse

This file holds the network that is used afterwards and the three losses that need nothing else; critic D, encoder E and
the steps of training are in `train.methods.li2020`. A hypothesis in the camera's frame is R T, with R the rotation that
K becomes when its rows are made orthonormal and their cross product is added. The 2D poses carry no scale: metres come
from the critic alone, as they must without pairs. Published: 10 hypotheses, and the "zero code" z = 0 (`single`).

Sizes (1024 throughout, leaky ReLU 0.2, He initialisation) and weights were confirmed in the authors' public code.

Departures:
- 2D joints are MPII-16 (METHOD section 1): the neck, of weight 0.1 there, has no 2D twin; the pelvis takes its place
  as the midpoint of the hips, with weight 1. K T is centred over these 16 joints, as y is.
- The template frame is given by the body's own axes (hips and shoulders, spine) instead of Procrustes alignment with a
  template, which also rescales poses; the authors' factor of 1.1 between the two frames is not needed.
- T is mean-centred, as our poses are, and R is by Gram-Schmidt (the authors divide K by its largest singular value;
  both agree where L_camera = 0).
- The pose layer's initial weights are 0.05 times He's, which would make poses of many metres; the authors train for a
  million steps, most of which we have not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, normalize

from poseterior.flow.config import POSE_SIZE
from poseterior.models.centring import centred
from poseterior.models.network_lifter import ConditionInput
from poseterior.models.picture_inputs import inputs_size, picture_inputs
from poseterior.models.zero_noise import ZeroNoiseLifter
from poseterior.skeleton import FLOW_16, MPII_16

SLOPE = 0.2
"""Of the leaky ReLU."""
CAMERA_SIZE = 6
INITIAL_POSE_SIZE = 0.05
"""Factor on the pose layer's first weights: hypotheses start less than a metre tall, not 20 m."""
REPROJECTION_WEIGHTS = {"spine": 0.0, "head": 0.1}
"""Of the joints that detectors place otherwise than Human3.6M does; 1 for all others."""

Noise = Float[Tensor, "pictures hypotheses noise"]
Templates = Float[Tensor, "pictures hypotheses 48"]
Cameras = Float[Tensor, "pictures 2 3"]


@dataclass(frozen=True)
class Li2020Config:
    """Sizes, and the weights of the losses of this file."""

    inputs: tuple[ConditionInput, ...] = ("y",)
    hidden: int = 1024
    noise: int = 1024
    reprojection_weight: float = 10.0
    camera_weight: float = 10.0
    diversity_weight: float = 7.5


class Generated(NamedTuple):
    """What the network makes of pictures and noise."""

    templates: Templates
    """T: metres, body-fixed frame, axis-major, mean-centred."""
    cameras: Cameras
    """K: standard deviations of the 2D pose per metre."""


class ResidualPair(nn.Module):
    """h + lrelu(Linear(lrelu(Linear(h))))."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.first, self.second = he_linear(size, size), he_linear(size, size)

    def forward(self, state: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch size"]:
        """New features."""
        return state + leaky_relu(self.second(leaky_relu(self.first(state), SLOPE)), SLOPE)


def he_linear(inputs: int, outputs: int, factor: float = 1.0) -> nn.Linear:
    """Weights `factor` times N(0, 2 / inputs), no initial bias (He et al. 2015)."""
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, std=factor * (2 / inputs) ** 0.5)
    nn.init.zeros_(layer.bias)
    return layer


class Li2020(ZeroNoiseLifter):
    """Generator and camera network; see the module.

    Noise: the latent code. The hypotheses' density has no closed form.
    """

    method: ClassVar[str] = "li2020"
    gives_log_prob = False
    reprojected: Tensor
    reprojection_weights: Tensor

    def __init__(self, config: Li2020Config | None = None) -> None:
        super().__init__()
        self.config = Li2020Config() if config is None else config
        hidden, self.noise_size = self.config.hidden, self.config.noise
        self.picture = nn.Sequential(
            he_linear(inputs_size(self.config.inputs), hidden),
            nn.LeakyReLU(SLOPE),
            ResidualPair(hidden),
        )
        self.joined = he_linear(hidden + self.noise_size, hidden)
        self.second = he_linear(hidden, hidden)
        self.pose = nn.Sequential(ResidualPair(hidden), he_linear(hidden, POSE_SIZE, INITIAL_POSE_SIZE))
        self.camera = nn.Sequential(
            ResidualPair(hidden), ResidualPair(hidden), he_linear(hidden, CAMERA_SIZE)
        )
        # float64, so that `.double()` is exact; not persistent, since they follow from the skeleton
        self.register_buffer("reprojected", _centred_mpii_joints(), persistent=False)
        weights = torch.tensor([REPROJECTION_WEIGHTS.get(name, 1.0) for name in MPII_16], dtype=torch.float64)
        self.register_buffer("reprojection_weights", weights, persistent=False)

    def generate(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"], noise: Noise
    ) -> Generated:
        """Poses in the body-fixed frame for every noise, and each picture's camera."""
        picture = self.picture(picture_inputs(self.config.inputs, y, condition))
        return Generated(self._templates(picture, noise), self.camera(picture).unflatten(-1, (2, 3)))

    def _templates(self, picture: Float[Tensor, "pictures hidden"], noise: Noise) -> Templates:
        hidden = picture.shape[-1]
        # the joined layer in two parts, since the picture's is the same for all of its hypotheses
        of_picture = nn.functional.linear(picture, self.joined.weight[:, :hidden], self.joined.bias)[:, None]
        of_noise = nn.functional.linear(noise, self.joined.weight[:, hidden:])
        first = leaky_relu(of_picture + of_noise, SLOPE)
        features = picture[:, None] + leaky_relu(self.second(first), SLOPE)
        return centred(self.pose(features))

    def losses(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
        generator: torch.Generator,
    ) -> dict[str, Float[Tensor, ""]]:
        """What can be learnt of 2D poses alone, `own_losses` of two hypotheses per picture; x is never looked at.

        Without the critic of `train.methods.li2020` this does not make people.
        """
        noise = self.draw_noise(y, generator)
        return self.own_losses(self.generate(y, condition, noise), y, noise)

    def draw_noise(
        self, y: Float[Tensor, "pictures 32"], generator: torch.Generator
    ) -> Float[Tensor, "pictures 2 noise"]:
        """Two codes per picture."""
        shape = (len(y), 2, self.noise_size)
        return torch.randn(shape, generator=generator, dtype=y.dtype, device=y.device)

    def own_losses(
        self,
        generated: Generated,
        y: Float[Tensor, "pictures 32"],
        noise: Float[Tensor, "pictures 2 noise"],
    ) -> dict[str, Float[Tensor, ""]]:
        """L_reprojection, L_camera and L_diversity, and their weighted sum as "total"."""
        reprojection = self._reprojection_loss(generated, y)
        camera = camera_loss(generated.cameras)
        diversity = diversity_loss(generated.templates, noise)
        total = (
            self.config.reprojection_weight * reprojection
            + self.config.camera_weight * camera
            + self.config.diversity_weight * diversity
        )
        return {"total": total, "reprojection": reprojection, "camera": camera, "diversity": diversity}

    def _reprojection_loss(self, generated: Generated, y: Float[Tensor, "pictures 32"]) -> Float[Tensor, ""]:
        joints = generated.templates.unflatten(-1, (3, len(FLOW_16)))
        projected = generated.cameras[:, None] @ joints @ self.reprojected.to(y)
        wanted = y.unflatten(-1, (2, len(MPII_16)))[:, None]
        return (self.reprojection_weights.to(y) * (projected - wanted).abs()).mean()

    def draw(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"], noise: Noise
    ) -> Float[Tensor, "pictures hypotheses 48"]:
        """R T: metres, flow frame, mean-centred."""
        generated = self.generate(y, condition, noise)
        joints = generated.templates.unflatten(-1, (3, len(FLOW_16)))
        return (rotation_of(generated.cameras)[:, None] @ joints).flatten(start_dim=-2)


def rotation_of(cameras: Cameras) -> Float[Tensor, "pictures 3 3"]:
    """Right-handed orthonormal rows from the two of each camera, by Gram-Schmidt."""
    right = normalize(cameras[:, 0], dim=-1)
    up = cameras[:, 1] - (cameras[:, 1] * right).sum(dim=-1, keepdim=True) * right
    up = normalize(up, dim=-1)
    return torch.stack([right, up, torch.linalg.cross(right, up)], dim=1)


def camera_loss(cameras: Cameras) -> Float[Tensor, ""]:
    """L_camera, mean over pictures: 0 where the rows are orthogonal and equally long."""
    products = cameras @ cameras.mT
    size = products.diagonal(dim1=-2, dim2=-1).sum(dim=-1)[:, None, None]
    wanted = torch.eye(2, dtype=cameras.dtype, device=cameras.device)
    return (2 / size * products - wanted).abs().sum(dim=(-2, -1)).mean()


def diversity_loss(
    templates: Float[Tensor, "pictures 2 48"], noise: Float[Tensor, "pictures 2 noise"]
) -> Float[Tensor, ""]:
    """L_diversity of the two hypotheses, mean over pictures."""
    between_poses = (templates[:, 0] - templates[:, 1]).abs().mean(dim=-1)
    between_codes = (noise[:, 0] - noise[:, 1]).abs().mean(dim=-1)
    return (1 - between_poses / between_codes).relu().mean()


def _centred_mpii_joints() -> Float[Tensor, "joints_3d joints_2d"]:
    """M with (X M) the MPII-16 joints of X's FLOW_16 joints, centred; the pelvis is between the hips."""
    matrix = torch.zeros(len(FLOW_16), len(MPII_16), dtype=torch.float64)
    for column, name in enumerate(MPII_16):
        sources = ("right_hip", "left_hip") if name == "pelvis" else (name,)
        for source in sources:
            matrix[FLOW_16.index(source), column] = 1 / len(sources)
    return matrix - matrix.mean(dim=1, keepdim=True)
