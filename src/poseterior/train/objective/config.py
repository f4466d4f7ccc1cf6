"""Weights and variants of the objective; free of torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from poseterior.errors import InputError

Gradient = Literal["full", "two_pass", "subset"]
"""How L_MB and L_HM are back-propagated; see `ObjectiveConfig.gradient`."""
MmdEstimator = Literal["unbiased", "biased"]
RankedPose = Literal["flow_16", "root_centred_17"]
HeatmapCentre = Literal["mean", "root"]
HeatmapJoints = Literal["all", "condition"]


@dataclass(frozen=True)
class ObjectiveConfig:
    """Eq. 9; the defaults are the paper's (Wehrbein et al., ICCV 2021, section 3.3).

    An ablation of the paper's Table 4 is one weight set to 0, or another `num_best`.

    Raises:
        InputError: a field has a value that cannot be used.
    """

    weight_2d: float = 1.0
    weight_mmd: float = 10.0
    weight_gen: float = 1.0
    """0 also does without the critic."""
    weight_det: float = 4.0
    weight_mb: float = 4.0
    weight_hm: float = 750.0
    num_hypotheses: int = 200
    """L of eqs. 4 and 8. Fewer make both terms biased."""
    num_best: int = 5
    """k of eq. 8."""
    gradient: Gradient = "two_pass"
    """"full": autograd through all hypotheses; "two_pass": the same gradient for less, by a pass without graph
    and back-propagation through the rows that matter; "subset": an unbiased estimate of it, with L_HM's part
    from `num_subset` random hypotheses of each picture."""
    num_subset: int = 20
    mmd_estimator: MmdEstimator = "unbiased"
    """Eq. 6; "biased" (all pairs, the diagonal included) is the authors' code."""
    mmd_widths: tuple[float, ...] = (0.05, 0.2, 0.9)
    """sqrt(b) of the kernels of eq. 10."""
    ranked_pose: RankedPose = "flow_16"
    """Poses that eq. 8 ranks and compares: the flow's 16 joints as they are, or with the pelvis put in and at
    the origin (the authors' code)."""
    heatmap_centre: HeatmapCentre = "mean"
    """What eq. 4 holds fixed: the mean of the 16 joints, or the pelvis (the authors' code)."""
    heatmap_joints: HeatmapJoints = "all"
    """Joints of eq. 4: all 16, or the 13 of the condition (the authors' code)."""
    gradient_penalty: float = 10.0
    """Of the critic (WGAN-GP)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name.startswith("weight_") or field.name == "gradient_penalty":
                self._expect(field.name, getattr(self, field.name) >= 0, "a number that is not negative")
        if not any(getattr(self, field.name) for field in fields(self) if field.name.startswith("weight_")):
            raise InputError("all weights of the objective are 0; expected at least one term")
        self._expect("num_hypotheses", self.num_hypotheses >= 2, "at least 2")
        self._expect("num_best", 1 <= self.num_best <= self.num_hypotheses, "1 to num_hypotheses")
        if self.gradient == "subset":
            self._expect("num_subset", 1 <= self.num_subset <= self.num_hypotheses, "1 to num_hypotheses")
        positive = bool(self.mmd_widths) and min(self.mmd_widths) > 0
        self._expect("mmd_widths", positive, "at least one positive width")

    def _expect(self, field: str, valid: bool, expected: str) -> None:
        if not valid:
            value = getattr(self, field)
            raise InputError(f"the objective's field {field} is {value}; expected {expected}")


def paper_objective(**changes: Any) -> ObjectiveConfig:
    """The objective as published, with `changes` to its fields."""
    return ObjectiveConfig(**changes)


def official_objective(**changes: Any) -> ObjectiveConfig:
    """The objective as in the authors' released code (METHOD section 4), with `changes` to its fields."""
    official = {
        "mmd_estimator": "biased",
        "ranked_pose": "root_centred_17",
        "heatmap_centre": "root",
        "heatmap_joints": "condition",
    }
    return ObjectiveConfig(**{**official, **changes})
