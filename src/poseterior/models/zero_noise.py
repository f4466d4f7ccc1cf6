"""The single answer of the methods that carry noise to poses (torch)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from poseterior.models.network_lifter import NetworkLifter


class ZeroNoiseLifter(NetworkLifter):
    """A method whose single answer is the hypothesis of noise 0."""

    def single(
        self, y: Float[Tensor, "pictures 32"], condition: Float[Tensor, "pictures 78"]
    ) -> Float[Tensor, "pictures 48"]:
        """The hypothesis of noise 0, metres."""
        # not len(y), which a trace would keep as a constant
        return self.draw(y, condition, y.new_zeros((y.shape[0], 1, self.noise_size)))[:, 0]
