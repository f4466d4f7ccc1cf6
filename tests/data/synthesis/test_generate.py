"""Sets made by real processes: the same bytes however often they were stopped; one sentence where they cannot be."""

import json
import os
import random
import shutil
import signal
import time

import numpy as np
import pytest
from _toy_maker import COUNTS, SHARD_SIZE, ToyConfig, alive, contents, start, toy_sample

from poseterior.data.synthesis.generate import generate
from poseterior.data.synthesis.manifest import read_manifest, verify
from poseterior.data.synthesis.progress import Pace, duration, shown_progress
from poseterior.errors import InputError, OutputError, PoseteriorError

SMALL = {"test": 4}


def make(out, config=None, counts=COUNTS, **options):
    """In this process, with one worker."""
    settings = {"pictures": True, "shard_size": SHARD_SIZE, "workers": 1, **options}
    return generate(config or ToyConfig(), out, counts, **settings)


def until(condition, within_s=20.0):
    """Wait until it holds."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not come to this"
        time.sleep(0.005)


def shards(folder):
    """The finished files."""
    return sorted(folder.glob("*/shard-*.npz"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A complete set, made without a stop by one worker."""
    folder = tmp_path_factory.mktemp("whole") / "set"
    make(folder)
    return folder


@pytest.fixture
def copy(whole, tmp_path):
    """The complete set, to be damaged."""
    return shutil.copytree(whole, tmp_path / "set")


def test_the_set_holds_every_sample(whole):
    manifest = verify(whole)
    assert manifest.complete and manifest.counts == COUNTS
    for record in manifest.shards:
        with np.load(whole / record.file, allow_pickle=False) as arrays:
            for k in range(record.samples):
                expected = toy_sample(0, record.split, record.first_index + k)
                np.testing.assert_array_equal(arrays["joints_m"][k], expected["joints_m"])
            assert (arrays["threads"] == 1).all(), "a worker has one thread"
    assert sum(record.samples for record in manifest.shards) == sum(COUNTS.values())
    assert {path.name for path in whole.iterdir()} == {"manifest.json", "log.jsonl", *COUNTS}


def test_more_workers_that_finish_out_of_order_make_the_same_bytes(whole, tmp_path):
    with start(tmp_path / "set", workers=3, config=ToyConfig(delay_s=0.003)) as process:
        assert process.wait(60) == 0, process.stderr.read()
    assert contents(tmp_path / "set") == contents(whole)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_killed_in_the_middle_of_writing_it_ends_in_the_same_bytes(whole, tmp_path):
    """The process kills itself with -9 instead of renaming its n-th temporary file (manifest or shard)."""
    out = tmp_path / "set"
    for nth in (1, 2, 5, 4):
        before = (
            "import os, signal, itertools\n"
            "real, numbers = os.replace, itertools.count(1)\n"
            f"os.replace = lambda *a: os.kill(os.getpid(), 9) if next(numbers) == {nth} else real(*a)\n"
        )
        with start(out, before=before, workers=1) as process:
            assert process.wait(60) == -signal.SIGKILL
        assert list(out.rglob(".*.tmp")), "the temporary file is left"
    assert 0 < len(shards(out)) < len(shards(whole))
    make(out)
    assert contents(out) == contents(whole)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_killed_at_any_moment_its_workers_end_and_it_goes_on(whole, tmp_path):
    out, pids = tmp_path / "set", tmp_path / "pids"
    pids.mkdir()
    config = ToyConfig(delay_s=0.01, pid_folder=str(pids))
    rng = random.Random(0)
    for _ in range(2):
        finished = len(shards(out))
        with start(out, config=config) as process:
            until(lambda before=finished: len(shards(out)) > before)
            time.sleep(rng.uniform(0, 0.04))
            process.kill()
        until(lambda: not alive(pids))
    kept = {path: path.stat().st_mtime_ns for path in shards(out) if str(path.relative_to(out)) in named(out)}
    assert kept
    make(out)
    assert contents(out) == contents(whole)
    assert all(path.stat().st_mtime_ns == time_ns for path, time_ns in kept.items()), "made only once"


def named(folder):
    """The files that the manifest names."""
    return {record.file for record in read_manifest(folder).shards}


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_ends_its_workers_and_keeps_what_is_finished(whole, tmp_path, number):
    out, pids = tmp_path / "set", tmp_path / "pids"
    pids.mkdir()
    config = ToyConfig(delay_s=0.01, pid_folder=str(pids))
    with start(out, config=config, start_new_session=True) as process:
        until(lambda: len(list(pids.iterdir())) == 2 and len(shards(out)) > 1)
        # as a terminal does: to all processes of the group
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        said = process.communicate(timeout=20)[1]
    assert said.rstrip().endswith("KeyboardInterrupt") and said.count("Traceback") == 1, said
    assert not alive(pids)
    assert not list(out.rglob(".*.tmp"))
    assert named(out) == {str(path.relative_to(out)) for path in shards(out)}
    make(out)
    assert contents(out) == contents(whole)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [2, 15])
def test_a_file_that_is_finished_while_it_is_interrupted_is_named(tmp_path, number):
    """The process is interrupted as it renames its fourth temporary file: the second shard."""
    before = (
        "import os, signal, itertools\n"
        "real, numbers = os.replace, itertools.count(1)\n"
        "def replace(*a):\n"
        f"    if next(numbers) == 4: os.kill(os.getpid(), {number})\n"
        "    real(*a)\n"
        "os.replace = replace\n"
    )
    out = tmp_path / "set"
    with start(out, before=before, workers=1) as process:
        assert "KeyboardInterrupt" in process.communicate(timeout=60)[1]
    assert named(out) == {"validation/shard-00000.npz", "test/shard-00000.npz"}
    assert len(shards(out)) == 2


def test_only_damaged_and_missing_files_are_made_again(whole, copy):
    damaged, truncated, missing, kept = shards(copy)[:4]
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    truncated.write_bytes(truncated.read_bytes()[:-1])
    missing.unlink()
    (copy / "train" / ".0123456789abcdef.tmp").write_text("left by a kill")
    time_ns = kept.stat().st_mtime_ns
    with pytest.raises(InputError, match="and so are 2 more"):
        verify(copy)
    make(copy)
    assert contents(copy) == contents(whole)
    assert kept.stat().st_mtime_ns == time_ns


def test_a_complete_set_is_left_as_it_is(whole, copy):
    times_ns = {path: path.stat().st_mtime_ns for path in (*shards(copy), copy / "manifest.json")}
    assert make(copy) == read_manifest(whole)
    assert {path: path.stat().st_mtime_ns for path in times_ns} == times_ns


def test_a_set_may_grow_and_is_as_if_made_at_once(whole, tmp_path):
    out = tmp_path / "set"
    make(out, counts={"train": 8, "validation": 7})
    small = verify(out)
    assert small.counts == {"train": 8, "validation": 7, "test": 0}
    make(out)
    assert contents(out) == contents(whole)


def test_finished_samples_are_never_given_up(copy, whole):
    with pytest.raises(OutputError, match="23 train samples already, and 22 are asked for"):
        make(copy, counts={**COUNTS, "train": 22})
    assert contents(copy) == contents(whole)


def test_an_unfinished_set_may_end_where_it_is(tmp_path):
    with pytest.raises(PoseteriorError, match="train 7"):
        make(tmp_path, ToyConfig(raise_at=("train 7",)), {"train": 10})
    assert make(tmp_path, counts={"train": 5}).complete


@pytest.mark.parametrize(
    ("config", "options", "said"),
    [
        (ToyConfig(seed=1), {}, "made with seed 0, and now it is 1"),
        (ToyConfig(), {"pictures": False}, "made with pictures true, and now it is false"),
        (ToyConfig(), {"shard_size": 6}, "made with shard_size 5, and now it is 6"),
    ],
)
def test_a_set_made_from_something_else_is_refused(whole, copy, config, options, said):
    with pytest.raises(OutputError, match=said):
        make(copy, config, **options)
    assert contents(copy) == contents(whole)


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"other files \(thesis\.txt\)"):
        make(tmp_path, counts=SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_damaged_manifest_is_refused(copy):
    (copy / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json: not a JSON file"):
        make(copy)


@pytest.mark.skipif(os.name != "posix", reason="locks are POSIX's")
def test_two_processes_do_not_make_one_set(tmp_path):
    out = tmp_path / "set"
    with start(out, config=ToyConfig(delay_s=0.02)) as process:
        until((out / "manifest.json").exists)
        with pytest.raises(OutputError, match="another process is at it"):
            make(out)
        process.kill()


def test_one_bad_sample_costs_one_file(whole, tmp_path):
    with pytest.raises(PoseteriorError) as caught:
        make(tmp_path, ToyConfig(raise_at=("train 7",)))
    assert str(caught.value) == (
        "train 7 could not be made: ArithmeticError: one toy too many; 1 of 10 files are missing, "
        "what is finished is kept, and the same command goes on from there"
    )
    assert len(shards(tmp_path)) == len(shards(whole)) - 1
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    (failure,) = [entry for entry in logged if entry["event"] == "failure"]
    assert "in sample\n" in failure["traceback"]
    make(tmp_path)
    assert contents(tmp_path) == contents(whole)


def test_the_third_failure_ends_it(tmp_path):
    config = ToyConfig(raise_at=("train 0", "train 5", "train 10"))
    with pytest.raises(PoseteriorError, match=r"train 0 .*5 of 5 files are missing"):
        make(tmp_path, config, {"train": 23})
    assert not shards(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_a_worker_that_dies_is_replaced_and_its_sample_named(tmp_path):
    with pytest.raises(PoseteriorError) as caught:
        make(tmp_path, ToyConfig(die_at=("test 6",)), {"test": 12})
    assert "test 6 could not be made: its worker process was ended by SIGKILL; 1 of 3" in str(caught.value)
    assert [path.name for path in shards(tmp_path)] == ["shard-00000.npz", "shard-00002.npz"]


def test_a_maker_that_cannot_start_is_said_at_once(tmp_path):
    with pytest.raises(PoseteriorError, match="cannot start: ValueError: the toy is broken"):
        make(tmp_path, ToyConfig(broken=True), SMALL)
    make(tmp_path, counts=SMALL)


def test_a_full_disk_is_one_sentence_and_ends_the_workers(tmp_path, monkeypatch):
    from pathlib import Path

    write, pids = Path.write_bytes, tmp_path / "pids"
    pids.mkdir()

    def full(path, content):
        write(path, content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"cannot write .*shard-00000\.npz: No space left on device"):
        make(tmp_path / "set", ToyConfig(pid_folder=str(pids)), SMALL)
    assert not alive(pids)
    assert not list((tmp_path / "set").rglob(".*.tmp"))
    monkeypatch.undo()
    assert make(tmp_path / "set", counts=SMALL).complete


def test_an_unwritable_folder_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        make(tmp_path / "file", counts=SMALL)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="not writable"):
        make(tmp_path / "set", counts=SMALL)


@pytest.mark.parametrize(
    ("counts", "options", "said"),
    [
        ({"holdout": 3}, {}, "no split 'holdout'"),
        ({"train": -1}, {}, "-1 train samples"),
        (SMALL, {"workers": 0}, "workers is 0"),
        (SMALL, {"shard_size": 0}, "shard_size is 0"),
    ],
)
def test_what_cannot_be_meant_is_said(tmp_path, counts, options, said):
    with pytest.raises(InputError, match=said):
        make(tmp_path / "set", counts=counts, **options)
    assert not (tmp_path / "set").exists()


def test_progress_counts_every_sample_once(copy):
    shards(copy)[0].unlink()  # of test: 5 samples
    heard = []
    make(copy, on_progress=heard.append)
    assert [progress.made for progress in heard] == [0, 1, 2, 3, 4, 5]
    assert {(progress.found, progress.total) for progress in heard} == {(37, 42)}


def test_the_pace_is_that_of_the_last_minutes():
    from poseterior.data.synthesis.generate import Progress

    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.text(Progress(1_000, 0, 10_000)) == "1,000 of 10,000 samples"
    now[0] = 10.0
    assert pace.text(Progress(1_000, 100, 10_000)) == "1,100 of 10,000 samples, 10.0/s, 15 min left"
    for second in range(11, 1000):  # ten times slower
        now[0] = float(second)
        said = pace.text(Progress(1_000, 90 + second, 10_000))
    assert said == "2,089 of 10,000 samples, 1.0/s, 2 h 12 min left"
    assert duration(42.4) == "42 s"


def test_without_a_terminal_a_line_is_said_every_minute(monkeypatch, tmp_path):
    from poseterior.data.synthesis import progress
    from poseterior.data.synthesis.generate import Progress

    now, said = [0.0], []
    lines = progress._Lines(said.append, lambda: now[0])
    for second in range(150):
        now[0] = float(second)
        lines(Progress(0, second, 1000))
    assert [line.split(" of")[0] for line in said] == ["0", "60", "120"]
    with (tmp_path / "stream").open("w") as stream, shown_progress(stream, said.append) as show:
        show(Progress(0, 5, 1000))
        assert said[-1] == "5 of 1,000 samples" and stream.tell() == 0


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_makes_the_same_bytes(whole, tmp_path):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed (extra: cluster)")
    from poseterior.data.synthesis.cluster import generate_on_cluster

    options = {"pictures": True, "shard_size": SHARD_SIZE}
    local = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    # in a worker process the environment would say so; here workers are threads of this one
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        with distributed.LocalCluster(**local) as cluster, distributed.Client(cluster) as client:
            broken = ToyConfig(raise_at=("train 7",))
            with pytest.raises(PoseteriorError, match=r"train 7 could not .*ArithmeticError.*1 of 10 files"):
                generate_on_cluster(client, broken, tmp_path / "set", COUNTS, **options)
            generate_on_cluster(cluster.scheduler_address, ToyConfig(), tmp_path / "set", COUNTS, **options)
            with pytest.raises(OutputError, match="made with seed 0, and now it is 4"):
                generate_on_cluster(client, ToyConfig(seed=4), tmp_path / "set", COUNTS, **options)
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
    assert contents(tmp_path / "set") == contents(whole)
