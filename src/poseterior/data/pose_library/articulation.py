"""Limbs drawn anew: legs of people who sit, crouch and kneel, arms that reach anywhere that arms can go.

Legs come from ranges of joint angles; arms from the directions of upper arms in the captures, all drawn evenly
whatever their share of frames, with a forearm from anywhere within the limits. Joint limits and penetration are
checked by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from poseterior.data.pose_library.body_frames import (
    BONE,
    MIRROR,
    UPPER_BONES,
    chest_frame,
    cross,
    pelvis_frame,
    unit,
    unswung,
)
from poseterior.data.pose_library.joint_limits import (
    CHECKS,
    UPPER_ARM_REST,
    JointLimits,
    cell_index,
    child_cells,
    parent_cells,
)
from poseterior.data.pose_library.orientation import rotation

Range = tuple[float, float]


@dataclass(frozen=True)
class LegPosture:
    """Ranges of joint angles of both legs, degrees; the left leg's is the first one where they differ."""

    name: str
    share: float
    hip_flexion_deg: tuple[Range, Range]
    knee_flexion_deg: tuple[Range, Range]
    hip_abduction_deg: Range
    hip_rotation_deg: Range
    """Positive turns the foot inwards when the knee is bent."""
    pelvis_tilt_deg: Range
    """Positive leans forward."""


def _both(low: float, high: float) -> tuple[Range, Range]:
    return ((low, high), (low, high))


LEG_POSTURES = (
    LegPosture(
        "sitting", 0.45, _both(65.0, 105.0), _both(55.0, 115.0), (-4.0, 28.0), (-20.0, 20.0), (-20.0, 20.0)
    ),
    LegPosture(
        "crouching", 0.25, _both(95.0, 130.0), _both(105.0, 145.0), (0.0, 32.0), (-20.0, 20.0), (0.0, 40.0)
    ),
    LegPosture(
        "kneeling", 0.12, _both(-5.0, 40.0), _both(80.0, 135.0), (-2.0, 18.0), (-12.0, 12.0), (-10.0, 25.0)
    ),
    LegPosture(
        "kneeling on one knee",
        0.1,
        ((-8.0, 25.0), (70.0, 105.0)),
        ((80.0, 115.0), (75.0, 120.0)),
        (-2.0, 22.0),
        (-15.0, 15.0),
        (-8.0, 20.0),
    ),
    LegPosture(
        "sitting on the floor",
        0.08,
        _both(75.0, 115.0),
        _both(10.0, 60.0),
        (-2.0, 25.0),
        (-15.0, 15.0),
        (-25.0, 8.0),
    ),
)
POSTURE_SHARE = 0.6
"""Share of articulated poses with legs drawn anew; the others, and some of these, get new arms."""
_ARMS_TOO_SHARE = 0.35
_BOTH_ARMS_SHARE = 0.5
_NEW_FOREARM_SHARE = 0.5
_LEG_DIFFERENCE = 0.12
"""Standard deviation of the difference of the two legs, relative to the range."""
_ROLL_DEG = 4.0
_JITTER = 0.06
"""Standard deviation per axis of noise on directions out of the bank."""


@dataclass(frozen=True)
class ArmBank:
    """Captured arms, sorted by the cell of the upper arm's direction; the right arms mirrored to the left."""

    arms: Float[np.ndarray, "arms 3 3"]
    """Collar bone, upper arm and forearm in the chest's axes."""
    starts: Int[np.ndarray, " cells_and_one"]
    """Where each cell begins in `arms`."""

    @staticmethod
    def collect(directions: Float[np.ndarray, "poses 16 3"]) -> ArmBank:
        """The arms of these poses."""
        in_chest = directions @ chest_frame(directions)
        sides = [
            in_chest[:, [BONE[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist")]] * mirroring
            for side, mirroring in (("left", np.ones(3)), ("right", MIRROR))
        ]
        arms = np.concatenate(sides)
        cell = cell_index(arms[:, 1], parent_cells())
        order = np.argsort(cell, kind="stable")
        filled = np.unique(cell)
        return ArmBank(arms[order], np.append(np.searchsorted(cell[order], filled), len(arms)))

    def draw(self, rng: np.random.Generator) -> Float[np.ndarray, "3 3"]:
        """An arm, every cell of upper arms as likely as the others."""
        cell = rng.integers(len(self.starts) - 1)
        return self.arms[rng.integers(self.starts[cell], self.starts[cell + 1])]


def draw_posture(rng: np.random.Generator) -> LegPosture | None:
    """A posture of the legs by its share, or None where they stay as they are."""
    if rng.random() >= POSTURE_SHARE:
        return None
    return LEG_POSTURES[rng.choice(len(LEG_POSTURES), p=[posture.share for posture in LEG_POSTURES])]


def articulated(
    rng: np.random.Generator,
    facing: Float[np.ndarray, "16 3"],
    posture: LegPosture | None,
    bank: ArmBank,
    limits: JointLimits,
) -> Float[np.ndarray, "16 3"]:
    """A pose that faces +z with legs in a posture, or with new arms, or both."""
    if posture is None:
        return with_new_arms(rng, facing, bank, limits)
    directions = with_posture(rng, facing, posture)
    return with_new_arms(rng, directions, bank, limits) if rng.random() < _ARMS_TOO_SHARE else directions


def with_posture(
    rng: np.random.Generator, facing: Float[np.ndarray, "16 3"], posture: LegPosture
) -> Float[np.ndarray, "16 3"]:
    """The pose's upper body on legs in a posture, the pelvis level but for the posture's tilt."""
    pelvis = pelvis_frame(facing)
    tilt = rotation(np.array([1.0, 0.0, 0.0]), np.radians(rng.uniform(*posture.pelvis_tilt_deg)))
    roll = rotation(np.array([0.0, 0.0, 1.0]), np.radians(rng.normal(0.0, _ROLL_DEG)))
    world = tilt @ roll
    directions = np.empty_like(facing)
    directions[UPPER_BONES] = facing[UPPER_BONES] @ (world @ pelvis.T).T
    common = rng.random(4)
    for leg, side in enumerate(("left", "right")):
        share = np.clip(common + rng.normal(0.0, _LEG_DIFFERENCE, 4), 0.0, 1.0)
        flexion, knee, abduction, turn = (
            np.radians(low + (high - low) * value)
            for value, (low, high) in zip(
                share,
                (
                    posture.hip_flexion_deg[leg],
                    posture.knee_flexion_deg[leg],
                    posture.hip_abduction_deg,
                    posture.hip_rotation_deg,
                ),
                strict=True,
            )
        )
        thigh, shin = left_leg(flexion, abduction, turn, knee)
        mirroring = np.ones(3) if side == "left" else MIRROR
        directions[BONE[f"{side}_hip"]] = world[:, 0] * mirroring[0]
        directions[BONE[f"{side}_knee"]] = world @ (thigh * mirroring)
        directions[BONE[f"{side}_ankle"]] = world @ (shin * mirroring)
    return directions


def left_leg(
    flexion: float, abduction: float, turn: float, knee: float
) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
    """Left thigh and shin in the pelvis' axes; hip flexion, abduction and rotation and knee flexion, radians."""
    thigh = np.array(
        [np.sin(abduction), -np.cos(abduction) * np.cos(flexion), np.cos(abduction) * np.sin(flexion)]
    )
    # the knee's axis is the body's left, kept square to the thigh and turned about it
    axis = rotation(thigh, turn) @ unit(np.array([1.0, 0.0, 0.0]) - thigh[0] * thigh)
    return thigh, np.cos(knee) * thigh + np.sin(knee) * cross(axis, thigh)


def with_new_arms(
    rng: np.random.Generator, directions: Float[np.ndarray, "16 3"], bank: ArmBank, limits: JointLimits
) -> Float[np.ndarray, "16 3"]:
    """The pose with one arm or both drawn anew."""
    chest = chest_frame(directions)
    changed = directions.copy()
    both, first = rng.random() < _BOTH_ARMS_SHARE, int(rng.integers(2))
    for arm, side in enumerate(("left", "right")):
        if both or arm == first:
            collar, upper, fore = _new_arm(rng, bank, limits)
            mirroring = np.ones(3) if side == "left" else MIRROR
            for joint, direction in (("shoulder", collar), ("elbow", upper), ("wrist", fore)):
                changed[BONE[f"{side}_{joint}"]] = chest @ (direction * mirroring)
    return changed


def _new_arm(rng: np.random.Generator, bank: ArmBank, limits: JointLimits) -> Float[np.ndarray, "3 3"]:
    arm = bank.draw(rng).copy()
    arm[1:] = unit(arm[1:] + rng.normal(0.0, _JITTER, (2, 3)))
    if rng.random() < _NEW_FOREARM_SHARE:
        cells = np.flatnonzero(limits.feasible[CHECKS.index("forearm"), cell_index(arm[1], parent_cells())])
        if len(cells):
            # back from rest to where the upper arm is
            arm[2] = unswung(child_cells()[rng.choice(cells)], UPPER_ARM_REST, arm[1])
    return arm
