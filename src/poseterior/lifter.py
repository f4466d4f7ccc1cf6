"""The front door: a picture in, hypotheses out, without torch.

source -> person box -> detector heatmaps -> 2D Gaussians -> condition -> flow^-1(noise) -> hypotheses
"""

from __future__ import annotations

import platform
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

import poseterior
from poseterior.detect.base import Detector
from poseterior.detect.registry import DEFAULT_DETECTOR, create_detector
from poseterior.errors import InputError, ModelError
from poseterior.flow.runtime import FlowRuntime
from poseterior.geometry.normalise import pose_from_vector
from poseterior.heatmaps.condition import condition_of
from poseterior.hypotheses import Hypotheses
from poseterior.sources.expand import read_picture
from poseterior.sources.image import check_size
from poseterior.types import Detection, DetectorProfile, PersonBox
from poseterior.weights import DEFAULT_MODEL, model_folder

MAX_SAMPLES = 100_000


class Lifter:
    """Lifts pictures of a person to posterior samples of their 3D pose.

    Example:
        >>> lifter = Lifter.load()
        >>> hypotheses = lifter("photo.jpg", num_samples=200, seed=0)
        >>> hypotheses.poses_m.shape
        (200, 17, 3)
    """

    def __init__(self, flow: FlowRuntime, detector: Detector, model_name: str) -> None:
        """Put a flow behind a detector.

        Raises:
            ModelError: the flow was trained for another detector profile.
        """
        _require_profile(flow, detector.profile, model_name)
        self.flow = flow
        self.detector = detector
        self.model_name = model_name

    @classmethod
    def load(
        cls, model: str | Path = DEFAULT_MODEL, *, detector: str = DEFAULT_DETECTOR, num_threads: int = 2
    ) -> Lifter:
        """Load a bundled model by name, or one from its folder, and a detector by name.

        Raises:
            ModelError: no such model, damaged files, or a model made for another detector.
            InputError: no such detector, or a number of threads below 1.
            AssetError: the detector's files are neither here nor to be fetched.
        """
        if num_threads < 1:
            raise InputError(f"num_threads is {num_threads}; expected 1 or more")
        flow = FlowRuntime.load(model_folder(model), num_threads=num_threads)
        return cls(flow, create_detector(detector, num_threads), str(model))

    def __call__(
        self,
        picture: str | Path | UInt8[np.ndarray, "height width 3"],
        *,
        num_samples: int = 200,
        seed: int = 0,
        box: PersonBox | None = None,
        name: str | None = None,
    ) -> Hypotheses:
        """Lift one picture: a path, or RGB values.

        Args:
            picture: a path (`video.mp4#120` for a frame) or uint8 RGB, (height, width, 3).
            num_samples: how many hypotheses to draw.
            seed: of the drawn noise, 0 or more; the same seed gives the same hypotheses, whatever else was
                lifted.
            box: the person, in image pixels; found by the detector when None.
            name: what the picture is called in messages and results; its path, or "the array", when None.

        Raises:
            InputError: the picture, the box, `num_samples` or `seed` cannot be used.
            NoPersonError: nobody was found.
        """
        _check_draw(num_samples, seed)
        started = time.perf_counter()
        if isinstance(picture, np.ndarray):
            _check_pixels(picture)
            image, name = picture, name or "the array"
            read_ms = {}
        else:
            image, name = read_picture(picture), name or str(picture)
            read_ms = {"read": 1e3 * (time.perf_counter() - started)}
        detection = self.detector.detect(image, box, name=name)
        detection = replace(detection, timings_ms=read_ms | detection.timings_ms)
        return self.lift_detection(detection, name, num_samples=num_samples, seed=seed)

    def lift_detection(
        self, detection: Detection, image_name: str = "the array", *, num_samples: int = 200, seed: int = 0
    ) -> Hypotheses:
        """Draw hypotheses for a person who has been detected already.

        Raises:
            InputError: a number of samples below 1 or above `MAX_SAMPLES`, a negative seed, or heatmaps that
                held NaN.
            ModelError: the detection comes from another detector than the flow was trained for.
        """
        _check_draw(num_samples, seed)
        _require_profile(self.flow, detection.profile, self.model_name)
        started = time.perf_counter()
        y, condition = condition_of(detection.gaussians, detection.profile, self.flow.card.condition_variant)
        latents = _latents(num_samples, self.flow.latent_size, seed)
        vectors, log_prob = self.flow.inverse(
            latents[None], y[None].astype(np.float32), condition[None].astype(np.float32)
        )
        poses_m = pose_from_vector(vectors[0]).astype(np.float32)
        flow_ms = 1e3 * (time.perf_counter() - started)
        return Hypotheses(
            poses_m=poses_m[1:],
            mode_m=poses_m[0],
            log_prob=log_prob[0, 1:].astype(np.float64),
            mode_log_prob=float(log_prob[0, 0]),
            log_prob_kind=self.flow.card.log_prob_kind,
            latents=latents[1:],
            detection=detection,
            image_name=image_name,
            settings=self._settings(detection, num_samples, seed),
            timings_ms={**detection.timings_ms, "flow": flow_ms},
        )

    def _settings(self, detection: Detection, num_samples: int, seed: int) -> dict:
        return {
            "seed": seed,
            "num_samples": num_samples,
            "model": self.model_name,
            "model_sha256": self.flow.card.weights_sha256,
            "stand_in": self.flow.card.stand_in,
            "detector": detection.profile.name,
            "poseterior": poseterior.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        }


def _latents(num_samples: int, latent_size: int, seed: int) -> Float[np.ndarray, "hypotheses latent"]:
    """Zero first (the mode), then `num_samples` draws from N(0, I)."""
    drawn = np.random.default_rng(seed).standard_normal((num_samples, latent_size), dtype=np.float32)
    return np.concatenate([np.zeros((1, latent_size), np.float32), drawn])


def _check_draw(num_samples: int, seed: int) -> None:
    if not 1 <= num_samples <= MAX_SAMPLES:
        raise InputError(f"num_samples is {num_samples}; expected 1 to {MAX_SAMPLES}")
    if seed < 0:
        raise InputError(f"seed is {seed}; expected 0 or more")


def _check_pixels(image: np.ndarray) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(
            f"the array has dtype {image.dtype} and shape {image.shape}; expected uint8 RGB, (height, width, 3)"
        )
    check_size("the array", image.shape[1], image.shape[0])


def _require_profile(flow: FlowRuntime, given: DetectorProfile, model_name: str) -> None:
    wanted = flow.card.detector_profile
    if wanted != given.name:
        raise ModelError(
            f"model {model_name} was trained for the detector profile {wanted}, not for {given.name}; "
            f"choose a detector with the profile {wanted} or a model trained for {given.name}"
        )
