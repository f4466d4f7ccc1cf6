"""A flow bundle as a lifting method, on ONNX Runtime; free of torch."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Float64

from poseterior.errors import ModelError
from poseterior.flow.model_card import WEIGHTS_FILE
from poseterior.flow.runtime import FEW_HYPOTHESES, FlowRuntime
from poseterior.flow.tensor_file import read_spans
from poseterior.models.interface import Draws, LiftingInputs, picture_noise

_NOT_TRAINED = ("scale",)
"""Stored beside the weights, but set from the data's spread."""


class FlowLifter:
    """A flow of either family; only the posterior family has a density of all poses (METHOD section 9)."""

    def __init__(self, runtime: FlowRuntime, folder: Path) -> None:
        """Put the interface round a flow whose bundle is in `folder`."""
        self._runtime = runtime
        spans = read_spans((folder / WEIGHTS_FILE).read_bytes(), folder / WEIGHTS_FILE)
        self._num_parameters = sum(
            prod(span.shape) for name, span in spans.items() if name not in _NOT_TRAINED
        )

    @classmethod
    def load(cls, folder: Path, *, num_threads: int = 0) -> FlowLifter:
        """Opens and verifies the bundle; `num_threads` 0 takes all cores of this process.

        Raises:
            ModelError: the bundle is missing, damaged, of another format, or not accepted by ONNX Runtime.
        """
        return cls(FlowRuntime.load(folder, num_threads=num_threads), folder)

    @property
    def name(self) -> str:
        """As the card says."""
        return self._runtime.card.name

    @property
    def identity(self) -> dict[str, str]:
        """Of the card."""
        card = self._runtime.card
        return {
            "method": f"flow-{card.family}",
            "weights_sha256": card.weights_sha256,
            "detector_profile": card.detector_profile,
            "condition_variant": card.condition_variant,
            "stand_in": "yes" if card.stand_in else "no",
        }

    @property
    def detector_profile(self) -> str:
        """Of the card."""
        return self._runtime.card.detector_profile

    @property
    def condition_variant(self) -> str:
        """Of the card."""
        return self._runtime.card.condition_variant

    @property
    def num_parameters(self) -> int:
        """Trained numbers, the condition's encoder included."""
        return self._num_parameters

    @property
    def gives_log_prob(self) -> bool:
        """True for the posterior family."""
        return self._runtime.card.family == "posterior"

    def single(self, inputs: LiftingInputs) -> Float32[np.ndarray, "pictures 48"]:
        """The pose at latent zero."""
        # repeated, so that every picture is a call of its own and none depends on which others come with it
        zeros = np.zeros((len(inputs.picture), FEW_HYPOTHESES, self._runtime.latent_size), np.float32)
        return self._runtime.vectors(zeros, inputs.y, inputs.condition)[:, 0]

    def sample(self, inputs: LiftingInputs, num_samples: int, seed: int) -> Draws:
        """Latents from N(0, I), by `picture_noise`."""
        latents = picture_noise(inputs.picture, num_samples, self._runtime.latent_size, seed)
        if not self.gives_log_prob:
            return Draws(self._runtime.vectors(latents, inputs.y, inputs.condition), None)
        return Draws(*self._runtime.inverse(latents, inputs.y, inputs.condition))

    def log_prob(
        self, inputs: LiftingInputs, vectors: Float[np.ndarray, "pictures poses 48"]
    ) -> Float64[np.ndarray, "pictures poses"]:
        """Exact log-density, nats, poses in metres.

        Raises:
            ModelError: the flow is of the bijective family.
        """
        if not self.gives_log_prob:
            raise ModelError(
                f"model {self.name} is of the bijective family, which has no density of all poses; "
                "expected one of the posterior family"
            )
        return self._runtime.forward(vectors, inputs.y, inputs.condition)[1]
