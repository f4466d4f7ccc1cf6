"""Sizes and variants of a flow; free of torch, since the model card on disk stores it too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["bijective", "posterior"]
"""METHOD section 9: x <-> (y, z) given c, or x <-> u given (y, c)."""
ClampVariant = Literal["paper", "official"]
PermutationKind = Literal["freia", "reverse"]
ConditionInput = Literal["y", "condition"]

POSE_SIZE = 48
"""x: 16 joints without the pelvis, metres, mean-centred, axis-major (METHOD section 1)."""
JOINTS_2D_SIZE = 32
"""y: 16 joints in 2D, normalised, axis-major (METHOD section 1)."""
CONDITION_SIZE = 78
"""c: six numbers of the fitted Gaussian for each of 13 joints (METHOD section 2)."""
INPUT_SIZES: dict[ConditionInput, int] = {"y": JOINTS_2D_SIZE, "condition": CONDITION_SIZE}
MANIFOLD_LATENT_SIZE = POSE_SIZE - JOINTS_2D_SIZE
"""z of the bijective family: 16."""
CENTRED_SIZE = POSE_SIZE - 3
"""Poses whose mean is zero on each axis fill 45 of the 48 dimensions."""


@dataclass(frozen=True)
class FlowConfig:
    """What both families share; the defaults are the paper's (Wehrbein et al., ICCV 2021, section 3.1)."""

    blocks: int = 8
    hidden: int = 1024
    """Hidden units of each coupling sub-network."""
    encoder_hidden: int = 256
    encoder_size: int = 56
    """Size of the encoded condition that every sub-network reads."""
    clamp: ClampVariant = "paper"
    """"paper": (2 alpha / pi) atan(r / alpha), eq. 2; "official": 0.636 alpha atan(r / alpha)."""
    clamp_alpha: float = 2.0
    permutation: PermutationKind = "freia"
    inputs: tuple[ConditionInput, ...] = ("condition",)
    """What the encoder reads, concatenated in this order."""

    @property
    def encoder_input_size(self) -> int:
        """Sum of the sizes of `inputs`."""
        return sum(INPUT_SIZES[name] for name in self.inputs)


def posterior_config(**changes: object) -> FlowConfig:
    """Defaults of the posterior family: the encoder reads y as well as c."""
    return FlowConfig(**{"inputs": ("y", "condition"), **changes})  # type: ignore[arg-type]
