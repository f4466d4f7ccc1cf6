"""What the methods that learn a density of centred poses by carrying noise to them have in common (torch)."""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from poseterior.flow.config import CENTRED_SIZE
from poseterior.models.standard_coordinates import StandardCoordinates
from poseterior.models.zero_noise import ZeroNoiseLifter


class DensityLifter(ZeroNoiseLifter):
    """45 standard normal numbers to a pose, by way of `standard_coordinates`; the density is exact or nearly so."""

    noise_size = CENTRED_SIZE
    gives_log_prob: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.coordinates = StandardCoordinates()

    def set_scale_from(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> None:
        """Coordinates are standardised by these poses' mean and spread."""
        self.coordinates.set_from(x)
