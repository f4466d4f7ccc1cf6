"""The kinematic chain space: lengths of bones and angles between them (torch).

Wandt & Rosenhahn, "RepNet", CVPR 2019; METHOD section 4.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseterior.skeleton import FLOW_16, H36M_BONES, bone_indices

Bones = tuple[tuple[str, str], ...]

_WITHOUT_PELVIS: Bones = tuple(bone for bone in H36M_BONES if "pelvis" not in bone)
_ACROSS_PELVIS: Bones = (("right_hip", "left_hip"), ("right_hip", "spine"), ("left_hip", "spine"))
"""What holds hips and spine together, since the flow's poses have no pelvis."""
KCS_BONES: Bones = (*_WITHOUT_PELVIS, *_ACROSS_PELVIS)
"""(parent, child), 16 of them."""


def bone_matrix(bones: Bones, joint_names: tuple[str, ...]) -> Float[Tensor, "joints bones"]:
    """C with B = X C: column by column the parent's position minus the child's."""
    matrix = torch.zeros(len(joint_names), len(bones))
    for column, (parent, child) in enumerate(bone_indices(bones, joint_names)):
        matrix[parent, column], matrix[child, column] = 1.0, -1.0
    return matrix


class KinematicChain(nn.Module):
    """x -> Psi = B^T B, the scalar products of all pairs of bones (square metres)."""

    bones: Tensor

    def __init__(self) -> None:
        super().__init__()
        # not persistent, since it follows from the skeleton
        self.register_buffer("bones", bone_matrix(KCS_BONES, FLOW_16), persistent=False)

    def forward(self, x: Float[Tensor, "poses 48"]) -> Float[Tensor, "poses 256"]:
        """Psi of each pose (metres, axis-major), flattened."""
        vectors = x.reshape(-1, 3, len(FLOW_16)) @ self.bones
        return (vectors.mT @ vectors).flatten(start_dim=1)
