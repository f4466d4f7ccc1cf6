"""What an objective gives back (torch)."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor


class Terms(NamedTuple):
    """An objective and what it is made of."""

    total: Float[Tensor, ""]
    """Weighted sum; its `backward()` gives the objective's gradient."""
    parts: dict[str, Float[Tensor, ""]]
    """Name -> unweighted value without gradient; terms of weight 0 are not computed and not listed."""
