"""What the methods on the trunk of Martinez et al. 2017 have in common (torch)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from poseterior.models.network_lifter import NetworkLifter
from poseterior.models.regression_trunk import RegressionTrunk, Standardiser


class TrunkLifter(NetworkLifter):
    """Standardised poses from the trunk's features; a subclass builds both, in the order of its weights."""

    trunk: RegressionTrunk
    standardise: Standardiser
    """Of poses."""

    def set_scale_from(
        self,
        x: Float[Tensor, "pictures 48"],
        y: Float[Tensor, "pictures 32"],
        condition: Float[Tensor, "pictures 78"],
    ) -> None:
        """Takes mean and standard deviation of each coordinate, of inputs and poses."""
        self.trunk.set_scale_from(y, condition)
        self.standardise.set_from(x)
