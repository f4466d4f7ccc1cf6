"""A random person in a random pose: body, clothes and where its joints are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from poseterior.data.pose_library.library import DrawnPose, PoseLibrary
from poseterior.data.synthesis.bodies import Body, make_body, sample_phenotype
from poseterior.data.synthesis.posing import bone_rotations, sample_habits
from poseterior.data.synthesis.skinning import PosedBody, pose_body
from poseterior.data.synthesis.template import BodyTemplate
from poseterior.data.synthesis.wardrobe import Outfit, sample_outfit


@dataclass(frozen=True)
class Person:
    """Somebody, world with y up and the root at the origin."""

    pose: DrawnPose
    body: Body
    posed: PosedBody
    outfit: Outfit

    @property
    def root_height_m(self) -> float:
        """Of the root over the body's lowest point, which touches the ground."""
        return -float(self.posed.vertices_m[:, 1].min())


def sample_person(
    rng: np.random.Generator, library: PoseLibrary, template: BodyTemplate, *, child_share: float
) -> Person:
    """A person with a pose of the library."""
    pose = library.draw(rng)
    body = make_body(sample_phenotype(rng, template, child_share=child_share), template)
    rotations = bone_rotations(pose.directions, body, template, sample_habits(rng))
    return Person(pose, body, pose_body(body, rotations, template), sample_outfit(rng))


def place_beside(
    rng: np.random.Generator, person: Person, other: Person, towards_camera: Float64[np.ndarray, "3"]
) -> Float64[np.ndarray, "3"]:
    """Where another person's root is, on the same ground: half of them in front, half behind or beside.

    Args:
        rng: draws the place.
        person: at the origin.
        other: who is placed.
        towards_camera: from the person's root to the camera, world, metres.
    """
    level = towards_camera * np.array([1.0, 0.0, 1.0])
    distance_m = float(np.linalg.norm(level))
    level = level / max(distance_m, 1e-6)
    sideways = np.array([level[2], 0.0, -level[0]])
    if rng.random() < 0.5:
        along, aside = rng.uniform(0.3, min(0.5 * distance_m, 1.2) + 0.31), rng.normal(0.0, 0.35)
    else:
        along, aside = rng.uniform(-1.5, 0.1), rng.choice([-1.0, 1.0]) * rng.uniform(0.35, 1.1)
    return along * level + aside * sideways + np.array([0.0, other.root_height_m - person.root_height_m, 0.0])
