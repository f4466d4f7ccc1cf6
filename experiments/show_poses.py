"""What poses the synthetic set draws from: before and after thinning, evening out and widening.

    python experiments/show_poses.py --motion FOLDER

Writes docs/results/poses.json, docs/images/pose-distribution.png and a sheet of drawn poses, and prints the
table. Shares follow from plain rules on joint angles (`KINDS`); the effective number of cells is the exponential
of the entropy over 400 k-means cells of all four distributions together, heading aside.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from jaxtyping import Float

from poseterior.data.motion import without_flips
from poseterior.data.motion_splits import default_sources
from poseterior.data.pose_library.body_frames import BONE, pelvis_frame
from poseterior.data.pose_library.cells import cell_centres, effective_number, nearest
from poseterior.data.pose_library.library import PoseKind, PoseLibrary, PoseMix
from poseterior.data.pose_library.self_penetration import MAX_OVERLAP_CAPTURED, deep_penetration
from poseterior.data.pose_library.thinning import rounded_features
from poseterior.data.simulated.body_shape import BodyRange, assemble, sample_lengths_m
from poseterior.data.simulated.poses import facing_directions
from poseterior.errors import PoseteriorError
from poseterior.export.atomic import atomic_path
from poseterior.skeleton import H36M_17, H36M_BONES

ROOT = Path(__file__).resolve().parents[1]
_MEAN_BODY = BodyRange((1.7, 0.0, 1.7, 1.7), 0.0, 0.0, 0.0)
_COLOURS = {"right": "#c0392b", "left": "#2457a6", "middle": "#444444"}


@dataclass(frozen=True)
class Arguments:
    """What is described, and where it goes."""

    motion: Path
    """Folder of the captures."""
    split: str = "train"
    draws: int = 12_000
    """Poses of each distribution."""
    seed: int = 0
    out: Path = ROOT / "docs" / "results" / "poses.json"
    """JSON file."""
    figure: Path = ROOT / "docs" / "images" / "pose-distribution.png"
    sheet: Path = ROOT / "docs" / "images" / "drawn-poses.png"


@dataclass(frozen=True)
class Angles:
    """What the rules look at, degrees; hips and knees as (pose, side)."""

    trunk_tilt: np.ndarray
    """Of the line from pelvis to neck, from upright."""
    hip_flexion: np.ndarray
    knee_flexion: np.ndarray
    wrist_above_head: np.ndarray
    """Metres, the higher wrist of a body of 1.7 m."""
    wrist_elevation: np.ndarray
    """Largest angle of shoulder to wrist from straight down."""


def angles_of(directions: Float[np.ndarray, "poses 16 3"]) -> Angles:
    """Angles of poses in the world."""
    joints = assemble(directions, sample_lengths_m(np.random.default_rng(0), 1, _MEAN_BODY))
    trunk = joints[:, H36M_17.index("thorax")] - joints[:, H36M_17.index("pelvis")]
    in_pelvis = directions @ pelvis_frame(directions)
    sides = ("right", "left")
    thigh = np.stack([in_pelvis[:, BONE[f"{side}_knee"]] for side in sides], axis=1)
    shin = np.stack([in_pelvis[:, BONE[f"{side}_ankle"]] for side in sides], axis=1)
    wrists = np.stack([joints[:, H36M_17.index(f"{side}_wrist")] for side in sides], axis=1)
    shoulders = np.stack([joints[:, H36M_17.index(f"{side}_shoulder")] for side in sides], axis=1)
    reach = wrists - shoulders
    return Angles(
        trunk_tilt=_degrees(trunk[:, 1] / np.linalg.norm(trunk, axis=-1)),
        hip_flexion=np.degrees(np.arctan2(thigh[..., 2], -thigh[..., 1])),
        knee_flexion=_degrees((thigh * shin).sum(axis=-1)),
        wrist_above_head=wrists[..., 1].max(axis=1) - joints[:, H36M_17.index("head"), 1],
        wrist_elevation=_degrees(-reach[..., 1] / np.linalg.norm(reach, axis=-1)).max(axis=1),
    )


def _degrees(cosine: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def _crouching(a: Angles) -> np.ndarray:
    return (a.trunk_tilt < 65) & ((a.hip_flexion > 60) & (a.knee_flexion > 100)).all(axis=1)


KINDS: dict[str, Callable[[Angles], np.ndarray]] = {
    "sitting": lambda a: (
        (a.trunk_tilt < 50) & ((a.hip_flexion > 55) & (a.knee_flexion > 40)).all(axis=1) & ~_crouching(a)
    ),
    "crouching": _crouching,
    "kneeling": lambda a: (
        (a.trunk_tilt < 50)
        & ((a.hip_flexion < 45) & (a.knee_flexion > 75)).any(axis=1)
        & (a.knee_flexion > 60).all(axis=1)
    ),
    "reaching overhead": lambda a: (a.trunk_tilt < 50) & (a.wrist_above_head > 0),
    "arm stretched to the side or up": lambda a: (a.trunk_tilt < 50) & (a.wrist_elevation > 80),
    "bent over": lambda a: (a.trunk_tilt > 40) & (a.trunk_tilt < 65),
    "lying or upside down": lambda a: a.trunk_tilt > 65,
    "standing straight": lambda a: (
        (a.trunk_tilt < 20) & (a.knee_flexion < 35).all(axis=1) & (a.wrist_elevation < 50)
    ),
}
"""Rules; a pose may follow several."""


def distributions(
    sources: list, library: PoseLibrary, count: int, seed: int
) -> tuple[dict[str, Float[np.ndarray, "poses 16 3"]], np.ndarray]:
    """Bone directions of poses at each stage, facing +z, and the kinds of the last."""
    rng = np.random.default_rng(seed)
    captured = []
    for motion, share in sources:
        joints_m = without_flips(motion).joints_m
        captured.append(facing_directions(joints_m[rng.integers(len(joints_m), size=round(count * share))]))
    share = np.array([share for _, share in sources])
    thinned = share[library.source] / np.bincount(library.source)[library.source]
    drawn = [library.draw(rng) for _ in range(count)]
    lengths_m = sample_lengths_m(rng, 1, _MEAN_BODY)
    widened = facing_directions(assemble(np.stack([pose.directions for pose in drawn]), lengths_m))
    stages = {
        "captured": np.concatenate(captured),
        "thinned": library.directions[rng.choice(len(thinned), count, p=thinned / thinned.sum())],
        "evened out": library.directions[rng.choice(len(thinned), count, p=library.weight)],
        "drawn": widened,
    }
    return {name: poses.astype(np.float64) for name, poses in stages.items()}, np.array(
        [pose.kind for pose in drawn]
    )


def describe(stages: dict[str, np.ndarray], seed: int) -> dict[str, Any]:
    """Shares of kinds of poses and effective number of cells at each stage."""
    features = {name: rounded_features(poses) for name, poses in stages.items()}
    centres = cell_centres(np.concatenate(list(features.values())), 400, seed)
    return {
        name: {
            "effective_cells_of_400": round(
                effective_number(nearest(features[name], centres), np.ones(len(poses))), 1
            ),
            **{kind: round(float(rule(angles_of(poses)).mean()), 4) for kind, rule in KINDS.items()},
        }
        for name, poses in stages.items()
    }


def rejections(sources: list, library: PoseLibrary) -> dict[str, Any]:
    """Share of captured frames that the limits and the penetration test refuse."""
    refused = {}
    for motion, _ in sources:
        poses = facing_directions(without_flips(motion).joints_m[::3]).astype(np.float64)
        refused[motion.name] = {
            "frames": len(motion.joints_m),
            "poses_in_library": int((library.source == library.sources.index(motion.name)).sum()),
            "outside_joint_limits": round(float(1 - library.limits.allow(poses).mean()), 4),
            "deep_penetration": round(float(deep_penetration(poses, MAX_OVERLAP_CAPTURED).mean()), 4),
        }
    return refused


def table(stages: dict[str, dict[str, Any]]) -> str:
    """The shares as text."""
    rows = [f"{'':34}" + "".join(f"{name:>12}" for name in stages)]
    for row in next(iter(stages.values())):
        unit = (
            (lambda value: f"{value:12.1f}")
            if row.startswith("effective")
            else (lambda value: f"{value:12.2%}")
        )
        rows.append(f"{row:34}" + "".join(unit(stage[row]) for stage in stages.values()))
    return "\n".join(rows)


def draw_figure(stages: dict[str, np.ndarray], shares: dict[str, dict[str, Any]], path: Path) -> None:
    """Density on the two main axes of variation, and the shares as bars."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    everything = np.concatenate([poses.reshape(len(poses), -1) for poses in stages.values()])
    mean = everything.mean(axis=0)
    axes = np.linalg.eigh(np.cov((everything - mean).T))[1][:, [-1, -2]]
    figure, panels = plt.subplots(2, 4, figsize=(13, 7.4), height_ratios=(1, 1.15), layout="constrained")
    for panel, (name, poses) in zip(panels[0], stages.items(), strict=True):
        x, y = ((poses.reshape(len(poses), -1) - mean) @ axes).T
        panel.hexbin(x, y, gridsize=34, bins="log", mincnt=1, extent=(-3.2, 3.2, -2.6, 3.8), cmap="viridis")
        cells = shares[name]["effective_cells_of_400"]
        panel.set_title(f"{name}: {cells:.0f} effective cells of 400", fontsize=11)
        panel.set(xlim=(-3.2, 3.2), ylim=(-2.6, 3.8), xticks=[], yticks=[], aspect="equal")
    panels[0, 0].set_ylabel("second main axis of poses")
    panels[0, 0].set_xlabel("first main axis")
    for panel in panels[1]:
        panel.remove()
    bars = figure.add_subplot(2, 1, 2)
    for index, (name, share) in enumerate(shares.items()):
        height = [100 * share[kind] for kind in KINDS]
        bars.bar(
            np.arange(len(KINDS)) + 0.2 * (index - 1.5),
            height,
            0.18,
            label=name,
            color=plt.get_cmap("viridis")(index / 3.4),
        )
    bars.set_xticks(
        np.arange(len(KINDS)),
        [kind.replace(" to the", "\nto the").replace(" or ", "\nor ", 1) for kind in KINDS],
    )
    bars.set_ylabel("share of poses in percent")
    bars.legend(frameon=False)
    bars.spines[["top", "right"]].set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
    plt.close(figure)


def draw_sheet(library: PoseLibrary, path: Path, seed: int) -> None:
    """Forty drawn poses as stick figures: ten of each kind, seen from in front; right red, left blue."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(4, 10, figsize=(14, 7.4), layout="constrained")
    for row, kind in zip(panels, PoseKind, strict=True):
        rng = np.random.default_rng([seed, int(kind)])
        only = replace(library, mix=_only(kind))
        for panel in row:
            pose = only.draw(rng)
            _stick_figure(panel, assemble(pose.directions, sample_lengths_m(rng, 1)[0]))
        row[0].text(0.02, 1.0, pose_kind_name(kind), transform=row[0].transAxes, fontsize=9)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=90)
    plt.close(figure)


def pose_kind_name(kind: PoseKind) -> str:
    """For people."""
    return kind.name.lower()


def _only(kind: PoseKind) -> PoseMix:
    share = {
        name: float(name == kind.name.lower())
        for name in ("captured", "recombined", "articulated", "reoriented")
    }
    return PoseMix(**share)


def _stick_figure(panel: Any, joints_m: Float[np.ndarray, "17 3"]) -> None:
    pitch = np.radians(12.0)
    seen = (
        joints_m
        @ np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]).T
    )
    seen = seen - (seen.max(axis=0) + seen.min(axis=0)) / 2
    for parent, child in H36M_BONES:
        side = next((side for side in ("right", "left") if side in child), "middle")
        ends = seen[[H36M_17.index(parent), H36M_17.index(child)]]
        panel.plot(ends[:, 0], ends[:, 1], color=_COLOURS[side], linewidth=2.2, solid_capstyle="round")
    panel.set(xlim=(-0.75, 0.75), ylim=(-0.95, 0.95), aspect="equal")
    panel.axis("off")


def main(arguments: Arguments) -> None:
    """Measure, print, write."""
    sources = default_sources(arguments.split, arguments.motion)
    library = PoseLibrary.build(sources)
    stages, kinds = distributions(sources, library, arguments.draws, arguments.seed)
    shares = describe(stages, arguments.seed)
    result = {
        "name": "poses",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"python experiments/show_poses.py --split {arguments.split} --seed {arguments.seed}",
        "library_sha256": library.digest(),
        "captures": rejections(sources, library),
        "kinds_drawn": {kind.name.lower(): round(float((kinds == kind).mean()), 4) for kind in PoseKind},
        "stages": shares,
    }
    print(table(shares))
    print(
        json.dumps({name: result[name] for name in ("captures", "kinds_drawn", "library_sha256")}, indent=2)
    )
    with atomic_path(arguments.out) as temporary:
        temporary.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    draw_figure(stages, shares, arguments.figure)
    draw_sheet(library, arguments.sheet, arguments.seed)


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except PoseteriorError as error:
        sys.exit(f"error: {error}")
