"""From a person and a camera to the picture, and what the depth buffer says of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from poseterior.data.synthesis.accessories import sample_accessories
from poseterior.data.synthesis.backgrounds import sample_background
from poseterior.data.synthesis.cameras import View
from poseterior.data.synthesis.clothing import dressed
from poseterior.data.synthesis.effects import apply_effects
from poseterior.data.synthesis.lights import sample_light
from poseterior.data.synthesis.mesh import OTHER_ID, PERSON_ID, Mesh, PictureCamera
from poseterior.data.synthesis.occluders import sample_occluders
from poseterior.data.synthesis.people import Person
from poseterior.data.synthesis.render import Drawing, draw
from poseterior.data.synthesis.template import BodyTemplate
from poseterior.skeleton import H36M_17

_HEAD, _NECK = H36M_17.index("head"), H36M_17.index("neck")


@dataclass(frozen=True)
class Picture:
    """A picture with its buffers."""

    pixels: UInt8[np.ndarray, "height width 3"]
    """sRGB."""
    drawing: Drawing
    obstacle: Float32[np.ndarray, "height width"]
    """Coverage in [0, 1] of flat obstacles in front of the scene."""
    background: int
    """Kind of the background."""

    @property
    def hidden_share(self) -> float:
        """Share of the person's drawn pixels that flat obstacles cover."""
        person = self.drawing.object_id == PERSON_ID
        return float(self.obstacle[person].mean()) if person.any() else 1.0


def person_meshes(
    person: Person,
    view: View,
    template: BodyTemplate,
    *,
    offset_m: Float64[np.ndarray, "3"] | None = None,
    object_id: int = PERSON_ID,
) -> Mesh:
    """The dressed person in the camera frame, moved in the world by `offset_m`."""
    vertices_m = person.posed.vertices_m if offset_m is None else person.posed.vertices_m + offset_m
    return dressed(
        view.from_world(vertices_m.astype(np.float64)).astype(np.float32),
        person.body.vertices_m,
        template.faces,
        template.face_region,
        materials=person.outfit.materials,
        region_material=person.outfit.region_material,
        thickness_m=person.outfit.thickness_m,
        object_id=object_id,
    )


def take_picture(
    rng: np.random.Generator,
    person: Person,
    view: View,
    camera: PictureCamera,
    template: BodyTemplate,
    others: list[tuple[Person, Float64[np.ndarray, "3"]]],
    *,
    split: str,
    photos: bool,
) -> Picture:
    """Draw the person with clothes, things and other people, put it before a background, take the picture.

    Args:
        rng: draws light, things, background, obstacles and the camera's faults.
        person: whose picture it is.
        view: where the camera stands.
        camera: its window.
        template: the body.
        others: further people and their places in the world.
        split: backgrounds differ between splits.
        photos: whether photographs may be backgrounds.
    """
    joints_m = view.from_world(person.posed.joints_m)
    meshes = [person_meshes(person, view, template), *sample_accessories(rng, joints_m, person.outfit)]
    meshes += [
        person_meshes(other, view, template, offset_m=place, object_id=OTHER_ID) for other, place in others
    ]
    drawing = draw(meshes, camera, sample_light(rng, view.camera_from_world[:, 1]))
    side = camera.height_px
    background = sample_background(rng, side, side, split=split, photos=photos)
    joints_px = camera.project(joints_m)
    person_px = camera.project(meshes[0].vertices_m.astype(np.float64))
    box = np.concatenate([person_px.min(axis=0), person_px.max(axis=0)])
    obstacles = sample_occluders(rng, side, side, box, joints_px)
    scene = drawing.colour + (1.0 - drawing.coverage[..., None]) * background.pixels
    scene = obstacles.colour + (1.0 - obstacles.coverage[..., None]) * scene
    head_radius = 0.8 * float(np.linalg.norm(joints_px[_HEAD] - joints_px[_NECK]))
    pixels = apply_effects(rng, scene, joints_px=joints_px, head_radius_px=head_radius)
    return Picture(pixels, drawing, obstacles.coverage, int(background.kind))
