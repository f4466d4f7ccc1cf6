"""`poseterior models`: cards on the terminal, and the authors' weights as a model of ours."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch

from poseterior import cli
from poseterior.cli.models import field_lines
from poseterior.flow.bundle_folder import checksums, write_folder
from poseterior.flow.config import FlowConfig
from poseterior.flow.model_card import CARD_FILE, WEIGHTS_FILE, read_card
from poseterior.flow.tensor_file import tensor_file_bytes
from poseterior.models.network_card import NetworkCard
from poseterior.models.official import official_state_dict
from poseterior.models.wehrbein import WehrbeinFlow
from poseterior.weights import DEFAULT_MODEL, bundled_models, model_folder


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def poseterior(capsys):
    """*arguments -> what the command line does; in this process, which has torch already."""

    def call(*arguments):
        try:
            code = cli.run(list(map(str, arguments)))
        except SystemExit as end:
            code = end.code
        return Done(code, *capsys.readouterr())

    return call


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    flow = WehrbeinFlow(FlowConfig(hidden=16, encoder_hidden=16, encoder_size=8, clamp="official"))
    torch.save({"net": official_state_dict(flow)}, tmp_path / "model.pt")
    return tmp_path / "model.pt"


def test_list_tells_of_every_bundled_model(poseterior):
    done = poseterior("models", "list")
    assert done.returncode == 0
    assert f"{DEFAULT_MODEL} (default)" in done.stdout.splitlines()
    for name in bundled_models():
        card = read_card(model_folder(name))
        for part in (name, card.family, card.detector_profile, card.weights_sha256):
            assert part in done.stdout


def test_show_prints_the_whole_card(poseterior, tmp_path):
    by_name = poseterior("models", "show", DEFAULT_MODEL)
    assert by_name.returncode == 0
    assert max(map(len, by_name.stdout.splitlines())) <= 110
    said = " ".join(by_name.stdout.split())
    card = json.loads((model_folder(DEFAULT_MODEL) / CARD_FILE).read_text())
    for field in ("name", "description", "data", "licence", "command"):
        assert " ".join(card[field].split()) in said, field
    for name, sha256 in card["files"].items():
        assert f"{name} {sha256}" in said
    assert all(name in said for name in card)
    folder = shutil.copytree(model_folder(DEFAULT_MODEL), tmp_path / "a model")
    assert poseterior("models", "show", folder).stdout == by_name.stdout


def test_show_refuses_a_damaged_model_and_what_is_none(poseterior, tmp_path):
    folder = shutil.copytree(model_folder(DEFAULT_MODEL), tmp_path / "model")
    with (folder / WEIGHTS_FILE).open("r+b") as file:
        file.seek(5000)
        file.write(b"????")
    done = poseterior("models", "show", folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(rf"{WEIGHTS_FILE} is damaged", done.stderr)
    (folder / CARD_FILE).write_text("[]")
    assert "is not a model card" in poseterior("models", "show", folder).stderr
    done = poseterior("models", "show", "nothing")
    assert done.returncode == 1
    assert "model nothing: expected one of" in done.stderr


def test_show_prints_and_checks_cards_of_other_methods_too(poseterior, tmp_path):
    card = NetworkCard(
        name="mixture",
        method="li2019-mdn",
        config={"kernels": 5},
        detector_profile="blazepose-full",
        sigma_confident_cells=1.2,
        condition_variant="paper",
        description="random",
        data="none",
        licence="Apache-2.0",
        seed=0,
        command="pytest",
    )
    contents = {WEIGHTS_FILE: tensor_file_bytes({"weight": np.ones((2, 2), np.float32)})}
    write_folder(tmp_path / "model", replace(card, files=checksums(contents)).to_json(), contents)
    shown = poseterior("models", "show", tmp_path / "model").stdout
    assert shown.splitlines()[0] == "mixture"
    assert re.search(r"\n  method +li2019-mdn\n  config\n    kernels +5\n", shown)
    (tmp_path / "model" / WEIGHTS_FILE).write_bytes(b"others")
    done = poseterior("models", "show", tmp_path / "model")
    assert (done.returncode, done.stdout) == (1, "")
    assert WEIGHTS_FILE in done.stderr


def test_fields_are_wrapped_nested_and_made_harmless():
    lines = list(
        field_lines(
            {
                "long": "word " * 60,
                "nested": {"inner": [1, 2], "curve": list(range(40)), "rows": [{"a": 1}]},
                "flag": True,
                "escape": "\x1b[2J",
                "nothing": {},
            }
        )
    )
    assert all(len(line) <= 110 for line in lines)
    assert lines[1].startswith(" " * 28 + "word")
    text = "\n".join(lines)
    for pattern in (
        r"\n  nested\n    inner +1, 2\n    curve +\(40 entries\)\n    rows +\(1 entries\)",
        r"\n  flag +yes\n",
        r"\n  escape +\\x1b\[2J\n",
        r"\n  nothing +none",
    ):
        assert re.search(pattern, text), pattern


def test_the_authors_weights_become_a_model(poseterior, tmp_path, checkpoint):
    out = tmp_path / "models" / "authors"
    done = poseterior("models", "import", "official", checkpoint, "--out", out)
    assert done.returncode == 0, done.stderr
    assert str(out) in done.stdout
    shown = poseterior("models", "show", out).stdout
    for pattern in (
        r"family +bijective",
        r"detector_profile +hrnet-h36m",
        r"sha256 +[0-9a-f]{64}",
        r"licence +MIT",
    ):
        assert re.search(pattern, shown), pattern


def test_import_refuses_what_is_no_checkpoint_and_wrong_usage(poseterior, tmp_path, checkpoint):
    def told(*arguments, code=1):
        done = poseterior("models", "import", *arguments)
        assert done.returncode == code
        return done.stderr

    out = tmp_path / "out"
    assert "absent.pt" in told("official", tmp_path / "absent.pt", "--out", out)
    assert "is damaged or holds more than tensors" in told("official", __file__, "--out", out)
    assert not out.exists()
    told("official", checkpoint, code=2)
    told("unofficial", checkpoint, "--out", out, code=2)


def test_lifting_with_weights_for_another_detector_is_refused(poseterior, asset, tmp_path, checkpoint):
    poseterior("models", "import", "official", checkpoint, "--out", tmp_path / "model")
    done = poseterior(
        "lift", asset("astronaut.png"), "--model", tmp_path / "model", "--out", tmp_path / "out"
    )
    assert done.returncode == 1
    assert "hrnet-h36m" in done.stderr and "blazepose-full" in done.stderr


def test_show_and_list_load_no_torch():
    script = (
        "import sys, poseterior.cli as cli\n"
        "cli.run(['models', 'list']), cli.run(['models', 'show', 'posterior'])\n"
        "print({'torch', 'onnx', 'onnxruntime'} & set(sys.modules), file=sys.stderr)"
    ).replace("posterior", DEFAULT_MODEL)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "set()\n"
