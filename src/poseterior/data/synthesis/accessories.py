"""Things that people wear and carry: skirts, bags, hats, objects in their hands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from poseterior.data.synthesis.mesh import Mesh
from poseterior.data.synthesis.rotations import frame, unit
from poseterior.data.synthesis.shapes import box, ellipsoid, tube
from poseterior.data.synthesis.wardrobe import Outfit, Skirt, sample_cloth
from poseterior.skeleton import H36M_17

Joints = Float64[np.ndarray, "17 3"]
_AT = {name: index for index, name in enumerate(H36M_17)}
_BAG_SHARE, _HAT_SHARE, _HELD_SHARE = 0.1, 0.08, 0.08


def sample_accessories(rng: np.random.Generator, joints_m: Joints, outfit: Outfit) -> list[Mesh]:
    """The outfit's skirt, and now and then a bag, a hat or something in a hand.

    Args:
        rng: draws them.
        joints_m: Human3.6M-17 of the person, camera frame.
        outfit: what the person wears.
    """
    meshes = []
    if outfit.skirt is not None:
        meshes.append(skirt(rng, joints_m, outfit.skirt, outfit))
    if rng.random() < _BAG_SHARE:
        meshes.append(bag(rng, joints_m))
    if rng.random() < _HAT_SHARE:
        meshes.append(hat(rng, joints_m))
    if rng.random() < _HELD_SHARE:
        meshes.append(held(rng, joints_m))
    return meshes


def skirt(rng: np.random.Generator, joints_m: Joints, shape: Skirt, outfit: Outfit) -> Mesh:
    """Rings around both legs from the waist down, each wide enough for the legs at its height, with folds."""
    rings, around = 9, 36
    spine, hips = joints_m[_AT["spine"]], joints_m[[_AT["right_hip"], _AT["left_hip"]]]
    knees = joints_m[[_AT["right_knee"], _AT["left_knee"]]]
    ankles = joints_m[[_AT["right_ankle"], _AT["left_ankle"]]]
    thigh_m = np.linalg.norm(knees - hips, axis=1).mean()
    left = hips[1] - hips[0]
    angle = np.linspace(0.0, 2.0 * np.pi, around, endpoint=False)
    folds = 1.0 + 0.06 * np.sin(angle * rng.integers(4, 9) + rng.uniform(0.0, 6.0))
    points, cloth = [], []
    waist = 0.35 * spine + 0.65 * hips.mean(axis=0)
    for row, share in enumerate(np.linspace(-0.12, shape.length, rings)):
        legs = _along(hips, knees, ankles, max(share, 0.0))
        centre = waist if row == 0 else legs.mean(axis=0)
        down = (
            unit(knees.mean(axis=0) - waist)
            if share < 0.5
            else unit(ankles.mean(axis=0) - knees.mean(axis=0))
        )
        apart = left if row == 0 else legs[1] - legs[0]
        axes = frame(down, apart if apart @ apart > 1e-6 else left)
        gap = np.linalg.norm(apart - (apart @ down) * down) / 2
        room_m = (0.28 + shape.flare * max(share, 0.0)) * thigh_m
        wide, deep = gap + room_m * (0.75 if row else 0.55), room_m
        fold = folds if share > 0.1 else np.ones(around)
        points.append(
            centre
            + np.outer(wide * np.cos(angle) * fold, axes[:, 1])
            + np.outer(deep * np.sin(angle) * fold, axes[:, 2])
        )
        level = np.full(around, -share * 2.0 * thigh_m)
        cloth.append(np.stack([0.25 * np.cos(angle), level, 0.25 * np.sin(angle)], axis=1))
    return tube(np.stack(points), np.stack(cloth), outfit.materials[shape.material])


def bag(rng: np.random.Generator, joints_m: Joints) -> Mesh:
    """A rucksack on the back, or a bag at the side."""
    pelvis, thorax = joints_m[_AT["pelvis"]], joints_m[_AT["thorax"]]
    left = joints_m[_AT["left_shoulder"]] - joints_m[_AT["right_shoulder"]]
    axes = frame(pelvis - thorax, left)
    trunk_m, wide_m = np.linalg.norm(thorax - pelvis), np.linalg.norm(left)
    # down x left points forwards, out of the chest
    down, aside, front = axes.T
    if rng.random() < 0.6:
        half = np.array([rng.uniform(0.25, 0.45) * trunk_m, 0.4 * wide_m, rng.uniform(0.05, 0.13)])
        centre = thorax + (0.15 * trunk_m + half[0]) * down - (0.11 + half[2]) * front
    else:
        side = rng.choice([-1.0, 1.0])
        half = np.array([rng.uniform(0.08, 0.2), 0.05, rng.uniform(0.1, 0.2)])
        centre = pelvis + rng.uniform(-0.1, 0.2) * down + side * (0.5 * wide_m + 0.04) * aside
    shape = box if rng.random() < 0.4 else ellipsoid
    return shape(centre, axes * half, sample_cloth(rng))


def hat(rng: np.random.Generator, joints_m: Joints) -> Mesh:
    """A cap: half an ellipsoid over the crown."""
    crown, nose, thorax = (joints_m[_AT[name]] for name in ("head", "neck", "thorax"))
    up = unit(crown - thorax)
    forward = nose - crown
    axes = frame(up, forward)[:, [1, 0, 2]]
    radius_m = 0.55 * np.linalg.norm(nose - crown)
    # the crown lies on the scalp: the cap's middle is below it
    return ellipsoid(
        crown - 0.85 * radius_m * up,
        axes * np.array([1.05, 1.05, 0.9]) * radius_m,
        replace(sample_cloth(rng), shininess=0.0),
        half=True,
    )


def held(rng: np.random.Generator, joints_m: Joints) -> Mesh:
    """A ball, a box, a stick or a hanging bag at a hand."""
    side = "left" if rng.random() < 0.5 else "right"
    elbow, wrist = joints_m[_AT[f"{side}_elbow"]], joints_m[_AT[f"{side}_wrist"]]
    along = unit(wrist - elbow)
    hand = wrist + 0.09 * along
    axes = frame(along, rng.normal(size=3))
    kind = rng.integers(4)
    if kind == 0:
        return ellipsoid(hand, np.eye(3) * rng.uniform(0.05, 0.14), sample_cloth(rng))
    if kind == 1:
        return box(hand, axes * rng.uniform(0.04, 0.18, 3), sample_cloth(rng))
    if kind == 2:
        return box(
            hand, axes[:, [1, 0, 2]] * [rng.uniform(0.2, 0.6), 0.015, 0.015], sample_cloth(rng, plain=True)
        )
    down = unit(joints_m[_AT["pelvis"]] - joints_m[_AT["thorax"]])
    hanging = frame(down, along)
    half = np.array([rng.uniform(0.1, 0.2), rng.uniform(0.1, 0.2), 0.05])
    return box(hand + (0.12 + half[0]) * down, hanging * half, sample_cloth(rng))


def _along(hips: np.ndarray, knees: np.ndarray, ankles: np.ndarray, share: float) -> np.ndarray:
    """Points on both legs, from the hips (0) over the knees (0.5) to the ankles (1)."""
    if share < 0.5:
        return hips + 2.0 * share * (knees - hips)
    return knees + (2.0 * share - 1.0) * (ankles - knees)
