"""A set whose posterior is known in closed form, models that are right or wrong about it, and a small synth folder."""

from dataclasses import dataclass

import numpy as np

from poseterior.data.evaluation_set import EvaluationSet
from poseterior.data.synthesis.folder import Request, SynthFolder
from poseterior.data.synthesis.shards import make_shard
from poseterior.errors import ModelError
from poseterior.flow.centred import centred_basis
from poseterior.geometry.normalise import pose_from_vector
from poseterior.heatmaps.derive_batch import MpiiGaussians
from poseterior.models.interface import Draws, picture_noise
from poseterior.skeleton import BLAZEPOSE_33, MPII_16
from poseterior.types import DetectorProfile

PROFILE = DetectorProfile("toy-detector", 64, 64, 1.5, MPII_16)
BASIS = centred_basis()
_MIDDLE_M = 0.25 * np.random.default_rng(99).standard_normal(45)


def root_m(scale=1.0):
    """Cholesky factor of the posterior's covariance in the coordinates of BASIS, metres; far from round."""
    rng = np.random.default_rng(5)
    mixing = rng.standard_normal((45, 6)) * 0.05
    return scale * np.linalg.cholesky(mixing @ mixing.T + 0.02**2 * np.eye(45))


def mean_m(y):
    """The posterior's mean in these coordinates: it depends on the 2D pose."""
    seen = np.random.default_rng(6).standard_normal((32, 45)) * 0.03
    return _MIDDLE_M + y.astype(np.float64) @ seen


@dataclass(frozen=True)
class GaussianLifter:
    """Believes the posterior to be Gaussian, `scale` times as wide as it is, and off by `shift_m` in head's depth."""

    scale: float = 1.0
    shift_m: float = 0.0
    name: str = "toy"
    detector_profile: str = PROFILE.name
    condition_variant: str = "paper"
    num_parameters: int = 0
    gives_log_prob: bool = True

    @property
    def identity(self):
        return {"method": "toy", "weights_sha256": "0" * 64}

    def _mean(self, inputs):
        shift = np.zeros(48)
        shift[32 + 9] = self.shift_m
        return mean_m(inputs.y) + shift @ BASIS

    def single(self, inputs):
        return (self._mean(inputs) @ BASIS.T).astype(np.float32)

    def sample(self, inputs, num_samples, seed):
        noise = picture_noise(inputs.picture, num_samples, 45, seed).astype(np.float64)
        coordinates = self._mean(inputs)[:, None] + noise @ root_m(self.scale).T
        vectors = (coordinates @ BASIS.T).astype(np.float32)
        return Draws(vectors, self._log_prob(coordinates, inputs) if self.gives_log_prob else None)

    def log_prob(self, inputs, vectors):
        if not self.gives_log_prob:
            raise ModelError("no density")
        return self._log_prob(vectors @ BASIS, inputs)

    def _log_prob(self, coordinates, inputs):
        root = root_m(self.scale)
        white = np.linalg.solve(root, np.swapaxes(coordinates - self._mean(inputs)[:, None], 1, 2))
        log_det = np.log(np.diag(root)).sum()
        return -0.5 * (white**2).sum(axis=1) - log_det - 22.5 * np.log(2 * np.pi)


def toy_set(pictures=300, seed=0, sequences=None, **changes):
    """Truths drawn from the posterior of `GaussianLifter()`; every third picture is ambiguous."""
    rng = np.random.default_rng(seed)
    mean_cell = 32 + 10 * rng.standard_normal((pictures, 16, 2))
    covariance = np.tile(1.5**2 * np.eye(2), (pictures, 16, 1, 1))
    covariance[::3, 10] = [[20.0, 3.0], [3.0, 6.0]]
    sequence = np.arange(pictures) % (sequences or pictures)
    fields = {
        "name": "toy-set",
        "joints_m": np.zeros((pictures, 17, 3)),
        "has_joint": np.ones((pictures, 17), bool),
        "gaussians": MpiiGaussians(np.ones((pictures, 16)), mean_cell, covariance),
        "profile": PROFILE,
        "metres_per_cell": np.full(pictures, 0.03),
        "subject": ("somebody",) * pictures,
        "action": tuple(("walking", "sitting")[row % 2] for row in range(pictures)),
        "camera": ("front",) * pictures,
        "sequence": tuple(f"sequence-{number}" for number in sequence.tolist()),
        "frame": np.zeros(pictures, np.int64),
        "image_path": (None,) * pictures,
        "checksum": "1" * 64,
    }
    blind = EvaluationSet(**fields)
    coordinates = mean_m(blind.inputs().y) + rng.standard_normal((pictures, 45)) @ root_m().T
    joints_m = pose_from_vector(coordinates @ BASIS.T) + np.array([0.3, -0.2, 4.0])
    return EvaluationSet(**{**fields, "joints_m": joints_m, **changes})


class SynthMaker:
    """Makes the fields of a synth folder that an evaluation reads, without bodies or pictures."""

    def __init__(self, detector_name="toy-detector", nan_at=None):
        self._detector_name, self._nan_at = detector_name, nan_at

    def identity(self):
        detector = {
            "name": self._detector_name,
            "heatmap_height": 64,
            "heatmap_width": 64,
            "sigma_confident_cells": 1.23,
            "joint_names": list(BLAZEPOSE_33),
        }
        return {"seed": 0, "licence": "toy", "packages": {}, "detector": detector}

    def warm_up(self):
        pass

    def sample(self, split, index):
        rng = np.random.default_rng((len(split), index))
        joints_m = rng.normal(size=(17, 3)) * [0.2, 0.5, 0.2] + [0.0, 0.0, 4.0]
        if index == self._nan_at:
            joints_m[3, 1] = np.nan
        floats = {
            "joints_m": joints_m,
            "joints_px": 144 + 300 * joints_m[:, :2] / joints_m[:, 2:],
            "focal_px": 300.0,
            "amplitude": np.ones(33),
            "mean_cell": rng.uniform(10, 54, (33, 2)),
            "covariance_cell2": np.tile([1.5, 0.1, 1.4], (33, 1)) * rng.uniform(1, 12),
            "pixel_from_cell": [[4.5, 0.0, 3.0], [0.0, 4.5, -2.0]],
        }
        counts = {
            "visibility": np.arange(17, dtype=np.uint8) % 4,
            "camera_family": np.uint8(index % 2),
            "pose_kind": np.uint8(index % 4),
            "camera": np.int32(index),
            "pose_source": np.int32(0),
            "pose_subject": np.int32(2),
            "pose_frame": np.int32(50 * index),
        }
        return {
            **{name: np.asarray(value, np.float32) for name, value in floats.items()},
            **{name: np.asarray(value) for name, value in counts.items()},
        }


def write_synth_folder(folder, leave_out=(), counts=None, **of_maker):
    """A set as `poseterior synth` writes it; returns the folder."""
    folder.mkdir()
    maker = SynthMaker(**of_maker)
    counts = counts or {"train": 3, "validation": 4, "test": 12}
    made = SynthFolder(folder, Request(counts, 5, False))
    for task in made.begin(maker.identity()):
        if task.file not in leave_out:
            made.add(task, make_shard(maker, task, pictures=False))
    return folder
