import pytest
from _toy_evaluation import GaussianLifter, toy_set

from poseterior.evaluate.measure import Settings
from poseterior.evaluate.report import evaluate
from poseterior.evaluate.tables import estimate_text, markdown_of, write_markdown


@pytest.fixture(scope="module")
def report():
    return evaluate(GaussianLifter(), toy_set(30), Settings(samples=12)).report


def _row(text, start):
    """Cells of the first table row whose first cell is `start`."""
    rows = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| "))
    return next(cells for cells in rows if cells[0] == start)


def test_tables_show_the_report_s_numbers(report):
    text = markdown_of(report)
    mpjpe = report["subsets"]["all"]["poses"]["mpjpe_mm"]
    low, high = mpjpe["z0"]["interval"]
    assert _row(text, "MPJPE, mm")[1] == f"{mpjpe['z0']['mean']:.1f} [{low:.1f}, {high:.1f}]"
    assert f"{mpjpe['oracle_best']['mean']:.1f}" in _row(text, "MPJPE, mm")[5]
    nll = report["subsets"]["all"]["density"]["nll_nats_mm"]["mean"]
    assert _row(text, "negative log-likelihood, nats (mm)")[1].startswith(f"{nll:,.2f} [")
    assert "## Pictures: ambiguous" in text
    heads = [line for line in text.splitlines() if line.startswith("| PMPJPE, mm | sitting")]
    assert heads == ["| PMPJPE, mm | sitting | walking | mean of actions | all pictures |"]
    action = report["actions"]["walking"]["poses"]["mpjpe_mm"]["oracle_best"]["mean"]
    assert _row(text, "best (oracle, 12)")[2] == f"{action:.1f}"
    for cells in (line.count("|") for line in text.splitlines() if line.startswith("| ---")):
        assert cells >= 3


def test_every_table_is_rectangular(report):
    widths = []
    for line in [*markdown_of(report).splitlines(), ""]:
        if line.startswith("|"):
            widths.append(line.replace(" |", "|").count("|"))
        elif widths:
            assert len(set(widths)) == 1, line
            widths = []


def test_what_is_not_there_leaves_no_row():
    model = GaussianLifter(gives_log_prob=False)
    text = markdown_of(evaluate(model, toy_set(10, sequences=1), Settings(samples=1)).report)
    assert "likelihood" not in text and "energy score" not in text
    assert "Only 1 sequences" in text and "[" not in _row(text, "MPJPE, mm")[1]


def test_estimates_as_text(tmp_path, report):
    assert estimate_text({"mean": 1234.56, "interval": [1.0, 2000.0]}, 1) == "1,234.6 [1.0, 2,000.0]"
    assert estimate_text({"mean": 2.0154e15, "interval": [300.0, 4.6e15]}, 1) == "2e+15 [300.0, 4.6e+15]"
    assert estimate_text({"mean": None, "interval": None}, 1) == "infinite"
    write_markdown(report, tmp_path / "report.md")
    assert (tmp_path / "report.md").read_text() == markdown_of(report)
