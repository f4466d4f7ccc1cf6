"""From a licensed set to a trained model by the documented commands, as processes."""

import subprocess
import sys

import numpy as np
import pytest
from _process import poseterior
from _toy_evaluation import write_synth_folder
from data.h36m.conftest import Tree, all_names
from data.h36m.test_videopose import Files, expected_rows

from poseterior import cli
from poseterior.errors import InputError
from poseterior.flow.model_card import read_card
from poseterior.heatmaps.condition import condition_vector
from poseterior.train.config import DataConfig
from poseterior.train.data import load_training_data

KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
"""Human3.6M-17 among the 32 joints of the official files."""
FLOW_JOINTS = KEPT[1:]
COUNTS = {
    ("S1", "Directions", "0", "54138969"): 23,
    ("S5", "Directions", "1", "60457274"): 9,
    ("S6", "Eating", "1", "55011271"): 17,
    ("S8", "Walking", "0", "58860488"): 31,
}
"""Pictures of each video, in the authors' order of evaluation."""
MMPOSE_NAMES = [f"S1/S1_Directions_1.54138969/S1_Directions_1.54138969_{n:06d}.jpg" for n in range(1, 41)]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    assert set(COUNTS) <= set(all_names("train"))
    return Tree(tmp_path_factory.mktemp("h36m"), "train", COUNTS)


@pytest.fixture(scope="module")
def made(tree, tmp_path_factory):
    """The documented command."""
    out = tmp_path_factory.mktemp("made") / "pairs"
    result = poseterior("pairs", f"h36m:{tree.folder}:train", "--out", out, "--validation-every", "8")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "train: 70 pairs of h36m-train",
        "validation: 10 pairs of h36m-train",
        f"{out}: detector hrnet-h36m, condition variant paper",
    ]
    return out


def by_hand(tree, variant):
    """x, y, condition, uncertain of every detected picture, from the official poses and the authors' arrays."""
    arrays = [], [], [], []
    for name, count in COUNTS.items():
        for row in range(count):
            entry = tree.entry(name)
            pose_m = tree.poses[name][4 * row + 3, FLOW_JOINTS].astype(np.float64) / 1000
            x = ((pose_m - pose_m.mean(axis=0)) * [1, -1, -1]).T.ravel()
            joints = entry["2d_hrnet"][row].astype(np.float64).reshape(2, 16)
            centred = (joints - joints.mean(axis=1, keepdims=True)) * [[1], [-1]]
            fits = entry["gaussfit"][row].reshape(16, 7)
            cos, sin = np.cos(fits[:, 4]), np.sin(fits[:, 4])
            axes = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -1)
            covariance = (axes * fits[:, None, [3, 5]] ** 2) @ np.swapaxes(axes, 1, 2)
            covariance = covariance * [[1, -1], [-1, 1]]
            condition = condition_vector(
                fits[:, 0],
                fits[:, 1:3],
                covariance,
                sigma_confident_cells=2.0,
                heatmap_width=64,
                heatmap_height=64,
                variant=variant,
            )
            wide = covariance[:, [0, 1], [0, 1]].max(axis=-1) > 2.1**2
            for values, array in zip(
                (x, centred.ravel() / centred.std(), condition, wide), arrays, strict=True
            ):
                array.append(values)
    return dict(zip(("x", "y", "condition", "uncertain"), map(np.stack, arrays), strict=True))


def mmpose_file(folder):
    """A file as MMPose writes it, 40 pictures of a camera of 1145 px."""
    rng = np.random.default_rng(0)
    joints_m = rng.normal(0, 0.4, (40, 17, 3)) + np.array([0.3, -0.2, 4.5])
    pixels = 1145.0 * joints_m[..., :2] / joints_m[..., 2:] + 512
    seen = np.ones((40, 17, 1))
    fields = {
        "imgname": np.array(MMPOSE_NAMES),
        "center": pixels.mean(axis=1),
        "scale": rng.uniform(1.5, 2.5, 40),
        "part": np.concatenate([pixels, seen], axis=2),
        "S": np.concatenate([joints_m, seen], axis=2),
    }
    folder.mkdir(exist_ok=True)
    np.savez(folder / "h36m_train.npz", **fields)
    return fields


def check(folder, tree, variant):
    expected = by_hand(tree, variant)
    data = load_training_data(DataConfig(folder=folder, condition_variant=variant))
    taken = np.arange(80) % 8 == 7
    for arrays, rows in ((data.train, ~taken), (data.validation, taken)):
        for name, values in expected.items():
            np.testing.assert_allclose(getattr(arrays, name).numpy(), values[rows], atol=2e-6, err_msg=name)
    assert (data.detector_profile, data.sigma_confident_cells) == ("hrnet-h36m", 2.0)
    assert expected["uncertain"].mean() > 0.1


def test_the_pairs_are_those_worked_out_from_the_authors_files(made, tree):
    check(made, tree, "paper")
    assert sorted(path.name for path in made.iterdir()) == ["train.npz", "validation.npz"]


def test_the_authors_condition(tree, tmp_path, capsys):
    arguments = [f"h36m:{tree.folder}:train", "--out", str(tmp_path), "--variant", "official"]
    assert cli.run(["pairs", *arguments, "--validation-every", "8"]) == 0
    check(tmp_path, tree, "official")
    assert "Single 2D joints are the authors' detected ones" in capsys.readouterr().err


def test_a_model_is_trained_on_them(made, tmp_path):
    small = ("--flow.blocks", "2", "--flow.hidden", "16", "--flow.encoder-hidden", "16")
    quick = ("--data.batch-size", "16", "--schedule.steps", "4", "--validation.no-figure")
    train = ("train", "--preset", "tiny", "--data.folder", str(made), *small, *quick)
    refused = poseterior(*train, "--out", tmp_path / "run")
    assert refused.returncode == 1
    assert "expected paper (--data.heatmap-metres paper)" in refused.stderr
    train += ("--data.heatmap-metres", "paper")
    result = poseterior(*train, "--out", tmp_path / "run", "--validation.hypotheses", "5")
    assert result.returncode == 0, result.stderr
    assert read_card(tmp_path / "run" / "model").detector_profile == "hrnet-h36m"
    assert (tmp_path / "run" / "model" / "weights.safetensors").stat().st_size > 1000


def test_training_for_the_other_condition_is_refused(made):
    with pytest.raises(InputError, match=r"condition variant paper; data\.condition_variant is official"):
        load_training_data(DataConfig(folder=made, condition_variant="official"))


def test_every_64th_frame_as_the_evaluation_counts(tree, tmp_path, capsys):
    arguments = ["pairs", f"h36m:{tree.folder}:train", "--out", str(tmp_path), "--every", "64"]
    assert cli.run([*arguments, "--validation-every", "2"]) == 0
    # Directions 0, 16 of 23 + 9; Eating 0, 16 of 17; Walking 0, 16 of 31
    expected = by_hand(tree, "paper")["x"][[0, 16, 32, 48, 49, 65]]
    data = load_training_data(DataConfig(folder=tmp_path))
    np.testing.assert_allclose(data.train.x, expected[::2], atol=2e-6)
    np.testing.assert_allclose(data.validation.x, expected[1::2], atol=2e-6)
    assert "train: 3 pairs" in capsys.readouterr().out


def test_heatmaps_in_metres_by_the_camera(tmp_path, capsys):
    fields = mmpose_file(tmp_path / "mmpose")
    arguments = ["pairs", f"h36m-mmpose:{tmp_path / 'mmpose'}:train", "--heatmap-metres", "geometry"]
    arguments += ["--uncertain-from", "0.9", "--validation-every", "10", "--out", str(tmp_path / "pairs")]
    assert cli.run(arguments) == 0
    settings = DataConfig(folder=tmp_path / "pairs", heatmap_metres="geometry", uncertain_from=0.9)
    data = load_training_data(settings)
    kept = np.arange(40) % 10 != 9
    # two cells of the square, brought to the pelvis' depth
    cell_px = 200 * fields["scale"][kept] / 64
    sigma_m = 2 * cell_px * fields["S"][kept, 0, 2] / 1145
    np.testing.assert_allclose(
        data.train.heatmap_covariance_m2,
        np.broadcast_to((sigma_m**2)[:, None, None, None] * np.eye(2), (36, 16, 2, 2)),
        rtol=1e-5,
        atol=1e-9,
    )
    assert data.train.uncertain.all()
    assert "No heatmaps" in capsys.readouterr().err


def test_every_fourth_frame_of_videopose3d_s_files(tmp_path):
    files = Files(tmp_path)
    arguments = [
        f"h36m-videopose:{tmp_path}:test",
        "--validation-every",
        "2",
        "--out",
        str(tmp_path / "pairs"),
    ]
    assert cli.run(["pairs", *arguments]) == 0
    data = load_training_data(DataConfig(folder=tmp_path / "pairs"))
    truth = np.stack([files.seen[s, t, c][frame, 1:] for s, t, c, frame in expected_rows(1)])
    x = (truth - truth.mean(axis=1, keepdims=True)) * [1, -1, -1]
    expected = np.swapaxes(x, 1, 2).reshape(len(x), 48)
    np.testing.assert_allclose(data.train.x, expected[::2], atol=2e-6)
    np.testing.assert_allclose(data.validation.x, expected[1::2], atol=2e-6)
    assert not data.train.uncertain.any()


def test_another_set_to_validate_on(tree, tmp_path):
    fields = mmpose_file(tmp_path / "mmpose")
    arguments = [f"h36m:{tree.folder}:train", "--validation", f"h36m-mmpose:{tmp_path / 'mmpose'}:train"]
    assert cli.run(["pairs", *arguments, "--out", str(tmp_path / "pairs")]) == 0
    data = load_training_data(DataConfig(folder=tmp_path / "pairs"))
    np.testing.assert_allclose(data.train.x, by_hand(tree, "paper")["x"], atol=2e-6)
    np.testing.assert_allclose(
        data.validation.x[:, 0], fields["S"][:, 1, 0] - fields["S"][:, 1:, 0].mean(axis=1), atol=2e-6
    )


@pytest.fixture
def places(tree, tmp_path):
    """What the arguments below may name."""
    synth = write_synth_folder(tmp_path / "synth", counts={"train": 5, "validation": 4, "test": 3})
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no folder")
    return {"h36m": tree.folder, "synth": synth, "here": tmp_path}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere:train"], 1, "data nowhere:train: there is no such folder; expected FOLDER"),
        (["h36m:nowhere:train"], 1, "data h36m:nowhere:train: there is no folder 'nowhere:train'"),
        (["h36m:{here}/empty:train"], 1, "trainset_h36m_without_3d.pickle"),
        (["h36m:{h36m}:test"], 1, "testset_h36m_without_3d.pickle"),
        (["h36m:{h36m}:dev"], 1, "split is 'dev'; expected one of train, test"),
        (["h36m:{h36m}"], 1, "data h36m:{h36m} names no split; expected such as h36m:{h36m}:train"),
        (["{synth}"], 1, "data {synth} names no split; expected such as {synth}:train"),
        (["{synth}:dev"], 1, "there is no split 'dev'"),
        (["{synth}:train", "--every", "4"], 2, "--every is for h36m, h36m-videopose, h36m-mmpose"),
        (["h36m:{h36m}:train", "--every", "6"], 1, "every is 6; expected a multiple of 4"),
        (["{synth}:train"], 1, "set open-train has 5 pictures, of which no 97th can be for validation"),
        (["{synth}:train", "--validation-every", "1"], 2, "--validation-every is 1; expected 2 or more"),
        (["{synth}:train", "--uncertain-from", "nan"], 2, "--uncertain-from is nan; expected a positive"),
        (
            ["h36m:{h36m}:train", "--heatmap-metres", "geometry", "--validation-every", "9"],
            1,
            "set h36m-train: metres_per_cell is not known for",
        ),
        (["{synth}:train", "--validation", "h36m:{h36m}:train"], 1, "expected one detector"),
        (["{synth}:train", "--out", "{here}/file"], 1, "cannot write to {here}/file: it is not a folder"),
        (["{synth}:train", "--out", "{synth}"], 1, "{synth} holds a set made by poseterior synth"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(places, tmp_path, capsys, arguments, code, words):
    out = tmp_path / "pairs"
    given = [argument.format(**places) for argument in arguments]
    if "--out" not in given:
        given += ["--out", str(out)]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert cli.run(["pairs", *given]) == code
    said = capsys.readouterr()
    assert words.format(**places) in said.err
    assert len(said.err.splitlines()) == 1 and said.out == ""
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_both_files_are_written_or_none(places, tmp_path, capsys):
    out = tmp_path / "pairs"
    (out / "validation.npz").mkdir(parents=True)
    (out / "train.npz").write_bytes(b"older")
    arguments = ["pairs", f"{places['synth']}:train", "--validation-every", "5", "--out", str(out)]
    assert cli.run(arguments) == 1
    assert f"cannot write {out / 'validation.npz'}: it is a folder" in capsys.readouterr().err
    assert (out / "train.npz").read_bytes() == b"older"
    assert sorted(path.name for path in out.iterdir()) == ["train.npz", "validation.npz"]
    (out / "validation.npz").rmdir()
    assert cli.run(arguments) == 0
    assert len(load_training_data(DataConfig(folder=out)).train.x) == 4


def test_what_no_longer_fits_on_the_disk_leaves_nothing(places, tmp_path):
    """Files may grow as far as train.npz needs (3 pairs), and not as validation.npz does (5 pairs)."""
    script = (
        "import resource, signal, sys, poseterior.cli as cli\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
        f"sys.exit(cli.run(['pairs', '{places['synth']}:test', '--validation', '{places['synth']}:train',"
        f" '--out', '{tmp_path / 'pairs'}']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"cannot write {tmp_path / 'pairs' / 'validation.npz'}: File too large" in done.stderr
    assert list((tmp_path / "pairs").iterdir()) == []


def test_the_help_loads_no_torch():
    script = (
        "import sys, poseterior.cli as cli\n"
        "try: cli.run(['pairs', '--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith(('torch', 'poseterior.data'))], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert "--validation-every" in done.stdout


def test_without_the_extra_it_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.run(["pairs", "anything", "--out", str(tmp_path)]) == 1
    assert 'pip install "poseterior[train]"' in capsys.readouterr().err
