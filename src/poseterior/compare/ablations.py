"""The paper's flow with one part of its training changed at a time (Table 4); free of torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from poseterior.compare.plan import PLANS, Entry, Plan
from poseterior.errors import InputError

FULL = "full"
"""The entry that nothing is changed in."""
_PICTURES = {"open": 96_000}
"""Of each row, in place of the preset's: 1,500 generator iterations, for two CPU cores."""
_ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    FULL: ("full", {}),
    "no-condition": ("no condition", {"data.condition_shown": False}),
    "no-hm": ("no L_HM", {"objective.weight_hm": 0.0}),
    "no-gen": ("no L_gen (no critic)", {"objective.weight_gen": 0.0}),
    "no-mb": ("no L_MB", {"objective.weight_mb": 0.0}),
    "k-1": ("k = 1", {"objective.num_best": 1}),
    "k-10": ("k = 10", {"objective.num_best": 10}),
    "k-50": ("k = 50", {"objective.num_best": 50}),
    "no-det": ("no L_det", {"objective.weight_det": 0.0}),
    "no-mmd": ("no L_MMD", {"objective.weight_mmd": 0.0}),
    "no-2d": ("no L_2D", {"objective.weight_2d": 0.0}),
    "hm-geometry": ("L_HM in metres by the camera", {"data.heatmap_metres": "geometry"}),
}
"""Name -> title, and what is changed: the paper's eight rows, and four that it does not have."""


def ablation_plan(preset: str) -> Plan:
    """The preset's plan with the rows of Table 4 in place of methods.

    Each row is trained for the first seed; `full` for the second too, to see how much a seed changes. No curves.

    Raises:
        InputError: there is no such preset.
    """
    if preset not in PLANS:
        raise InputError(f"there is no preset {preset}; expected one of {', '.join(PLANS)}")
    plan = PLANS[preset]()
    (flow,) = plan.chosen(("wehrbein2021",))
    entries = tuple(
        Entry(
            name, title, "flow", flow.method, flow.sizes, options=options, num_seeds=2 if name == FULL else 1
        )
        for name, (title, options) in _ROWS.items()
    )
    return replace(plan, entries=entries, pictures=_PICTURES.get(preset, plan.pictures), curve_pictures=0)
