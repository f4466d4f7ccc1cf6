"""A simulated detector: where the joints are in the image -> the Gaussians that a fit of its heatmaps gives.

The model: a heatmap is the detector's blob, widened by where the joint may be. With S_e the covariance of
where it may be, the error of the mean is drawn from N(0, S_e) plus a small floor and a per-picture offset of
what the detector takes for the joint; the fitted covariance is blob + k S_e, with k random, since no real
detector is calibrated. The amplitude falls with the width as it does for BlazePose: measured on the sample
video with and without grey boxes over joints and with the lower body cut off (484 heatmaps of limbs), it is
1.22 / sigma^1.15 within about 12 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from poseterior.heatmaps.derive import covariance_shares, mpii_weights
from poseterior.skeleton import H36M_17, MPII_16, indices_of

LANDMARKS = (
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "nose",
    "left_ear",
    "right_ear",
)
"""What the simulated detector finds, as BlazePose does; the other joints of MPII-16 are derived from these."""

_FACE = np.array([name in ("nose", "left_ear", "right_ear") for name in LANDMARKS])
"""Their heatmaps are narrower and their errors smaller."""
_IN_SKELETON = indices_of(LANDMARKS[:12], H36M_17)

_OCCLUDED_TOGETHER = (
    *(((f"{side}_wrist",), 3.0) for side in ("left", "right")),
    *(((f"{side}_ankle",), 2.0) for side in ("left", "right")),
    *(((f"{side}_elbow", f"{side}_wrist"), 3.0) for side in ("left", "right")),
    *(((f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist"), 2.0) for side in ("left", "right")),
    *(((f"{side}_knee", f"{side}_ankle"), 2.0) for side in ("left", "right")),
    *(((f"{side}_hip", f"{side}_knee", f"{side}_ankle"), 1.0) for side in ("left", "right")),
    *((tuple(name for name in LANDMARKS if name.startswith(side)), 1.0) for side in ("left", "right")),
    (("left_knee", "right_knee", "left_ankle", "right_ankle"), 1.5),
    (("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"), 1.5),
    (("nose", "left_ear", "right_ear"), 1.0),
)
"""(landmarks behind one object, how often relative to the others)."""

_SWAPPED_TOGETHER = (
    ("hip", "knee", "ankle"),
    ("shoulder", "elbow", "wrist"),
    ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"),
)


@dataclass(frozen=True)
class SimulatedDetector:
    """Sizes in heatmap cells; the defaults are BlazePose full's on the sample video (64 x 64 cells)."""

    heatmap_cells: int = 64
    blob_cells: float = 1.22
    """Width of a heatmap whose joint is certain."""
    person_cells: tuple[float, float, float, float] = (42.0, 4.5, 28.0, 52.0)
    """Larger extent of the person in the heatmap: mean, standard deviation, lowest, highest."""
    definition_offset: float = 0.008
    """Offset of what is taken for the joint, drawn per picture and axis, relative to the person's extent."""
    error_floor_cells: float = 0.25
    clear_error_cells: float = 0.45
    """Median of sqrt(S_e) for a joint in plain sight."""
    hidden_error_cells: tuple[float, float] = (1.2, 5.5)
    """Range (log-uniform) for a joint that is occluded, or cut off by the image's border."""
    occluded_share: float = 0.45
    """Share of pictures in which an object hides a group of joints (and half of these a second group)."""
    cut_off_share: float = 0.15
    """Share of pictures whose border cuts the person."""
    missing_share: float = 0.01
    """Share of single joints that are missed altogether, whatever the reason."""
    swapped_share: float = 0.01
    """Share of pictures in which left and right are mistaken for each other, on the legs, the arms or both."""


@dataclass(frozen=True)
class SimulatedGaussians:
    """The Gaussians of many pictures, joints in MPII order (as `types.JointGaussians`, in cells)."""

    amplitude: Float[np.ndarray, "pictures 16"]
    mean_cell: Float[np.ndarray, "pictures 16 2"]
    covariance_cell2: Float[np.ndarray, "pictures 16 2 2"]


def landmarks_of(
    rng: np.random.Generator, joints_m: Float[np.ndarray, "poses 17 3"]
) -> Float[np.ndarray, "poses 15 3"]:
    """`LANDMARKS` of Human3.6M-17 joints (any frame): limbs as they are, ears and nose on a turned head."""
    thorax, head = (joints_m[:, H36M_17.index(name)] for name in ("thorax", "head"))
    left, right = (joints_m[:, H36M_17.index(f"{side}_shoulder")] for side in ("left", "right"))
    up = _unit(head - thorax)
    leftwards = _unit(left - right)
    forward = _unit(np.cross(leftwards, up))
    leftwards = np.cross(up, forward)
    turn = rng.normal(0.0, 0.45, (len(joints_m), 1))
    forward, leftwards = (
        np.cos(turn) * forward + np.sin(turn) * leftwards,
        np.cos(turn) * leftwards - np.sin(turn) * forward,
    )
    nod = rng.normal(0.0, 0.2, (len(joints_m), 1))
    forward, up = np.cos(nod) * forward + np.sin(nod) * up, np.cos(nod) * up - np.sin(nod) * forward
    # from the top of the head down to the ears, ear to ear, ears to nose
    size = np.exp(rng.normal(0.0, 0.07, (len(joints_m), 1)))
    ears = head - 0.13 * size * up
    face = [ears + size * (0.11 * forward - 0.01 * up), ears + 0.075 * leftwards, ears - 0.075 * leftwards]
    return np.concatenate([joints_m[:, _IN_SKELETON], np.stack(face, axis=1)], axis=1)


def detect(
    rng: np.random.Generator,
    landmarks_image: Float[np.ndarray, "pictures 15 2"],
    detector: SimulatedDetector,
) -> SimulatedGaussians:
    """What the simulated detector says of people whose landmarks are at these image points (any unit)."""
    return to_mpii(*_native(rng, landmarks_image, detector))


def to_mpii(
    amplitude: Float[np.ndarray, "pictures 15"],
    mean_cell: Float[np.ndarray, "pictures 15 2"],
    covariance_cell2: Float[np.ndarray, "pictures 15 2 2"],
) -> SimulatedGaussians:
    """Derives the joints that the detector lacks as `heatmaps.derive.mpii_gaussians` does, for many pictures."""
    weights = mpii_weights(LANDMARKS)
    smallest = [amplitude[:, weights[row] != 0].min(axis=1) for row in range(len(MPII_16))]
    flat = covariance_cell2.reshape(*covariance_cell2.shape[:2], 4)
    return SimulatedGaussians(
        amplitude=np.stack(smallest, axis=1),
        mean_cell=weights @ mean_cell,
        covariance_cell2=(covariance_shares(weights) @ flat).reshape(-1, len(MPII_16), 2, 2),
    )


def _native(
    rng: np.random.Generator, landmarks_image: np.ndarray, detector: SimulatedDetector
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amplitudes, means and covariances of `LANDMARKS`, in cells."""
    count = len(landmarks_image)
    cut_off = _cut_off(rng, landmarks_image, detector.cut_off_share)
    truth_cell, extent_cells = _crop(rng, landmarks_image, cut_off, detector)
    error_cells = _error_scale(rng, count, cut_off, detector)
    error_covariance = _anisotropic(rng, error_cells, 0.75)
    offset = rng.normal(0.0, 1.0, truth_cell.shape) * (detector.definition_offset * extent_cells)
    floor = rng.normal(0.0, detector.error_floor_cells, truth_cell.shape)
    mean_cell = _swapped(rng, truth_cell, detector.swapped_share) + offset + floor
    mean_cell += _draw(rng, error_covariance)

    blob_cells = detector.blob_cells * np.where(_FACE, 0.9, 1.0)
    blob = _anisotropic(rng, blob_cells * np.exp(rng.normal(0.0, 0.08, error_cells.shape)), 0.25)
    miscalibration = np.exp(rng.normal(0.0, 0.2, (count, 1)) + rng.normal(0.0, 0.2, error_cells.shape))
    covariance_cell2 = blob + miscalibration[..., None, None] ** 2 * error_covariance
    sigma = np.linalg.det(covariance_cell2) ** 0.25
    spread = rng.normal(0.0, 0.08, (count, 1)) + rng.normal(0.0, 0.09, sigma.shape)
    amplitude = 1.22 * sigma**-1.15 * np.exp(spread)

    last = detector.heatmap_cells - 1.0
    outside = ((mean_cell < -1.0) | (mean_cell > last + 1.0)).any(axis=-1)
    missing = outside | (rng.random(sigma.shape) < detector.missing_share)
    guess_error = rng.normal(0.0, 4.0, mean_cell.shape) * missing[..., None]
    width = rng.uniform(8.0, 32.0, sigma.shape)[..., None, None]
    amplitude = np.where(missing, rng.uniform(0.0, 0.08, sigma.shape), np.minimum(amplitude, 1.2))
    covariance_cell2 = np.where(missing[..., None, None], width**2 * np.eye(2), covariance_cell2)
    return amplitude, np.clip(mean_cell + guess_error, 0.0, last), covariance_cell2


def _cut_off(rng: np.random.Generator, points: np.ndarray, share: float) -> Bool[np.ndarray, "pictures 15"]:
    """Landmarks beyond the image's border: below it mostly, else left, right or above."""
    count = len(points)
    inward = np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0], [0.0, -1.0]])
    direction = inward[rng.choice(4, count, p=[0.7, 0.1, 0.1, 0.1])]
    along = (points * direction[:, None]).sum(axis=-1)
    low, high = along.min(axis=1), along.max(axis=1)
    border = high - rng.uniform(0.05, 0.55, count) * (high - low)
    return (along > border[:, None]) & (rng.random(count) < share)[:, None]


def _crop(
    rng: np.random.Generator, points: np.ndarray, cut_off: np.ndarray, detector: SimulatedDetector
) -> tuple[np.ndarray, np.ndarray]:
    """Points in cells of a crop around the person, or more or less around the visible part; and its extent."""
    count = len(points)
    visible = ~cut_off[..., None]
    low = np.where(visible, points, np.inf).min(axis=1)
    high = np.where(visible, points, -np.inf).max(axis=1)
    included = rng.random((count, 1))
    low += included * (points.min(axis=1) - low)
    high += included * (points.max(axis=1) - high)
    mean, std, smallest, largest = detector.person_cells
    extent_cells = np.clip(rng.normal(mean, std, count), smallest, largest)
    scale = extent_cells / np.maximum((high - low).max(axis=1), 1e-9)
    centre = (detector.heatmap_cells - 1) / 2 + rng.normal(0.0, 2.0, (count, 1, 2))
    return (points - (low + high)[:, None] / 2) * scale[:, None, None] + centre, extent_cells[:, None, None]


def _error_scale(
    rng: np.random.Generator, count: int, cut_off: np.ndarray, detector: SimulatedDetector
) -> Float[np.ndarray, "pictures 15"]:
    """sqrt(S_e) in cells, per joint."""
    shape = (count, len(LANDMARKS))
    spread = rng.normal(0.0, 0.25, (count, 1)) + rng.normal(0.0, 0.4, shape)
    clear = detector.clear_error_cells * np.exp(spread) * np.where(_FACE, 0.7, 1.0)
    low, high = np.log(detector.hidden_error_cells)
    # one object hides its joints about equally well
    hidden = np.exp(rng.uniform(low, high, (count, 1)) + rng.normal(0.0, 0.25, shape))
    error = np.where(_occluded(rng, count, detector.occluded_share), np.maximum(clear, hidden), clear)
    beyond = np.exp(rng.uniform(np.log(2.0), high, (count, 1)) + rng.normal(0.0, 0.2, shape))
    return np.where(cut_off, np.maximum(error, beyond), error)


def _occluded(rng: np.random.Generator, count: int, share: float) -> Bool[np.ndarray, "pictures 15"]:
    groups = np.array([[name in group for name in LANDMARKS] for group, _ in _OCCLUDED_TOGETHER])
    often = np.array([weight for _, weight in _OCCLUDED_TOGETHER])
    first, second = (groups[rng.choice(len(groups), count, p=often / often.sum())] for _ in range(2))
    has_first = rng.random(count) < share
    has_second = has_first & (rng.random(count) < 0.5)
    return (first & has_first[:, None]) | (second & has_second[:, None])


def _swapped(rng: np.random.Generator, points: np.ndarray, share: float) -> np.ndarray:
    swapped = points.copy()
    chosen = np.where(
        rng.random(len(points)) < share, rng.integers(0, len(_SWAPPED_TOGETHER), len(points)), -1
    )
    for index, kinds in enumerate(_SWAPPED_TOGETHER):
        left, right = ([LANDMARKS.index(f"{side}_{kind}") for kind in kinds] for side in ("left", "right"))
        rows = np.flatnonzero(chosen == index)[:, None]
        swapped[rows, left], swapped[rows, right] = points[rows, right], points[rows, left]
    return swapped


def _anisotropic(rng: np.random.Generator, scale: np.ndarray, spread: float) -> np.ndarray:
    """Covariances with sqrt of determinant `scale` ** 2, random axes and axis ratio exp|N(0, spread)|."""
    ratio = np.exp(np.abs(rng.normal(0.0, spread, scale.shape)))
    twice_angle = rng.uniform(0.0, 2 * np.pi, scale.shape)
    large, small = scale**2 * ratio, scale**2 / ratio
    middle, radius = (large + small) / 2, (large - small) / 2
    cos, sin = radius * np.cos(twice_angle), radius * np.sin(twice_angle)
    return np.stack([middle + cos, sin, sin, middle - cos], axis=-1).reshape(*scale.shape, 2, 2)


def _draw(rng: np.random.Generator, covariance: np.ndarray) -> np.ndarray:
    """One draw from N(0, covariance) each, by the 2 x 2 Cholesky factor."""
    first, second = rng.normal(size=(2, *covariance.shape[:-2]))
    root = np.sqrt(covariance[..., 0, 0])
    shear = covariance[..., 0, 1] / root
    rest = np.sqrt(np.maximum(covariance[..., 1, 1] - shear**2, 0.0))
    return np.stack([root * first, shear * first + rest * second], axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
