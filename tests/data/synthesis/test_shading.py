"""Light and shadow against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from _solids import quad, rays, sphere, sphere_depth_m, triangles

from poseterior.data.synthesis.mesh import Light, Material, PictureCamera
from poseterior.data.synthesis.render import draw
from poseterior.data.synthesis.shading import shade

CAMERA = PictureCamera(120.0, (47.5, 47.5), 96, 96)
BALL = (0.2, -0.1, 3.0), 0.8
SUN = np.array([0.48, -0.64, -0.6])
LIGHT = Light(tuple(SUN.tolist()), (0.9, 0.8, 0.7), (0.3, 0.4, 0.5), (0.2, 0.1, 0.05))
DARK = (0.0, 0.0, 0.0)
FLOOR_Y_M = 1.0
CANOPY_M = np.array([(-0.6, 0.2, 3.0), (0.6, 0.2, 3.0), (0.6, 0.2, 4.2), (-0.6, 0.2, 4.2)])


def floor():
    return quad(
        [(-9.0, FLOOR_Y_M, 1.5), (9.0, FLOOR_Y_M, 1.5), (9.0, FLOOR_Y_M, 7.0), (-9.0, FLOOR_Y_M, 7.0)]
    )


def one_sample(light, *, normal, albedo=(0.5, 0.25, 1.0), shininess=0.0, lit=1.0, point=(0.0, 0.0, 2.0)):
    rows = (np.array([values], dtype=np.float32) for values in (point, normal, albedo))
    return shade(*rows, np.array([shininess], np.float32), np.array([lit], np.float32), light)[0]


def test_surface_that_faces_up_has_the_sky_and_one_that_faces_down_the_ground():
    light = replace(LIGHT, sun=DARK)
    albedo = np.array([0.5, 0.25, 1.0])
    np.testing.assert_allclose(one_sample(light, normal=(0.0, -1.0, 0.0)), albedo * light.sky, rtol=1e-6)
    np.testing.assert_allclose(one_sample(light, normal=(0.0, 1.0, 0.0)), albedo * light.ground, rtol=1e-6)
    halves = albedo * (np.array(light.sky) + np.array(light.ground)) / 2
    np.testing.assert_allclose(one_sample(light, normal=(1.0, 0.0, 0.0)), halves, rtol=1e-6)


def test_sun_falls_off_with_the_cosine_and_with_shadow():
    light = Light((0.0, 0.0, -1.0), (0.9, 0.8, 0.7), DARK, DARK)
    slanted = (0.0, -np.sqrt(0.75), -0.5)
    expected = np.array([0.5, 0.25, 1.0]) * light.sun * 0.5
    np.testing.assert_allclose(one_sample(light, normal=slanted), expected, rtol=1e-6)
    np.testing.assert_allclose(one_sample(light, normal=slanted, lit=0.25), 0.25 * expected, rtol=1e-6)
    assert not one_sample(light, normal=(0.0, 0.0, 1.0)).any()


def test_highlight_is_a_mirror_of_the_sun():
    """A black surface under a sun behind the camera: cos(angle)^32 in the sun's colour."""
    light = Light((0.0, 0.0, -1.0), (0.9, 0.8, 0.7), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0))
    for degrees in (0.0, 8.0, 20.0):
        angle = np.radians(degrees)
        normal = (np.sin(angle), 0.0, -np.cos(angle))
        found = one_sample(light, normal=normal, albedo=DARK, shininess=0.6)
        np.testing.assert_allclose(found, 0.6 * np.cos(angle) ** 32 * np.array(light.sun), rtol=1e-4)
        assert not one_sample(light, normal=normal, albedo=DARK, shininess=0.6, lit=0.0).any()
    assert not one_sample(light, normal=(0.0, 0.0, 1.0), albedo=DARK, shininess=0.6).any()


def test_highlight_lies_half_way_between_sun_and_camera():
    light = Light(tuple(SUN.tolist()), (1.0, 1.0, 1.0), DARK, DARK)
    point = np.array([0.9, -0.5, 2.0])
    half_way = SUN - point / np.linalg.norm(point)
    half_way /= np.linalg.norm(half_way)
    normal = half_way + np.array([0.1, 0.05, -0.1])
    normal /= np.linalg.norm(normal)
    found = one_sample(light, normal=normal, albedo=DARK, shininess=1.0, point=point)
    np.testing.assert_allclose(found, (normal @ half_way) ** 32, rtol=1e-4)


def test_sphere_is_shaded_as_its_formula_says():
    centre_m, radius_m = BALL
    albedo = np.array([0.8, 0.5, 0.2])
    drawing = draw([sphere(centre_m, radius_m, Material(tuple(albedo.tolist())))], CAMERA, LIGHT)
    inside = sphere_depth_m(CAMERA, centre_m, 0.85 * radius_m) < np.inf
    points = (rays(CAMERA) * sphere_depth_m(CAMERA, centre_m, radius_m)[..., None])[inside]
    normals = (points - np.array(centre_m)) / radius_m
    sky, ground, up = np.array(LIGHT.sky), np.array(LIGHT.ground), (1 - normals[:, 1:2]) / 2
    lambert = np.maximum(0.0, normals @ SUN)[:, None]
    expected = albedo * (ground * (1 - up) + sky * up + np.array(LIGHT.sun) * lambert)
    # where the sun grazes, a pixel's average over the bend is not its centre's value
    smooth = np.abs(normals @ SUN) > 0.15
    assert smooth.mean() > 0.7
    np.testing.assert_allclose(drawing.colour[inside][smooth], expected[smooth], atol=4e-3)


@pytest.mark.parametrize(
    "direction", [(0.0, 0.0, -1.0), (0.8, 0.0, -0.6), (0.6, -0.8, 0.0), (0.0, -0.96, 0.28)]
)
def test_round_body_casts_no_shadow_on_its_own_lit_side(direction):
    light = replace(LIGHT, direction=direction)
    centre_m, radius_m = BALL
    shadowed, plain = (
        draw([sphere(centre_m, radius_m)], CAMERA, replace(light, shadows=on)).colour for on in (True, False)
    )
    depth_m = sphere_depth_m(CAMERA, centre_m, radius_m)
    hit = sphere_depth_m(CAMERA, centre_m, 0.98 * radius_m) < np.inf
    cosine = (rays(CAMERA)[hit] * depth_m[hit, None] - np.array(centre_m)) @ np.array(direction) / radius_m
    lit = cosine > 0.1
    assert lit.sum() > 100
    np.testing.assert_allclose(shadowed[hit][lit], plain[hit][lit], atol=1e-6)


def test_slanted_floor_under_a_low_sun_shows_no_bands():
    light = Light((0.96, -0.28, 0.0), (1.0, 1.0, 1.0), DARK, DARK)
    drawing = draw([floor()], CAMERA, light)
    inside = drawing.coverage == 1.0
    assert inside.sum() > 1000
    np.testing.assert_allclose(drawing.colour[inside], 0.5 * 0.28, rtol=1e-4)


@pytest.mark.parametrize("caster_first", [True, False])
def test_shadow_falls_where_the_sun_is_hidden(caster_first):
    light = Light(tuple(SUN.tolist()), (1.0, 1.0, 1.0), DARK, DARK)
    meshes = [quad(CANOPY_M, object_id=2), floor()]
    drawing = draw(meshes if caster_first else meshes[::-1], CAMERA, light)
    ground = (drawing.object_id == 1) & (drawing.coverage == 1.0)
    points = rays(CAMERA) * np.where(ground, drawing.depth_m, 1.0)[..., None]
    # up the ray to the sun until the canopy's height
    above = points + SUN * ((0.2 - FLOOR_Y_M) / SUN[1])
    low, high = CANOPY_M.min(axis=0), CANOPY_M.max(axis=0)
    margin_m = np.minimum(above - low, high - above)[..., [0, 2]].min(axis=-1)
    shadow, sun = ground & (margin_m > 0.1), ground & (margin_m < -0.1)
    assert shadow.sum() > 100
    np.testing.assert_allclose(drawing.colour[shadow], 0.0, atol=1e-6)
    np.testing.assert_allclose(drawing.colour[sun], 0.5 * 0.64, rtol=1e-4)
    # edges: the shadow as a whole is neither moved nor grown
    darkness = 1.0 - drawing.colour[..., 0] / (0.5 * 0.64)
    assert darkness[ground].sum() == pytest.approx((margin_m[ground] > 0).sum(), rel=0.05)


def test_things_out_of_the_picture_cast_shadows_into_it():
    light = Light((0.0, -0.6, -0.8), (1.0, 1.0, 1.0), DARK, DARK)
    behind_camera = triangles([[(-50.0, -2.0, -3.5), (50.0, -2.0, -3.5), (0.0, -80.0, -3.5)]], object_id=7)
    alone, shaded = draw([floor()], CAMERA, light), draw([behind_camera, floor()], CAMERA, light)
    z_m = alone.depth_m
    # the edge's shadow: from y = -2 down to the floor at y = 1 the ray moves 3 m down and 4 m away
    expected_dark = z_m > -3.5 + 4.0
    ground = alone.coverage == 1.0
    assert not (shaded.object_id == 7).any()
    assert expected_dark[ground].all()
    assert (alone.colour[ground] > 0.1).all()
    assert (shaded.colour[ground] < 1e-6).mean() > 0.95


def test_scene_without_shadows_is_lit_everywhere():
    light = Light(tuple(SUN.tolist()), (1.0, 1.0, 1.0), DARK, DARK, shadows=False)
    drawing = draw([quad(CANOPY_M, object_id=2), floor()], CAMERA, light)
    ground = (drawing.object_id == 1) & (drawing.coverage == 1.0)
    np.testing.assert_allclose(drawing.colour[ground], 0.5 * 0.64, rtol=1e-4)
