"""The posed surface: joints by forward kinematics, vertices by linear blend skinning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64

from poseterior.data.synthesis.bodies import Body
from poseterior.data.synthesis.compiled import compiled
from poseterior.data.synthesis.template import BodyTemplate
from poseterior.skeleton import H36M_17

_RIG_JOINTS = {
    "right_hip": "upperleg01.R",
    "right_knee": "lowerleg01.R",
    "right_ankle": "foot.R",
    "left_hip": "upperleg01.L",
    "left_knee": "lowerleg01.L",
    "left_ankle": "foot.L",
    "spine": "spine03",
    "thorax": "neck01",
    "left_shoulder": "upperarm01.L",
    "left_elbow": "lowerarm01.L",
    "left_wrist": "wrist.L",
    "right_shoulder": "upperarm01.R",
    "right_elbow": "lowerarm01.R",
    "right_wrist": "wrist.R",
}
"""Human3.6M's joints that are heads of the rig's bones."""


@dataclass(frozen=True)
class PosedBody:
    """A body in a pose; world with y up, the root's head at the origin, metres."""

    vertices_m: Float32[np.ndarray, "vertices 3"]
    joints_m: Float64[np.ndarray, "17 3"]
    """Human3.6M-17: hips, knees, ankles, shoulders, elbows, wrists, spine and thorax are heads of the rig's
    bones, the pelvis is midway between the hips, neck/nose the tip of the nose, head the crown."""


def pose_body(body: Body, rotations: Float64[np.ndarray, "bones 3 3"], template: BodyTemplate) -> PosedBody:
    """The body with each bone turned from rest by its rotation (`posing.bone_rotations`)."""
    heads_m = _joint_positions(template.bone_parents, body.heads_m, rotations)
    offsets_m = heads_m - np.einsum("bij,bj->bi", rotations, body.heads_m)
    transforms = np.concatenate([rotations, offsets_m[:, :, None]], axis=2).astype(np.float32)
    vertices_m = _skin(body.vertices_m, transforms, template.skin_bones, template.skin_weights)
    return PosedBody(vertices_m, _joints(body, heads_m, vertices_m, template))


def _joints(
    body: Body,
    heads_m: Float64[np.ndarray, "bones 3"],
    vertices_m: Float32[np.ndarray, "vertices 3"],
    template: BodyTemplate,
) -> Float64[np.ndarray, "17 3"]:
    joints_m = np.empty((len(H36M_17), 3))
    for joint, bone in _RIG_JOINTS.items():
        joints_m[H36M_17.index(joint)] = heads_m[template.bone_index[bone]]
    hips = [H36M_17.index("right_hip"), H36M_17.index("left_hip")]
    joints_m[H36M_17.index("pelvis")] = joints_m[hips].mean(axis=0)
    joints_m[H36M_17.index("neck")] = template.nose_weights @ vertices_m[template.nose_vertices]
    joints_m[H36M_17.index("head")] = vertices_m[body.vertices_m[:, 1].argmax()]
    return joints_m


@compiled
@no_type_check
def _joint_positions(parents, rest, rotations):
    heads = np.zeros_like(rest)
    for bone in range(1, parents.size):
        parent = parents[bone]
        for axis in range(3):
            moved = heads[parent, axis]
            for other in range(3):
                moved += rotations[parent, axis, other] * (rest[bone, other] - rest[parent, other])
            heads[bone, axis] = moved
    return heads


@compiled
@no_type_check
def _skin(vertices, transforms, bones, weights):
    posed = np.empty_like(vertices)
    for vertex in range(vertices.shape[0]):
        blend = np.zeros((3, 4), dtype=np.float32)
        for influence in range(bones.shape[1]):
            weight = weights[vertex, influence]
            if weight == 0.0:
                # strongest first: the rest are zero too
                break
            bone = bones[vertex, influence]
            for row in range(3):
                for column in range(4):
                    blend[row, column] += weight * transforms[bone, row, column]
        for row in range(3):
            moved = blend[row, 3]
            for column in range(3):
                moved += blend[row, column] * vertices[vertex, column]
            posed[vertex, row] = moved
    return posed
