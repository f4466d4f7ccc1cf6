"""Eq. 9 of Wehrbein et al., ICCV 2021: one file per term, and their weighted sum (torch).

Public names load on first use, so that the configuration can be had without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseterior.train.objective.adversarial import draw_fakes
    from poseterior.train.objective.config import ObjectiveConfig, official_objective, paper_objective
    from poseterior.train.objective.critic import PoseCritic
    from poseterior.train.objective.objective import critic_objective, generator_objective
    from poseterior.train.objective.share import Share
    from poseterior.train.objective.terms import Terms

_HOME = {
    "ObjectiveConfig": "config",
    "PoseCritic": "critic",
    "Share": "share",
    "Terms": "terms",
    "critic_objective": "objective",
    "draw_fakes": "adversarial",
    "generator_objective": "objective",
    "official_objective": "config",
    "paper_objective": "config",
}

__all__ = [
    "ObjectiveConfig",
    "PoseCritic",
    "Share",
    "Terms",
    "critic_objective",
    "draw_fakes",
    "generator_objective",
    "official_objective",
    "paper_objective",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
