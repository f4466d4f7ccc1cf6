"""What a training step sees of each picture (torch)."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor


class Batch(NamedTuple):
    """Poses and what was seen of them, in the flow's frame (`geometry.normalise`: x right, y up, axis-major)."""

    x: Float[Tensor, "pictures 48"]
    """Metres, mean-centred; joints in the order of `skeleton.FLOW_16`."""
    y: Float[Tensor, "pictures 32"]
    """Normalised 2D joints, in the order of `skeleton.MPII_16`."""
    condition: Float[Tensor, "pictures 78"]
    heatmap_covariance_m2: Float[Tensor, "pictures 16 2 2"]
    """Of the fitted Gaussians of `skeleton.MPII_16`, brought to square metres at the person, y up."""
    uncertain: Bool[Tensor, "pictures 16"]
    """The mask m of eq. 3: whether a sigma of the joint is above the threshold."""
