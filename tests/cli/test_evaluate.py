import json
import subprocess
import sys

import pytest
import torch
from _flows import flow_card
from _toy_evaluation import PROFILE, write_synth_folder

from poseterior import cli
from poseterior.evaluate import provenance
from poseterior.flow.config import posterior_config
from poseterior.flow.export import export_flow
from poseterior.models.posterior_flow import PosteriorFlow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_synth_folder(tmp_path_factory.mktemp("sets") / "set")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    flow = PosteriorFlow(posterior_config(blocks=2, hidden=12, encoder_hidden=8, encoder_size=6))
    flow.scale.fill_(0.2)
    card = flow_card(flow, name="tiny", detector_profile=PROFILE.name, sigma_confident_cells=1.23)
    path = tmp_path_factory.mktemp("models") / "tiny"
    export_flow(flow.eval(), path, card)
    return path


@pytest.fixture(autouse=True)
def _one_revision(monkeypatch):
    """The checkout may change while the tests run."""
    monkeypatch.setattr(provenance, "_git", lambda folder, *arguments: None)


def _evaluate(model, data, *arguments):
    return cli.run(
        ["evaluate", "--model", str(model), "--data", str(data), "--samples", "10", *map(str, arguments)]
    )


def test_the_documented_command_writes_report_tables_and_figures(model, folder, tmp_path, capsys):
    out = tmp_path / "out"
    code = _evaluate(
        model,
        f"{folder}:test",
        *("--seed", 0, "--json", out / "report.json", "--markdown", out / "report.md"),
        *("--figures", out / "figures"),
    )
    said = capsys.readouterr()
    assert code == 0, said.err
    report = json.loads((out / "report.json").read_text())
    assert report["dataset"]["num_evaluated"] == 12
    assert report["git_revision"] is None
    assert report["run"]["command"].startswith(f"poseterior evaluate --model {model} --data {folder}:test")
    mpjpe = report["subsets"]["all"]["poses"]["mpjpe_mm"]["z0"]["mean"]
    assert f"MPJPE, mm: z0 {mpjpe:.1f} [" in said.out.replace(",", ",")
    assert "stand-in" in said.err
    assert "tiny on open-test" in (out / "report.md").read_text()
    assert len(list((out / "figures").iterdir())) == 3


def test_two_runs_are_identical_but_for_date_and_time(model, folder, tmp_path):
    texts = []
    for _ in range(2):
        assert _evaluate(model, folder, "--json", tmp_path / "report.json") == 0
        texts.append(json.loads((tmp_path / "report.json").read_text()))
    for report in texts:
        assert report["run"].pop("date") and report["run"].pop("seconds") >= 0
    assert json.dumps(texts[0]) == json.dumps(texts[1])


def test_batches_and_threads_change_nothing(model, folder, tmp_path):
    def subsets(*arguments):
        assert _evaluate(model, folder, "--json", tmp_path / "report.json", *arguments) == 0
        return json.loads((tmp_path / "report.json").read_text())["subsets"]

    reference = _numbers(subsets("--threads", 1))
    for arguments in (("--threads", 3), ("--threads", 1, "--batch", 5)):
        found = _numbers(subsets(*arguments))
        assert len(found) == len(reference) > 1000
        assert found == pytest.approx(reference, abs=1e-4)


def _numbers(value):
    if isinstance(value, (int, float)):
        return [float(value)]
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [number for entry in entries for number in _numbers(entry)]


def test_subset_and_max_pictures(model, folder, tmp_path, capsys):
    assert (
        _evaluate(model, folder, "--max-pictures", 3, "--subset", "all", "--json", tmp_path / "r.json") == 0
    )
    report = json.loads((tmp_path / "r.json").read_text())
    assert list(report["subsets"]) == ["all"] and report["subsets"]["all"]["num_pictures"] == 3
    assert "all: 3 pictures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": "nowhere"}, "data nowhere: there is no such folder"),
        ({"data": "{folder}:dev"}, "there is no split 'dev'"),
        ({"model": "nobody"}, "model nobody: expected one of"),
        (
            {"model": "posterior"},
            "posterior was trained for the detector profile blazepose-full, not for toy-detector",
        ),
        ({"--samples": "0"}, "samples is 0; expected 1 to"),
        ({"--batch": "0"}, "batch is 0; expected 1 or more"),
        ({"--threads": "-1"}, "threads is -1; expected 0 or more"),
        ({"--max-pictures": "0"}, "max_pictures is 0; expected 1 or more"),
        ({"--json": "{tmp}"}, "it is a folder; expected a file name"),
        ({"--json": "{file}/report.json"}, "not a folder"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(model, folder, tmp_path, capsys, changes, words):
    (tmp_path / "file").touch()
    places = {"folder": folder, "tmp": tmp_path, "file": tmp_path / "file"}
    changes = {name: value.format(**places) for name, value in changes.items()}
    arguments = [part for name, value in changes.items() if name.startswith("--") for part in (name, value)]
    if "--samples" in changes:
        code = cli.run(["evaluate", "--model", str(model), "--data", str(folder), *arguments])
    else:
        code = _evaluate(changes.get("model", model), changes.get("data", folder), *arguments)
    error = capsys.readouterr().err
    assert code == 1 and words in error
    assert len(error.splitlines()) == 1


def test_help_loads_nothing_heavy():
    script = (
        "import sys, poseterior.cli as cli\n"
        "try: cli.run(['evaluate', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'onnxruntime', 'matplotlib', 'scipy', 'poseterior.evaluate', 'poseterior.data'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert "--max-pictures" in done.stdout


def test_evaluating_a_flow_never_loads_torch(model, folder):
    script = (
        "import sys, poseterior.cli as cli\n"
        f"code = cli.run(['evaluate', '--model', {str(model)!r}, '--data', {str(folder)!r}, '--samples', '3'])\n"
        "print(code, 'torch' in sys.modules, 'matplotlib' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "0 False False"
