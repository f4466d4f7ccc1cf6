"""Poses to draw from: captured ones, evened out, and what can be made of them within the limits of people.

Motion capture is mostly standing and walking. Three things keep rare poses from drowning: near-duplicates are
thinned (`thinning`), the rest is grouped into cells of similar poses whose share of draws is their number of
poses to a power below one (`cells`), and a share of draws is recombined, articulated or turned as a whole.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Bool, Float, Int

from poseterior.data.motion import Motion, without_flips
from poseterior.data.pose_library.articulation import ArmBank, LegPosture, articulated, draw_posture
from poseterior.data.pose_library.body_frames import HEAD_BONES, mirror, unit
from poseterior.data.pose_library.cells import cell_centres, nearest
from poseterior.data.pose_library.joint_limits import JointLimits
from poseterior.data.pose_library.orientation import Turn, draw_turn, reoriented, turned_about_up
from poseterior.data.pose_library.recombination import recombined
from poseterior.data.pose_library.self_penetration import MAX_OVERLAP, MAX_OVERLAP_CAPTURED, deep_penetration
from poseterior.data.pose_library.thinning import MIN_DIFFERENCE_DEG, rounded_features, thinned
from poseterior.data.simulated.body_shape import HIP_BONES
from poseterior.data.simulated.poses import facing_directions
from poseterior.errors import InputError
from poseterior.export.atomic import atomic_path

_ATTEMPTS = 60
"""Draws of one kind that may be refused before a captured pose is taken instead."""


class PoseKind(IntEnum):
    """Where a pose comes from."""

    CAPTURED = 0
    RECOMBINED = 1
    """The upper body of one frame on the legs of another."""
    REORIENTED = 2
    """Turned as a whole: lying, leaning, diving."""
    ARTICULATED = 3
    """Legs or arms drawn anew within the joint limits: sitting, crouching, kneeling, reaching."""


@dataclass(frozen=True)
class PoseMix:
    """Shares of all draws, and how a drawn pose is varied."""

    captured: float = 0.5
    recombined: float = 0.25
    articulated: float = 0.15
    reoriented: float = 0.1
    mirrored: float = 0.5
    direction_noise: float = 0.03
    """Standard deviation per axis of noise on unit bone directions (0.03 is 1.7 degrees)."""
    head_noise: float = 0.08
    """The same for neck and head, which the sources only approximate."""

    def __post_init__(self) -> None:
        shares = (self.captured, self.recombined, self.articulated, self.reoriented)
        if min(shares) < 0 or abs(sum(shares) - 1.0) > 1e-9:
            raise ValueError(f"shares of kinds of poses must be positive and add up to 1; got {shares}")
        if not 0 <= self.mirrored <= 1 or self.direction_noise < 0 or self.head_noise < 0:
            raise ValueError("mirrored must be a share, and noise not negative")


AS_CAPTURED = PoseMix(1.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0)
"""Nothing but captured poses and their mirror images, without noise."""


@dataclass(frozen=True)
class DrawnPose:
    """One pose and where it comes from."""

    directions: Float[np.ndarray, "16 3"]
    """float64 unit bone directions in the order of `body_shape.BONES`, world with y up, any heading."""
    kind: PoseKind
    source: int
    """Index into the library's `sources`: whose legs, or whole pose, this is."""
    subject: int
    frame: int
    """Index in the capture as it was read."""
    upper_source: int
    upper_frame: int
    """Source and frame of the upper body; those of the legs unless recombined."""
    mirrored: bool


@dataclass(frozen=True)
class PoseLibrary:
    """Thinned and weighted poses of several captures."""

    sources: tuple[str, ...]
    directions: Float[np.ndarray, "poses 16 3"]
    """float32 unit vectors, y up, the hips along x (left is +x), so that all poses face +z."""
    cumulative_weight: Float[np.ndarray, " poses"]
    """float64, rising to 1."""
    cell: Int[np.ndarray, " poses"]
    """Cell of similar poses, numbered over all sources."""
    source: Int[np.ndarray, " poses"]
    subject: Int[np.ndarray, " poses"]
    frame: Int[np.ndarray, " poses"]
    limits: JointLimits
    arms: ArmBank
    mix: PoseMix

    @staticmethod
    def build(
        motions: list[tuple[Motion, float]],
        mix: PoseMix | None = None,
        *,
        limits: JointLimits | None = None,
        min_difference_deg: float = MIN_DIFFERENCE_DEG,
        cells: int = 256,
        evenness: float = 0.7,
        seed: int = 0,
    ) -> PoseLibrary:
        """The library of several captures.

        Args:
            motions: captures with their shares of all draws.
            mix: shares of kinds of poses; the default is `PoseMix()`.
            limits: joint limits; without them, those of the captures.
            min_difference_deg: frames closer than that are near-duplicates (`thinning`).
            cells: cells of similar poses per capture.
            evenness: a cell is drawn with its number of poses to the power of 1 - evenness: 0 draws thinned frames
                alike, 1 draws cells alike.
            seed: of the cells.

        Raises:
            ValueError: a capture has no frames, or none within the limits, or a share is not positive.
        """
        thin = []
        for motion, share in motions:
            if len(motion.joints_m) == 0 or share <= 0:
                raise ValueError(f"motion {motion.name} needs frames and a positive share; got {share}")
            thin.append(thinned(without_flips(motion), min_difference_deg))
        facing = [facing_directions(motion.joints_m) for motion in thin]
        limits = JointLimits.estimate(np.concatenate(facing)) if limits is None else limits
        parts = []
        for index, (motion, directions) in enumerate(zip(thin, facing, strict=True)):
            kept = possible(directions.astype(np.float64), limits, PoseKind.CAPTURED)
            if not kept.any():
                raise ValueError(f"motion {motion.name} has no pose within the joint limits")
            parts.append(
                _Part.of(index, motion.at(kept), directions[kept], motions[index][1], cells, evenness, seed)
            )
        total = np.cumsum(np.concatenate([part.weight for part in parts]))
        numbering = np.cumsum([0, *(part.cell.max() + 1 for part in parts[:-1])])
        directions = np.concatenate([part.directions for part in parts])
        return PoseLibrary(
            sources=tuple(motion.name for motion, _ in motions),
            directions=directions,
            cumulative_weight=total / total[-1],
            cell=np.concatenate([part.cell + offset for part, offset in zip(parts, numbering, strict=True)]),
            source=np.concatenate([part.source for part in parts]),
            subject=np.concatenate([part.subject for part in parts]),
            frame=np.concatenate([part.frame for part in parts]),
            limits=limits,
            arms=ArmBank.collect(directions.astype(np.float64)),
            mix=PoseMix() if mix is None else mix,
        )

    @property
    def weight(self) -> Float[np.ndarray, " poses"]:
        """Share of draws of each pose."""
        return np.diff(self.cumulative_weight, prepend=0.0)

    def draw(self, rng: np.random.Generator) -> DrawnPose:
        """One pose, within the joint limits and without deep penetration.

        Where `_ATTEMPTS` poses of the drawn kind are refused, which happens to libraries of few poses, a captured
        one is returned and called so.
        """
        mix = self.mix
        shares = np.cumsum([mix.captured, mix.recombined, mix.reoriented])
        kind = PoseKind(int(np.searchsorted(shares, rng.random(), side="right")))
        # drawn once, so that what is refused often does not get rarer
        posture, turn = draw_posture(rng), draw_turn(rng)
        for _ in range(_ATTEMPTS):
            drawn = self._attempt(rng, kind, posture, turn)
            if drawn is not None:
                return drawn
        return self._captured(rng)

    def digest(self) -> str:
        """SHA-256 of everything that draws depend on."""
        sha = hashlib.sha256(repr((self.sources, asdict(self.mix))).encode())
        for name, array in self._arrays().items():
            sha.update(f"{name}{array.dtype.str}{array.shape}".encode())
            sha.update(np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()

    def save(self, path: Path) -> None:
        """Write the library as one npz.

        Raises:
            OutputError: the file cannot be written.
        """
        mix = np.array(list(asdict(self.mix).values()))
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, sources=np.array(self.sources), mix=mix, **self._arrays())

    @staticmethod
    def load(path: Path) -> PoseLibrary:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing, damaged or no pose library.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {
                    name: file[name] for name in (*_ARRAYS, "feasible", "arms", "starts", "sources", "mix")
                }
            return PoseLibrary(
                sources=tuple(str(name) for name in arrays["sources"]),
                **{name: arrays[name] for name in _ARRAYS},
                limits=JointLimits(arrays["feasible"]),
                arms=ArmBank(arrays["arms"], arrays["starts"]),
                mix=PoseMix(*(float(value) for value in arrays["mix"])),
            )
        except (OSError, ValueError, KeyError, TypeError, BadZipFile, EOFError):
            raise InputError(
                f"cannot read the pose library {path}; expected a file that PoseLibrary.save wrote"
            ) from None

    def _arrays(self) -> dict[str, np.ndarray]:
        own = {name: getattr(self, name) for name in _ARRAYS}
        return own | {"feasible": self.limits.feasible, "arms": self.arms.arms, "starts": self.arms.starts}

    def _attempt(
        self, rng: np.random.Generator, kind: PoseKind, posture: LegPosture | None, turn: Turn
    ) -> DrawnPose | None:
        """A pose of that kind, or None where it is refused."""
        legs = self._index(rng)
        upper = legs
        facing = self._pose(legs)
        if kind == PoseKind.RECOMBINED or (kind == PoseKind.REORIENTED and rng.random() < 0.5):
            upper = self._index(rng)
            facing = recombined(facing, self._sided(rng, upper))
        if kind == PoseKind.ARTICULATED:
            facing = articulated(rng, facing, posture, self.arms, self.limits)
        facing = self._noisy(rng, facing)
        if not possible(facing[None], self.limits, kind)[0]:
            return None
        turned = reoriented(rng, facing, turn) if kind == PoseKind.REORIENTED else facing
        return None if turned is None else self._placed(rng, turned, kind, legs, upper)

    def _captured(self, rng: np.random.Generator) -> DrawnPose:
        pose = self._index(rng)
        return self._placed(rng, self._pose(pose), PoseKind.CAPTURED, pose, pose)

    def _index(self, rng: np.random.Generator) -> int:
        return min(
            int(np.searchsorted(self.cumulative_weight, rng.random(), side="right")), len(self.directions) - 1
        )

    def _pose(self, index: int) -> Float[np.ndarray, "16 3"]:
        return unit(self.directions[index].astype(np.float64))

    def _sided(self, rng: np.random.Generator, pose: int) -> Float[np.ndarray, "16 3"]:
        """The pose or its mirror image."""
        directions = self._pose(pose)
        return mirror(directions) if rng.random() < self.mix.mirrored else directions

    def _noisy(
        self, rng: np.random.Generator, directions: Float[np.ndarray, "16 3"]
    ) -> Float[np.ndarray, "16 3"]:
        noise = rng.normal(0.0, 1.0, directions.shape) * self.mix.direction_noise
        if self.mix.direction_noise > 0:
            noise[HEAD_BONES] *= self.mix.head_noise / self.mix.direction_noise
        # one axis through both hips, so that the pelvis stays between them
        noise[HIP_BONES[0]] = -noise[HIP_BONES[1]]
        return unit(directions + noise)

    def _placed(
        self,
        rng: np.random.Generator,
        facing: Float[np.ndarray, "16 3"],
        kind: PoseKind,
        legs: int,
        upper: int,
    ) -> DrawnPose:
        """The pose mirrored or not, with any heading."""
        mirrored = bool(rng.random() < self.mix.mirrored)
        directions = turned_about_up(mirror(facing) if mirrored else facing, rng.uniform(-np.pi, np.pi))
        return DrawnPose(
            directions=directions,
            kind=kind,
            source=int(self.source[legs]),
            subject=int(self.subject[legs]),
            frame=int(self.frame[legs]),
            upper_source=int(self.source[upper]),
            upper_frame=int(self.frame[upper]),
            mirrored=mirrored,
        )


_ARRAYS = tuple(
    field.name for field in fields(PoseLibrary) if field.name not in ("sources", "limits", "arms", "mix")
)


def possible(
    directions: Float[np.ndarray, "poses 16 3"], limits: JointLimits, kind: PoseKind
) -> Bool[np.ndarray, " poses"]:
    """Whether each pose is within the joint limits and free of deep penetration."""
    max_overlap = MAX_OVERLAP_CAPTURED if kind == PoseKind.CAPTURED else MAX_OVERLAP
    return limits.allow(directions) & ~deep_penetration(directions, max_overlap)


@dataclass(frozen=True)
class _Part:
    """One capture's poses."""

    directions: np.ndarray
    weight: np.ndarray
    cell: np.ndarray
    source: np.ndarray
    subject: np.ndarray
    frame: np.ndarray

    @staticmethod
    def of(
        index: int,
        motion: Motion,
        directions: np.ndarray,
        share: float,
        cells: int,
        evenness: float,
        seed: int,
    ) -> _Part:
        features = rounded_features(directions)
        cell = nearest(features, cell_centres(features, cells, seed))
        weight = np.bincount(cell)[cell].astype(np.float64) ** -evenness
        return _Part(
            directions=directions.astype(np.float32),
            weight=weight * (share / weight.sum()),
            cell=cell,
            source=np.full(len(cell), index),
            subject=motion.subject,
            frame=motion.frame_in_capture,
        )
