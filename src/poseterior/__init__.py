"""Poseterior: one picture of a person in, the posterior distribution of 3D poses out.

Public names load on first use, so that `import poseterior` costs next to nothing and never loads torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseterior.errors import PoseteriorError
    from poseterior.hypotheses import Hypotheses
    from poseterior.lifter import Lifter
    from poseterior.types import Detection, DetectorProfile, FitStatus, JointGaussians, PersonBox

__version__ = "0.1.0"

_HOME = {
    "Detection": "poseterior.types",
    "DetectorProfile": "poseterior.types",
    "FitStatus": "poseterior.types",
    "Hypotheses": "poseterior.hypotheses",
    "JointGaussians": "poseterior.types",
    "Lifter": "poseterior.lifter",
    "PersonBox": "poseterior.types",
    "PoseteriorError": "poseterior.errors",
}

__all__ = [
    "Detection",
    "DetectorProfile",
    "FitStatus",
    "Hypotheses",
    "JointGaussians",
    "Lifter",
    "PersonBox",
    "PoseteriorError",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'poseterior' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
