"""Clothes, light, backgrounds, obstacles and the camera's faults: drawn by seed, within their ranges."""

import numpy as np
import pytest

from poseterior.data.synthesis.accessories import sample_accessories
from poseterior.data.synthesis.backgrounds import BackgroundKind, sample_background
from poseterior.data.synthesis.colour import linear_from_srgb, srgb_from_linear
from poseterior.data.synthesis.effects import apply_effects
from poseterior.data.synthesis.lights import sample_light
from poseterior.data.synthesis.mesh import WORN_ID
from poseterior.data.synthesis.occluders import sample_occluders
from poseterior.data.synthesis.photos import photo_names
from poseterior.data.synthesis.regions import Region
from poseterior.data.synthesis.wardrobe import sample_outfit
from poseterior.skeleton import H36M_17

SIDE = 96
BOX = np.array([20.0, 10.0, 70.0, 90.0])
JOINTS_PX = np.random.default_rng(0).uniform([25.0, 15.0], [65.0, 85.0], (17, 2))


def rngs(count, seed=0):
    return [np.random.default_rng((seed, k)) for k in range(count)]


def standing_joints_m():
    place = {
        "pelvis": (0.0, 0.0),
        "spine": (0.0, -0.22),
        "thorax": (0.0, -0.48),
        "neck": (0.0, -0.6),
        "head": (0.0, -0.75),
    }
    for side, x in (("right", -1.0), ("left", 1.0)):
        for joint, (away, y) in {
            "hip": (0.1, 0.02),
            "knee": (0.12, 0.42),
            "ankle": (0.12, 0.85),
            "shoulder": (0.18, -0.45),
            "elbow": (0.24, -0.18),
            "wrist": (0.26, 0.08),
        }.items():
            place[f"{side}_{joint}"] = (x * away, y)
    joints_m = np.array([[*place[name], 3.0] for name in H36M_17])
    # the nose is in front of the face, towards the camera
    joints_m[H36M_17.index("neck"), 2] -= 0.1
    return joints_m


def test_outfits_paint_every_region_with_a_material_they_have():
    covered, skirts = [], 0
    for rng in rngs(300):
        outfit = sample_outfit(rng)
        assert outfit.region_material.shape == (len(Region),)
        assert outfit.region_material.max() < len(outfit.materials)
        assert (outfit.thickness_m >= 0).all()
        assert (outfit.thickness_m <= 0.03).all()
        assert outfit.thickness_m[Region.FACE] == 0.0
        for material in outfit.materials:
            assert all(0.0 <= value <= 1.0 for value in (*material.colour, *material.second_colour))
            assert np.linalg.norm(material.direction) == pytest.approx(1.0, abs=1e-6)
        skin = outfit.region_material[Region.FACE]
        covered.append(outfit.region_material != skin)
        skirts += outfit.skirt is not None
    covered = np.mean(covered, axis=0)
    assert covered[Region.CHEST] > 0.9
    assert covered[Region.UPPER_ARM] > covered[Region.LOWER_FOREARM] > 0.25
    assert covered[Region.HIPS] == 1.0
    assert 0.08 < skirts / 300 < 0.25


def test_light_comes_from_above():
    up = np.array([0.1, -0.95, 0.2])
    up /= np.linalg.norm(up)
    strong = 0
    for rng in rngs(200):
        light = sample_light(rng, up)
        assert np.linalg.norm(light.direction) == pytest.approx(1.0)
        assert np.dot(light.direction, up) > 0.04
        assert min(*light.sun, *light.sky, *light.ground) >= 0.0
        strong += light.shadows
    assert 120 < strong < 200


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_backgrounds_are_pictures_and_repeat_by_seed(split):
    kinds = set()
    for seed in range(60):
        first, second = (
            sample_background(np.random.default_rng(seed), SIDE, SIDE, split=split, photos=False)
            for _ in range(2)
        )
        np.testing.assert_array_equal(first.pixels, second.pixels)
        assert first.pixels.shape == (SIDE, SIDE, 3)
        assert first.pixels.dtype == np.float32
        assert first.pixels.min() >= 0.0
        assert first.pixels.max() <= 1.0
        kinds.add(first.kind)
    unseen = {BackgroundKind.STRIPES, BackgroundKind.SHARDS}
    assert BackgroundKind.PHOTO not in kinds
    assert (kinds & unseen == unseen) if split == "test" else not kinds & unseen
    assert len(kinds) >= 5


def test_no_photograph_is_in_two_splits():
    names = [set(photo_names(split)) for split in ("train", "validation", "test")]
    assert all(names)
    assert len(set.union(*names)) == sum(map(len, names))


def test_obstacles_cover_some_pictures_in_part():
    coverage = []
    for rng in rngs(300):
        obstacles = sample_occluders(rng, SIDE, SIDE, BOX, JOINTS_PX)
        assert obstacles.coverage.min() >= 0.0
        assert obstacles.coverage.max() <= 1.0 + 1e-6
        # premultiplied: no light where there is nothing
        assert (obstacles.colour <= obstacles.coverage[..., None] + 1e-5).all()
        person = obstacles.coverage[10:90, 20:70]
        coverage.append(float(person.mean()))
    coverage = np.array(coverage)
    assert 0.57 < (coverage == 0.0).mean() < 0.75
    covered = coverage[coverage > 0.0]
    assert 0.03 < np.median(covered) < 0.4
    assert covered.max() < 0.98


def test_obstacles_have_soft_edges():
    soft = 0
    for rng in rngs(40, seed=1):
        coverage = sample_occluders(rng, SIDE, SIDE, BOX, JOINTS_PX).coverage
        soft += bool(((coverage > 0.05) & (coverage < 0.95)).any())
    assert soft > 8


def test_effects_keep_geometry_and_repeat_by_seed():
    """A bright disc stays where it is, whatever is done to the picture."""
    row, column = np.mgrid[:SIDE, :SIDE]
    disc = np.hypot(row - 60, column - 40) < 12
    picture = np.where(disc[..., None], np.float32(0.7), np.float32(0.1)) * np.ones(3, dtype=np.float32)
    for seed in range(150):
        once, again = (
            apply_effects(np.random.default_rng(seed), picture, joints_px=JOINTS_PX, head_radius_px=6.0)
            for _ in range(2)
        )
        np.testing.assert_array_equal(once, again)
        assert once.dtype == np.uint8
        assert once.shape == picture.shape
        grey = once.astype(float).mean(axis=2)
        bright = np.clip(grey - (np.median(grey[disc]) + np.median(grey[~disc])) / 2, 0.0, None)
        near = np.hypot(row - 60, column - 40) < 24
        weight = bright * near
        centre = np.array([(weight * row).sum(), (weight * column).sum()]) / weight.sum()
        # a hidden face may touch the disc
        assert np.hypot(*(centre - [60, 40])) < 1.6, seed


def test_effects_are_mild_in_most_pictures():
    gradient = np.linspace(0.05, 0.8, SIDE, dtype=np.float32)[None, :, None] * np.ones(
        (SIDE, 1, 3), np.float32
    )
    difference = []
    for rng in rngs(100):
        seen = apply_effects(rng, gradient, joints_px=JOINTS_PX, head_radius_px=6.0)
        difference.append(np.abs(linear_from_srgb(seen.astype(np.float32) / 255.0) - gradient).mean())
    assert np.median(difference) < 0.12
    assert np.quantile(difference, 0.95) > 0.1


def test_srgb_is_the_standards_curve():
    encoded = np.array([[0.0, 0.04045, 0.5], [1.0, 0.2, 0.735357]], dtype=np.float32)
    expected = [[0.0, 0.0031308, 0.2140411], [1.0, 0.0331048, 0.5]]
    np.testing.assert_allclose(linear_from_srgb(encoded), expected, atol=1e-6)
    np.testing.assert_allclose(srgb_from_linear(linear_from_srgb(encoded)), encoded, atol=1e-6)


def test_worn_things_are_near_the_person_and_of_sound_geometry():
    joints_m = standing_joints_m()
    found = 0
    for rng in rngs(200):
        for mesh in sample_accessories(rng, joints_m, sample_outfit(rng)):
            found += 1
            assert mesh.object_id == WORN_ID
            assert np.isfinite(mesh.vertices_m).all()
            assert mesh.faces.min() >= 0
            assert mesh.faces.max() < len(mesh.vertices_m)
            middle = (mesh.vertices_m.min(axis=0) + mesh.vertices_m.max(axis=0)) / 2
            assert np.linalg.norm(joints_m - middle, axis=1).min() < 0.5
    assert 40 < found < 160


def test_bag_on_the_back_is_behind_and_skirt_around_the_legs():
    from poseterior.data.synthesis.accessories import bag, skirt
    from poseterior.data.synthesis.wardrobe import Skirt

    joints_m = standing_joints_m()
    backs = [bag(rng, joints_m).vertices_m.mean(axis=0) for rng in rngs(60)]
    # the person faces the camera, so that its back is away from it
    assert sum(centre[2] > 3.1 for centre in backs) > 25
    outfit = sample_outfit(np.random.default_rng(3))
    for rng in rngs(10):
        mesh = skirt(rng, joints_m, Skirt(0.5, 0.2, 0), outfit)
        low, high = mesh.vertices_m.min(axis=0), mesh.vertices_m.max(axis=0)
        for knee in ("left_knee", "right_knee"):
            assert low[0] < joints_m[H36M_17.index(knee), 0] < high[0]
        assert high[1] == pytest.approx(0.42, abs=0.05)
        assert low[1] < 0.0
        assert low[2] < 2.93
        assert high[2] > 3.07
