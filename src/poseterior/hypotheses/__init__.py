"""What the lifter answers with: many plausible 3D poses of one person, and what one does with them."""

from poseterior.hypotheses.container import Hypotheses

__all__ = ["Hypotheses"]
