"""What reaches stdout and stderr of a process: our sentences, whatever the streams and the libraries do."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poseterior import Hypotheses
from poseterior.cli.streams import one_line

COMMAND = [sys.executable, "-m", "poseterior"]
FULL = Path("/dev/full")


def shell(line, **options):
    """Run a line of the shell; `$P` is the program."""
    environment = {**os.environ, **options.pop("env", {}), "P": " ".join(COMMAND)}
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, env=environment, **options
    )


@pytest.fixture
def pictures(asset, demo_frame, tmp_path):
    """A folder with a.png and b.png, both of the walking woman."""
    asset("pose_landmark_full.tflite"), asset("pose_detection.tflite")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a", "b"):
        Image.fromarray(demo_frame(100)[430:994, 740:1340]).save(folder / f"{name}.png")
    return folder


def test_names_are_said_on_one_line():
    assert one_line("new\nline \x1b[31m é 日 \udcff") == "new\\nline \\x1b[31m é 日 \\udcff"


def test_every_failure_is_one_line_whatever_the_name(tmp_path):
    names = ["new\nline.png", "escape\x1b[31m.png", "日本.png", "-dash.png", "x" * 300 + ".png", ""]
    done = subprocess.run(
        [*COMMAND, "lift", "--json", "--out", ".", "--", *names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 1
    assert [entry["source"] for entry in json.loads(done.stdout)] == names
    said = done.stderr.splitlines()
    assert len(said) == len(names)
    assert all(line.startswith("poseterior: ") for line in said)
    assert "new\\nline.png does not exist" in said[0] and "\x1b" not in done.stderr


def test_a_reader_who_leaves_does_not_stop_the_lifting(pictures, tmp_path):
    line = "$P lift pictures --samples 3 --no-figure --out out | true; exit ${PIPESTATUS[0]}"
    done = shell(line, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.npz", "a.json", "b.npz", "b.json"}


@pytest.mark.parametrize("verb", ["--help", "assets list", "--version"])
def test_help_may_be_cut_short(verb):
    done = shell(f"$P {verb} | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("verb", ["--help", "assets list"])
def test_full_disk_behind_stdout_is_one_sentence(verb):
    done = shell(f"$P {verb} > {FULL}")
    assert done.returncode == 1
    assert done.stderr == "poseterior: cannot go on: No space left on device\n"


def test_closed_streams_do_no_harm(pictures, tmp_path):
    arguments = "lift pictures/a.png --samples 3"
    for name, closed in (
        ("none", ""),
        ("in", "<&-"),
        ("out", ">&-"),
        ("err", "2>&-"),
        ("all", "<&- >&- 2>&-"),
    ):
        done = shell(f"$P {arguments} --no-figure --out {name} {closed}", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), name
    results = [Hypotheses.load(path).poses_m for path in tmp_path.glob("*/a.npz")]
    assert len(results) == 5
    for poses_m in results:
        np.testing.assert_array_equal(poses_m, results[0])
    done = shell("$P lift missing.png --json 2>&-", cwd=tmp_path)
    assert done.returncode == 1
    assert len(json.loads(done.stdout)) == 1, "the sentence for a closed stderr must not land on stdout"


def test_libraries_are_silent(pictures, tmp_path):
    """No home for their caches, damaged data for their decoders."""
    Image.open(pictures / "b.png").save(pictures / "b.tif", compression="jpeg")
    damaged = bytearray((pictures / "b.tif").read_bytes())
    damaged[2000:2400] = np.random.default_rng(0).bytes(400)
    (pictures / "b.tif").write_bytes(damaged)
    from poseterior.assets import cache_folder

    environment = {"HOME": os.devnull, "POSETERIOR_CACHE_DIR": str(cache_folder())}
    done = shell("$P lift pictures/a.png pictures/b.tif --samples 3 --out out", cwd=tmp_path, env=environment)
    foreign = [line for line in done.stderr.splitlines() if not line.startswith("poseterior: ")]
    assert not foreign
    assert (tmp_path / "out" / "a.png").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_interrupt_leaves_whole_files_only(pictures, tmp_path):
    for k in range(20):
        (pictures / f"more{k}.png").symlink_to("a.png")
    command = [*COMMAND, "lift", "pictures", "--samples", "1000", "--out", "out"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().startswith("pictures/a.png: 1000 poses")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "poseterior: stopped\n"
    written = list((tmp_path / "out").iterdir())
    assert {path.suffix for path in written} <= {".npz", ".json", ".png"}
    for path in written:
        Image.open(path).load() if path.suffix == ".png" else Hypotheses.load(path)


def test_two_processes_may_write_to_one_folder(pictures, tmp_path):
    command = [*COMMAND, "lift", "pictures", "--samples", "50", "--no-figure", "--out", "out"]
    both = [subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        assert (process.communicate(timeout=120)[1], process.returncode) == ("", 0)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.npz", "a.json", "b.npz", "b.json"}
    for path in (tmp_path / "out").iterdir():
        assert len(Hypotheses.load(path)) == 50
