"""A method's samples, weighted by ordinal depths, as its single answer: an oracle, since the depths are the truth's.

The last step of Sharma et al. (ICCV 2019), OrdinalScore; theirs takes the relations from a network that sees the
image (`models.cvae`).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Float64

from poseterior.models.cvae import ordinal_relations, ordinal_weighted_mean
from poseterior.models.interface import Draws, LiftingInputs, LiftingModel
from poseterior.models.wrapped_lifter import WrappedLifter


class OrdinalAnswer(WrappedLifter):
    """A `LiftingModel` that is another one in all but its single answer."""

    def __init__(
        self, model: LiftingModel, truth: Float[np.ndarray, "pictures 48"], num_samples: int, seed: int
    ) -> None:
        """Weigh the samples of `model`.

        Args:
            model: gives the samples.
            truth: poses of every picture of the set, by its number; metres, flow frame.
            num_samples: that are weighed.
            seed: of the samples.
        """
        super().__init__(model)
        self._num_samples, self._seed = num_samples, seed
        self._relations = ordinal_relations(truth)

    @property
    def name(self) -> str:
        """After the model."""
        return f"{self._model.name}, ordinal ranking by the truth"

    @property
    def identity(self) -> dict[str, str]:
        """The model's, and that an oracle answers."""
        return {**self._model.identity, "single_answer": "oracle: ordinal ranking by the truth"}

    @property
    def gives_log_prob(self) -> bool:
        """The model's."""
        return self._model.gives_log_prob

    def single(self, inputs: LiftingInputs) -> Float32[np.ndarray, "pictures 48"]:
        """**Oracle**: the weighted mean of the samples (`cvae.ordinal_weighted_mean`)."""
        samples = self._model.sample(inputs, self._num_samples, self._seed).vectors
        return ordinal_weighted_mean(samples, self._relations[inputs.picture]).astype(np.float32)

    def sample(self, inputs: LiftingInputs, num_samples: int, seed: int) -> Draws:
        """The model's."""
        return self._model.sample(inputs, num_samples, seed)

    def log_prob(
        self, inputs: LiftingInputs, vectors: Float[np.ndarray, "pictures poses 48"]
    ) -> Float64[np.ndarray, "pictures poses"]:
        """The model's; raises ModelError where it has none."""
        return self._model.log_prob(inputs, vectors)
