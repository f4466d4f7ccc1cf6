"""Any compared network as a `LiftingModel` (torch)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from poseterior.errors import ModelError
from poseterior.models.interface import Draws, LiftingInputs, picture_noise
from poseterior.models.network_lifter import NetworkLifter


class ModelFacts(NamedTuple):
    """What a network does not know of itself."""

    name: str
    weights_sha256: str
    detector_profile: str
    condition_variant: str


class TorchLifter:
    """Lifts picture by picture, so that no answer depends on which others are asked for with it."""

    def __init__(self, network: NetworkLifter, facts: ModelFacts, device: str = "cpu") -> None:
        """Put the interface round a network, which is brought to `device` and into eval mode."""
        self.network = network.to(device).eval()
        self._facts = facts
        self._device = torch.device(device)

    @property
    def name(self) -> str:
        """As the facts say."""
        return self._facts.name

    @property
    def identity(self) -> dict[str, str]:
        """Method, weights and what they were trained for."""
        return {
            "method": self.network.method,
            "weights_sha256": self._facts.weights_sha256,
            "detector_profile": self.detector_profile,
            "condition_variant": self.condition_variant,
            "inputs": ", ".join(self.network.config.inputs),
        }

    @property
    def detector_profile(self) -> str:
        """As the facts say."""
        return self._facts.detector_profile

    @property
    def condition_variant(self) -> str:
        """As the facts say."""
        return self._facts.condition_variant

    @property
    def num_parameters(self) -> int:
        """Of the network."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def gives_log_prob(self) -> bool:
        """Whether the network has a density that its hypotheses are drawn from."""
        return self.network.gives_log_prob and self.network.noise_size > 0

    def single(self, inputs: LiftingInputs) -> Float32[np.ndarray, "pictures 48"]:
        """The network's single answer."""

        def answer(y: Tensor, condition: Tensor, row: int) -> Tensor:
            return self.network.single(y, condition)

        return self._per_picture(inputs, answer, (48,)).astype(np.float32)

    def sample(self, inputs: LiftingInputs, num_samples: int, seed: int) -> Draws:
        """The network's hypotheses of `picture_noise`."""
        noise = picture_noise(inputs.picture, num_samples, self.network.noise_size, seed)

        def draw(y: Tensor, condition: Tensor, row: int) -> Tensor:
            return self.network.draw(y, condition, self._tensor(noise[row : row + 1]))

        vectors = self._per_picture(inputs, draw, (num_samples, 48)).astype(np.float32)
        with_density = self.gives_log_prob and not self.network.log_prob_is_dear
        return Draws(vectors, self.log_prob(inputs, vectors) if with_density else None)

    def log_prob(
        self, inputs: LiftingInputs, vectors: Float[np.ndarray, "pictures poses 48"]
    ) -> Float64[np.ndarray, "pictures poses"]:
        """The network's log density, nats, metres.

        Raises:
            ModelError: there is none.
        """
        if not self.gives_log_prob:
            raise ModelError(f"model {self.name} has no density of poses; expected one that gives_log_prob")

        def density(y: Tensor, condition: Tensor, row: int) -> Tensor:
            return self.network.log_prob(self._tensor(vectors[row : row + 1]), y, condition)

        return self._per_picture(inputs, density, (vectors.shape[1],))

    def _per_picture(
        self,
        inputs: LiftingInputs,
        answer: Callable[[Tensor, Tensor, int], Tensor],
        shape: tuple[int, ...],
    ) -> Float64[np.ndarray, "pictures *shape"]:
        found = np.empty((len(inputs.picture), *shape))
        with torch.no_grad():
            for row in range(len(found)):
                y, condition = (
                    self._tensor(values[row : row + 1]) for values in (inputs.y, inputs.condition)
                )
                found[row] = answer(y, condition, row)[0].cpu().numpy()
        return found

    def _tensor(self, values: Float[np.ndarray, "..."]) -> Tensor:
        return torch.from_numpy(np.asarray(values, np.float32)).to(self._device)
