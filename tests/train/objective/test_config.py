import subprocess
import sys
from dataclasses import fields

import pytest

from poseterior.errors import InputError
from poseterior.train.objective import ObjectiveConfig, official_objective, paper_objective


def test_the_configuration_needs_no_torch() -> None:
    code = "import sys, poseterior.train.objective.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_defaults_are_equation_9() -> None:
    config = paper_objective()
    weights = [config.weight_2d, config.weight_gen, config.weight_mmd, config.weight_det, config.weight_mb]
    assert weights == [1, 1, 10, 4, 4]
    assert (config.weight_hm, config.num_hypotheses, config.num_best) == (750, 200, 5)
    assert config.gradient_penalty == 10
    assert [width**2 for width in config.mmd_widths] == pytest.approx([0.0025, 0.04, 0.81])


def test_what_the_authors_code_does_differently() -> None:
    paper, official = paper_objective(), official_objective()
    changed = [f.name for f in fields(paper) if getattr(paper, f.name) != getattr(official, f.name)]
    assert changed == ["mmd_estimator", "ranked_pose", "heatmap_centre", "heatmap_joints"]


@pytest.mark.parametrize("make", [paper_objective, official_objective])
@pytest.mark.parametrize(
    "change",
    [{"weight_hm": 0.0}, {"weight_gen": 0.0}, {"weight_mb": 0.0}, *[{"num_best": k} for k in (1, 10, 50)]],
)
def test_an_ablation_of_table_4_is_one_field(make, change) -> None:
    full, ablated = make(), make(**change)
    changed = {
        f.name: getattr(ablated, f.name)
        for f in fields(full)
        if getattr(full, f.name) != getattr(ablated, f.name)
    }
    assert changed == change


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weight_mb", -1.0),
        ("gradient_penalty", float("nan")),
        ("num_hypotheses", 1),
        ("num_best", 0),
        ("num_best", 201),
        ("num_subset", 201),
        ("mmd_widths", ()),
        ("mmd_widths", (0.1, 0.0)),
    ],
)
def test_unusable_values_are_refused_by_name(field, value) -> None:
    with pytest.raises(InputError, match=f"field {field} is"):
        ObjectiveConfig(**{"gradient": "subset", field: value})


def test_no_term_at_all_is_refused() -> None:
    nothing = {f.name: 0.0 for f in fields(ObjectiveConfig) if f.name.startswith("weight_")}
    with pytest.raises(InputError, match="at least one"):
        ObjectiveConfig(**nothing)
