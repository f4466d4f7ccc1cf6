"""Made-up but plausible hypotheses of one person, for tests that need no detector and no model."""

from __future__ import annotations

import numpy as np

from poseterior.hypotheses import Hypotheses
from poseterior.skeleton import H36M_17, H36M_BONES, MPII_16, bone_indices, indices_of
from poseterior.types import Detection, DetectorProfile, FitStatus, JointGaussians, PersonBox

STANDING_M = {
    "pelvis": (0.0, 0.0, 0.0),
    "right_hip": (-0.13, 0.01, 0.02),
    "right_knee": (-0.17, 0.44, -0.04),
    "right_ankle": (-0.20, 0.86, 0.06),
    "left_hip": (0.13, -0.01, -0.02),
    "left_knee": (0.18, 0.42, -0.06),
    "left_ankle": (0.21, 0.85, 0.05),
    "spine": (0.01, -0.24, 0.01),
    "thorax": (0.02, -0.48, 0.03),
    "neck": (0.02, -0.58, -0.02),
    "head": (0.02, -0.72, 0.00),
    "left_shoulder": (0.18, -0.45, 0.01),
    "left_elbow": (0.34, -0.24, 0.06),
    "left_wrist": (0.47, -0.38, -0.10),
    "right_shoulder": (-0.15, -0.46, 0.04),
    "right_elbow": (-0.27, -0.21, 0.10),
    "right_wrist": (-0.30, 0.03, -0.02),
}
"""Camera frame, metres, facing the camera (so the person's left is at the image's right)."""

_NOISE_PER_AXIS = np.array([0.035, 0.035, 0.14])
"""How far a bone's direction varies in x, y and depth: mostly along the line of sight."""


def synthetic_hypotheses(
    num: int = 200,
    seed: int = 0,
    *,
    pose_m: np.ndarray | None = None,
    image_width_px: int = 960,
    image_height_px: int = 540,
    pelvis_px: tuple[float, float] = (480.0, 290.0),
    pixels_per_metre: float = 230.0,
    image_name: str = "synthetic.png",
) -> Hypotheses:
    """Hypotheses around a pose (17, 3; default: standing) with its bones' lengths, and their detection."""
    rng = np.random.default_rng(seed)
    mode_m = np.array([STANDING_M[name] for name in H36M_17]) if pose_m is None else pose_m
    latents = rng.standard_normal((num, 3 * len(H36M_BONES)))
    poses_m = poses_from_latents(mode_m, latents)
    box = _box(mode_m, pelvis_px, pixels_per_metre)
    gaussians = _gaussians(mode_m, box, pelvis_px, pixels_per_metre, rng)
    return Hypotheses(
        poses_m=poses_m.astype(np.float32),
        log_prob=40.0 - 0.5 * (latents**2).sum(axis=1),
        latents=latents,
        mode_m=mode_m.astype(np.float32),
        mode_log_prob=40.0,
        log_prob_kind="posterior",
        detection=Detection(
            profile=DetectorProfile("synthetic", 64, 64, 1.3, MPII_16),
            box=box,
            native_gaussians=gaussians,
            gaussians=gaussians,
            image_width_px=image_width_px,
            image_height_px=image_height_px,
            score=0.9,
            timings_ms={"heatmaps": 12.5},
        ),
        image_name=image_name,
        settings={"seed": seed, "num_samples": num, "model": "synthetic", "stand_in": True},
        timings_ms={"flow": 3.25},
    )


def poses_from_latents(mode_m: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """(hypotheses, 17, 3): each bone's direction disturbed by its three latents, its length kept."""
    noise = latents.reshape(len(latents), len(H36M_BONES), 3) * _NOISE_PER_AXIS
    poses_m = np.zeros((len(latents), len(H36M_17), 3))
    for bone, (parent, child) in enumerate(bone_indices(H36M_BONES, H36M_17)):
        offset = mode_m[child] - mode_m[parent]
        length = np.linalg.norm(offset)
        direction = offset / length + noise[:, bone]
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        poses_m[:, child] = poses_m[:, parent] + length * direction
    return poses_m


def synthetic_image(height_px: int = 540, width_px: int = 960) -> np.ndarray:
    """(height, width, 3) uint8: a plain room, lighter at the top, with a floor."""
    image = np.empty((height_px, width_px, 3), np.uint8)
    image[:] = np.linspace(205, 150, height_px)[:, None, None]
    image[int(0.85 * height_px) :] = (120, 110, 95)
    return image


def _box(mode_m: np.ndarray, pelvis_px: tuple[float, float], pixels_per_metre: float) -> PersonBox:
    joints_px = mode_m[:, :2] * pixels_per_metre + pelvis_px
    x_px, y_px = joints_px.min(axis=0) - 0.1 * pixels_per_metre
    width_px, height_px = np.ptp(joints_px, axis=0) + 0.2 * pixels_per_metre
    return PersonBox(float(x_px), float(y_px), float(width_px), float(height_px), "detector", 0.95)


def _gaussians(
    mode_m: np.ndarray,
    box: PersonBox,
    pelvis_px: tuple[float, float],
    pixels_per_metre: float,
    rng: np.random.Generator,
) -> JointGaussians:
    """The projected mode as a detector would see it: confident but for the arms, the left wrist worst."""
    side_px = 1.25 * max(box.width_px, box.height_px)
    cell_px = side_px / 64
    corner_px = np.array(box.centre_px) - side_px / 2
    joints_px = mode_m[indices_of(MPII_16, H36M_17), :2] * pixels_per_metre + pelvis_px
    sigma_cell = np.full((16, 2), 1.3) * rng.uniform(0.9, 1.2, (16, 2))
    sigma_cell[MPII_16.index("right_wrist")] = (2.2, 1.4)
    sigma_cell[MPII_16.index("left_elbow")] = (2.6, 1.5)
    sigma_cell[MPII_16.index("left_wrist")] = (4.4, 1.9)
    angle = rng.uniform(0, np.pi, 16)
    cosine, sine = np.cos(angle), np.sin(angle)
    axes = np.stack([cosine, -sine, sine, cosine], axis=-1).reshape(16, 2, 2)
    return JointGaussians(
        joint_names=MPII_16,
        amplitude=np.clip(1.3 / sigma_cell[:, 0], 0.2, 1.0),
        mean_cell=(joints_px - corner_px) / cell_px,
        covariance_cell2=(axes * sigma_cell[:, None, :] ** 2) @ axes.swapaxes(-1, -2),
        rmse=np.full(16, 0.01),
        status=np.full(16, FitStatus.CONVERGED, np.uint8),
        pixel_from_cell=np.array([[cell_px, 0.0, corner_px[0]], [0.0, cell_px, corner_px[1]]]),
    )
