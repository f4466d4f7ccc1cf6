import pytest
from _comparison import results, row

from poseterior.compare.ablation_page import ablation_page
from poseterior.compare.ablations import ablation_plan


def ablations(*rows, ambiguous=7):
    return results(*rows, ambiguous=ambiguous) | {"plan": ablation_plan("open").settings()}


def trained(name, best, worst=300.0, seeds=1, **options):
    made = row(name, 50.0, seeds, options={key.replace("__", "."): value for key, value in options.items()})
    for values in made["subsets"].values():
        for metric, number in (("oracle_best", best), ("oracle_worst", worst)):
            values[f"pmpjpe_mm.{metric}"] = {
                "seeds": [number + 2.0 * seed for seed in range(seeds)],
                "interval": None,
            }
    return made


def cells(text, start):
    """Of the lines that begin so."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith(f"| {start} |")
    ]


def test_rows_stand_beside_the_full_one():
    text = ablation_page(
        ablations(trained("full", 60.0, seeds=2), trained("no-gen", 65.5, 350.0, objective__weight_gen=0.0))
    )
    assert "each row trained on 96,000 pictures" in text and "on 7 pictures (ambiguous) of 2,500" in text
    oracle = cells(text, "the no-gen")[0]
    assert oracle[1] == "`objective.weight_gen = 0.0`"
    assert oracle[3] == "65.5 (+5.5)" and oracle[-1] == "350 (+50)"
    # the reference has nothing to differ from; another seed of it has
    assert cells(text, "the full")[0][3] == "60.0"
    assert cells(text, "the full, seed 1")[0][3] == "62.0 (+2.0)"
    # ambiguous pictures in two tables, then all of them
    assert len(cells(text, "the no-gen")) == 3 and cells(text, "the no-gen")[2][2] == "65.5 (+5.5)"


@pytest.mark.parametrize(
    ("best", "verdict"),
    [
        (65.5, "holds"),
        (61.5, "holds, by no more than a seed changes"),
        (59.0, "**does not hold**, by no more than a seed changes"),
        (55.0, "**does not hold**"),
    ],
)
def test_what_the_paper_reports_is_worked_out(best, verdict):
    text = ablation_page(ablations(trained("full", 60.0, seeds=2), trained("no-hm", best)))
    (line,) = cells(text, "oracle best PMPJPE: full < the no-hm")
    assert line[1:] == ["60.0", f"{best:.1f}", f"{best - 60.0:+.1f}", verdict, "+2.0"]


def test_without_a_second_seed_or_the_full_row():
    alone = ablation_page(ablations(trained("full", 60.0), trained("no-hm", 65.5)))
    (line,) = cells(alone, "oracle best PMPJPE: full < the no-hm")
    assert line[4:] == ["holds", ""]
    without = ablation_page(ablations(trained("no-hm", 65.5), ambiguous=None))
    assert cells(without, "the no-hm")[0][3] == "65.5" and "in the paper" not in without
    assert "2,500 pictures (all)" in without
