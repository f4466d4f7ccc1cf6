"""Eq. 9 of Wehrbein et al., ICCV 2021: one file per term, and their weighted sum (torch)."""

from poseterior.train.objective.adversarial import draw_fakes
from poseterior.train.objective.config import ObjectiveConfig, official_objective, paper_objective
from poseterior.train.objective.critic import PoseCritic
from poseterior.train.objective.objective import critic_objective, generator_objective
from poseterior.train.objective.terms import Terms

__all__ = [
    "ObjectiveConfig",
    "PoseCritic",
    "Terms",
    "critic_objective",
    "draw_fakes",
    "generator_objective",
    "official_objective",
    "paper_objective",
]
