"""`poseterior synth` as a process, with a toy in the place of bodies and pictures."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from _process import poseterior
from _toy_maker import alive, contents

TESTS = Path(__file__).parents[1]
STAND_IN = """
import functools, importlib.util, json, os, sys, types
if __name__ == "__main__":
    from _toy_maker import ToyConfig
    toy = types.ModuleType("poseterior.data.synthesis.sample")
    toy.SynthConfig = functools.partial(ToyConfig, **json.loads(os.environ["TOY"]))
    sys.modules[toy.__name__] = toy
    found = importlib.util.find_spec
    missing = os.environ.get("MISSING", "").split()
    importlib.util.find_spec = lambda name, *more: None if name in missing else found(name, *more) or name
    from poseterior.cli import main
    main()
"""
FEW = ["--train", "6", "--validation", "3", "--test", "3"]


@pytest.fixture
def command(tmp_path):
    """The command and environment of `poseterior` with the toy."""
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)

    def of(*arguments, missing="", **toy):
        paths = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
        surroundings = {**os.environ, "PYTHONPATH": paths, "TOY": json.dumps(toy), "MISSING": missing}
        return {"args": [sys.executable, str(script), "synth", *map(str, arguments)], "env": surroundings}

    return of


@pytest.fixture
def synth(command):
    """Run it and return what it did."""

    def run(*arguments, **toy):
        return subprocess.run(
            **command(*arguments, **toy), capture_output=True, text=True, check=False, timeout=60
        )

    return run


def test_twice_the_same_seed_is_twice_the_same_set(synth, tmp_path):
    done = synth("--out", tmp_path / "a")
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0].startswith("train: 96 samples, ") and "% ambiguous" in said[0]
    # 0, 1, 2, 0, 1, 2, ... refused: as many as samples
    assert "50.0% of the attempts refused" in said[0]
    assert said[3].startswith(f"{tmp_path / 'a'}: 10 files, ")
    again = synth("--out", tmp_path / "b", "--workers", "1", "--preset", "tiny", "--seed", "0")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert again.stdout.splitlines()[4] == said[4]
    checksum = subprocess.run(
        ["sha256sum", tmp_path / "a" / "manifest.json"], capture_output=True, text=True, check=True
    ).stdout.split()[0]
    assert said[4] == f"manifest.json: sha256 {checksum}"
    assert all(line.startswith("poseterior: ") and " samples" in line for line in done.stderr.splitlines())


def test_verify_says_whether_all_files_are_as_they_were(synth, tmp_path):
    assert synth("--out", tmp_path / "set", *FEW).returncode == 0
    done = synth("--verify", tmp_path / "set")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'set'}: 3 files, all as their checksums say\n")
    (tmp_path / "set" / "test" / "shard-00000.npz").write_bytes(b"")
    done = synth("--verify", tmp_path / "set")
    assert (done.returncode, done.stdout) == (1, "")
    assert "shard-00000.npz is missing or not what the manifest says" in done.stderr
    assert synth("--out", tmp_path / "set", *FEW).returncode == 0
    assert synth("--verify", tmp_path / "set").returncode == 0


def test_pictures_are_stored_if_asked_for(synth, tmp_path):
    for name, flags in (("with", ["--pictures"]), ("without", [])):
        assert synth("--out", tmp_path / name, *FEW, *flags).returncode == 0
        fields = json.loads((tmp_path / name / "manifest.json").read_text())["fields"]
        assert ("picture_jpeg" in fields) == (name == "with")


def test_another_seed_is_refused(synth, tmp_path):
    assert synth("--out", tmp_path / "set", *FEW).returncode == 0
    done = synth("--out", tmp_path / "set", *FEW, "--seed", "5")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "made with seed 0, and now it is 5" in line


def test_a_failure_is_one_sentence(synth, tmp_path):
    done = synth("--out", tmp_path / "set", *FEW, raise_at=["train 4"])
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert said.startswith("poseterior: train 4 could not be made: ArithmeticError: one toy too many; 1 of 3")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_leaves_with_130_and_goes_on(command, synth, tmp_path, number):
    out, pids = tmp_path / "set", tmp_path / "pids"
    pids.mkdir()
    arguments = ["--out", out, "--train", "600", "--validation", "3", "--test", "3"]
    slow = command(*arguments, delay_s=0.01, pid_folder=str(pids))
    with subprocess.Popen(**slow, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        end = time.monotonic() + 30
        while len(list(out.glob("*/shard-*.npz"))) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        said = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("poseterior: stopped; the finished files are kept")
    assert "Traceback" not in said and not alive(pids)
    assert synth(*arguments).returncode == 0
    assert synth("--out", tmp_path / "other", *arguments[2:]).returncode == 0
    assert contents(out) == contents(tmp_path / "other")


def test_a_missing_extra_is_one_sentence(synth, tmp_path):
    done = synth("--out", tmp_path / "set", missing="anny numba")
    assert done.returncode == 1
    assert done.stderr == (
        'poseterior: synth needs anny, numba, not installed here: pip install "poseterior[synth]"\n'
    )
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected --out DIR, or --verify DIR"),
        (["--out", "a", "--verify", "b"], "expected --out DIR, or --verify DIR"),
        (["--out", "a", "--preset", "open"], "--preset open needs --motion FOLDER"),
        (["--out", "a", "--motion", "nowhere"], "--motion nowhere is no folder"),
        (["--out", "a", "--train", "-1"], "--train is -1"),
        (["--out", "a", "--train", "0", "--validation", "0", "--test", "0"], "no samples"),
        (["--out", "a", "--workers", "0"], "--workers is 0"),
        (["--out", "a", "--seed", "-1"], "--seed is -1"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(tmp_path, arguments, said):
    done = poseterior("synth", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert said in line
    assert not list(tmp_path.iterdir())


def test_help_and_wrong_usage_load_no_heavy_library():
    script = (
        "import sys, poseterior.cli as cli\n"
        "try: cli.run(['synth', '--help'])\n"
        "except SystemExit: pass\n"
        "cli.run(['synth'])\n"
        "heavy = {'anny', 'torch', 'numba', 'scipy', 'rich.progress', 'dask', 'distributed', 'poseterior.data'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
