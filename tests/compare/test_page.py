import pytest
from _comparison import results, row

from poseterior.compare.orderings import CLAIMS, orderings
from poseterior.compare.page import page


def lines_of(text, title):
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith(f"| the {title} |")
    ]


def test_a_cell_is_the_mean_over_seeds_with_the_smallest_and_the_largest():
    text = page(results(row("cvae", 50.0, seeds=2), row("one", 40.0)))
    first = lines_of(text, "cvae")[0]
    assert first[1:6] == ["4,286,512", "1.00 [0.50, 1.50]", "2", "200", "55.0 [50.0, 60.0]"]
    assert lines_of(text, "one")[0][2:6] == ["0.50", "1", "200", "40.0"]
    assert "`poseterior compare --data set --out out`, 2026-11-23, seeds 0, 1 of" in text
    assert "640,000 training pictures" in text and "2,500 of 10,000 pictures of a set, 77 sequences" in text


def test_rows_and_parts_that_are_missing_are_left_out():
    text = page(results(row("cvae", 50.0, subsets=("all",)), ambiguous=None))
    assert (
        "Ambiguous pictures" not in text and "figure 5" not in text and "What the paper reports" not in text
    )
    # table 1, posterior, table 5
    assert len(lines_of(text, "cvae")) == 3


def test_curves_have_a_line_for_each_method_and_its_noise():
    best = {"mpjpe_mm": [90.0, 70.0], "pmpjpe_mm": [60.0, 50.0]}
    noise = {"mpjpe_mm": [95.0, 85.0], "pmpjpe_mm": [66.0, 64.0]}
    curve = {"pictures": 300, "counts": [1, 1000], "model": best, "noise_baseline": noise}
    text = page(results(row("wehrbein2021", 50.0, curve=curve), row("other", 50.0, curve=curve)))
    assert "| the wehrbein2021 | 90.0 | 70.0 |" in text and "| the other | 60.0 | 50.0 |" in text
    assert text.count("noise around its z0 | 95.0 | 85.0 |") == 1


@pytest.mark.parametrize(("noise", "said"), [(80.0, "holds"), (60.0, "**does not hold**")])
def test_orderings_are_worked_out_from_the_numbers(noise, said):
    found = orderings(
        results(
            row("wehrbein2021", 50.0),
            row("cvae", 55.0),
            row("li2019-mdn", 70.0),
            row("wehrbein2021-noise", noise),
        )
    )
    (line,) = (line for line in found[1].splitlines() if line.startswith(f"| {CLAIMS[0].said}"))
    assert line.endswith(f"| {said} |")
    assert "the wehrbein2021 50.0, the cvae 55.0, the li2019-mdn 70.0" in line
    # nothing is said of methods that are not there
    assert "Martinez" not in found[1]
