"""What every lifting method looks like from outside: the same inputs, seeds, frames and units; free of torch.

A method is given a picture's 2D pose and condition and returns hypotheses. `evaluate` and `compare` know nothing
else of it.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, Float64, Int


class LiftingInputs(NamedTuple):
    """What a method may see of each picture (flow frame, `geometry.normalise`)."""

    y: Float32[np.ndarray, "pictures 32"]
    """Normalised 2D joints of MPII-16."""
    condition: Float32[np.ndarray, "pictures 78"]
    """Fitted Gaussians of 13 joints (`heatmaps.condition`), in the variant that the method asks for."""
    picture: Int[np.ndarray, " pictures"]
    """Number of each picture in its set, from 0: with the seed it decides the noise, so that a picture's
    hypotheses do not depend on which others are lifted with it."""


class Draws(NamedTuple):
    """Hypotheses of many pictures."""

    vectors: Float32[np.ndarray, "pictures hypotheses 48"]
    """Metres, flow frame, axis-major, mean-centred (`geometry.normalise.pose_from_vector` makes poses of them)."""
    log_prob: Float64[np.ndarray, "pictures hypotheses"] | None
    """log p(x | picture) in nats on the 45-dimensional space of centred poses in metres; None where the method
    has no such density, or asking it of every hypothesis is too dear (`log_prob` still answers then)."""


@runtime_checkable
class LiftingModel(Protocol):
    """A trained method, ready to lift."""

    @property
    def name(self) -> str:
        """For reports and tables."""
        ...

    @property
    def identity(self) -> dict[str, str]:
        """What tells this model from others in a report: method, SHA-256 of the weights, detector profile, ..."""
        ...

    @property
    def detector_profile(self) -> str:
        """Name of the profile of the detections that it was trained on."""
        ...

    @property
    def condition_variant(self) -> str:
        """Of `heatmaps.condition`."""
        ...

    @property
    def num_parameters(self) -> int:
        """Trained numbers."""
        ...

    @property
    def gives_log_prob(self) -> bool:
        """Whether `log_prob` can be asked."""
        ...

    def single(self, inputs: LiftingInputs) -> Float32[np.ndarray, "pictures 48"]:
        """The method's single answer per picture: z = 0 of a flow, the regression of a regressor, the mean of the
        heaviest kernel of a mixture."""
        ...

    def sample(self, inputs: LiftingInputs, num_samples: int, seed: int) -> Draws:
        """Independent hypotheses; a pure function of each picture's inputs and number and of the seed."""
        ...

    def log_prob(
        self, inputs: LiftingInputs, vectors: Float[np.ndarray, "pictures poses 48"]
    ) -> Float64[np.ndarray, "pictures poses"]:
        """log p(x | picture) as in `Draws`.

        Raises:
            ModelError: the method has no such density (`gives_log_prob`).
        """
        ...


def picture_noise(
    picture: Int[np.ndarray, " pictures"], num_samples: int, size: int, seed: int
) -> Float32[np.ndarray, "pictures hypotheses size"]:
    """Standard normal numbers of each picture, from its number and the seed alone.

    More samples begin with the same ones.
    """
    noise = np.empty((len(picture), num_samples, size), np.float32)
    for row, number in enumerate(picture.tolist()):
        np.random.default_rng([seed, number]).standard_normal(dtype=np.float32, out=noise[row])
    return noise
