import json

import pytest

from poseterior.compare.plan import tiny_plan
from poseterior.compare.table import COLUMNS, table_of, write_table
from poseterior.errors import InputError


def report(mpjpe, ambiguous=True, density=True):
    def subset(value):
        answers = {key: {"mean": value} for key in ("z0", "mean_pose", "oracle_best", "oracle_worst")}
        return {
            "poses": dict.fromkeys(("mpjpe_mm", "pmpjpe_mm", "pck", "cps_mm"), answers),
            "samples": {"energy_score_mm": {"mean": value}, "ece": {"mean": 0.1}},
            "density": {"nll_nats_mm": {"mean": 7.0}} if density else None,
        }

    subsets = {"all": subset(mpjpe), "ambiguous": subset(2 * mpjpe) if ambiguous else None}
    return {"subsets": subsets, "model": {"num_parameters": 4_286_512}}


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_cell_is_the_mean_over_seeds_with_their_range():
    table = table_of(tiny_plan(), {"cvae": [report(50.0, density=False), report(60.0, density=False)]})
    rows = [cells(line) for line in table.splitlines() if line.startswith("| Sharma")]
    assert rows[0][:4] == ["Sharma et al. 2019 (CVAE)", "4,286,512", "2", "55.0 [50.0, 60.0]"]
    assert rows[0][-1] == "none"
    assert rows[1][3] == "110.0 [100.0, 120.0]"
    assert {len(row) for row in rows} == {len(COLUMNS) + 3}


def test_one_seed_has_no_range_and_subsets_without_pictures_no_row():
    table = table_of(tiny_plan(), {"posterior": [report(50.0, ambiguous=False)]})
    rows = [cells(line) for line in table.splitlines() if line.startswith("| posterior flow")]
    assert len(rows) == 1 and rows[0][3] == "50.0" and rows[0][-1] == "7.0"


def test_reports_are_read_by_row_and_seed(tmp_path):
    for name in ("li2019-mdn-seed0", "li2019-mdn-seed1", "li2019-mdn-means-seed0"):
        (tmp_path / f"{name}.json").write_text(json.dumps(report(50.0)))
    write_table(tiny_plan(), tmp_path, tmp_path / "table.md")
    lines = (tmp_path / "table.md").read_text().splitlines()
    seeds = {cells(line)[0]: cells(line)[2] for line in lines if line.startswith("| Li")}
    assert seeds == {"Li & Lee 2019 (MDN)": "2", "Li & Lee 2019 (MDN), means": "1"}
    (tmp_path / "cvae-seed0.json").write_text("{")
    with pytest.raises(InputError, match=r"cannot read the report .*cvae-seed0\.json"):
        write_table(tiny_plan(), tmp_path, tmp_path / "table.md")
