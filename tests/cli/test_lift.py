"""`poseterior lift` run as a process on real files, good and bad."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from _process import poseterior
from PIL import Image

from poseterior import Hypotheses
from poseterior.weights import DEFAULT_MODEL, model_folder

FRAME = 100


@pytest.fixture(scope="module")
def person(asset, demo_frame):
    """A crop of the sample video around the walking woman, as pixels."""
    asset("pose_landmark_full.tflite"), asset("pose_detection.tflite")
    return demo_frame(FRAME)[430:994, 740:1340]


@pytest.fixture
def photo_file(person, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(person).save(path)
    return path


def test_photo_becomes_npz_json_and_png(photo_file, tmp_path):
    out = tmp_path / "out"
    done = poseterior("lift", photo_file, "--samples", 50, "--seed", 7, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
    assert sorted(path.name for path in out.iterdir()) == ["photo.json", "photo.npz", "photo.png"]
    from_npz, from_json = (Hypotheses.load(out / f"photo.{kind}") for kind in ("npz", "json"))
    assert from_npz.poses_m.shape == (50, 17, 3)
    assert from_npz.settings["seed"] == 7
    np.testing.assert_allclose(from_npz.poses_m, from_json.poses_m, atol=1e-6)
    assert Image.open(out / "photo.png").size == (1600, 900)


def test_json_is_all_that_is_printed(photo_file, tmp_path):
    missing = tmp_path / "missing.jpg"
    done = poseterior(
        "lift", photo_file, missing, "--json", "--no-figure", "--samples", 5, "--out", tmp_path / "out"
    )
    assert done.returncode == 1
    good, bad = json.loads(done.stdout)
    assert good["source"] == str(photo_file)
    assert set(good["mean_spread_mm"]) == {"x", "y", "depth"}
    assert {"person_box", "heatmaps", "gaussian_fit", "flow"} <= set(good["timings_ms"])
    assert all(Path(file).exists() for file in good["files"])
    assert str(missing) in bad["error"]


def test_same_seed_same_poses_in_any_company(photo_file, person, tmp_path):
    other = tmp_path / "other.png"
    Image.fromarray(person[:, ::-1].copy()).save(other)
    alone, together, reseeded = tmp_path / "alone", tmp_path / "together", tmp_path / "reseeded"
    poseterior("lift", photo_file, "--no-figure", "--samples", 20, "--out", alone)
    poseterior("lift", other, photo_file, "--no-figure", "--samples", 20, "--out", together)
    poseterior("lift", photo_file, "--no-figure", "--samples", 20, "--seed", 1, "--out", reseeded)
    first, second, third = (Hypotheses.load(folder / "photo.npz") for folder in (alone, together, reseeded))
    np.testing.assert_array_equal(first.poses_m, second.poses_m)
    assert np.abs(first.poses_m - third.poses_m).max() > 0.01


def test_bad_pictures_are_named_and_the_good_one_is_done(photo_file, person, tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "text.jpg").write_text("no picture")
    (folder / "empty.png").write_bytes(b"")
    Image.fromarray(person).save(folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "whole.jpg").unlink()
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    Image.new("RGB", (300, 300), (90, 120, 90)).save(folder / "nobody.png")
    Image.new("RGB", (20_000, 40)).save(folder / "wide.png")
    out = tmp_path / "out"
    done = poseterior("lift", folder, tmp_path / "nix.jpg", photo_file, "--out", out, "--samples", 10)
    assert done.returncode == 1
    sentences = done.stderr.splitlines()
    bad = ["dot.png", "empty.png", "nobody.png", "text.jpg", "truncated.jpg", "wide.png", "nix.jpg"]
    assert len(sentences) == len(bad)
    for name, sentence in zip(bad, sentences, strict=True):
        assert name in sentence
        assert "internal error" not in sentence
    assert "no person found" in sentences[2]
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["photo.json", "photo.npz", "photo.png"]


def test_every_kind_of_picture_gives_the_same_skeleton(photo_file, person, tmp_path):
    folder = tmp_path / "kinds"
    folder.mkdir()
    Image.fromarray(person).convert("RGBA").save(folder / "alpha.png")
    grey = Image.fromarray(person).convert("L")
    grey.save(folder / "grey.png")
    Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(folder / "grey16.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(person).copy()).save(folder / "rotated.png", exif=exif)
    out = tmp_path / "out"
    done = poseterior("lift", folder, photo_file, "--no-figure", "--samples", 10, "--out", out)
    assert done.returncode == 0, done.stderr
    results = {path.stem: Hypotheses.load(path).detection.gaussians for path in out.glob("*.npz")}
    original = results.pop("photo")
    assert set(results) == {"alpha", "grey", "grey16", "rotated"}
    for name in ("alpha", "rotated"):
        np.testing.assert_array_equal(results[name].mean_px, original.mean_px)
    np.testing.assert_array_equal(results["grey"].mean_px, results["grey16"].mean_px)
    confident = original.amplitude > 0.6
    assert confident.sum() >= 8
    assert np.abs(results["grey"].mean_px - original.mean_px)[confident].max() < 0.05 * person.shape[0]


def test_frames_of_a_video_and_equal_names(asset, photo_file, person, tmp_path):
    twin = tmp_path / "twin" / "photo.png"
    twin.parent.mkdir()
    Image.fromarray(person).save(twin)
    out = tmp_path / "out"
    frame = f"{asset('demo.mp4')}#{FRAME}"
    done = poseterior("lift", photo_file, twin, frame, "--no-figure", "--samples", 5, "--out", out)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in out.iterdir()} == {"photo", "photo-2", f"demo_frame{FRAME:06d}"}


def test_a_box_chooses_the_person(photo_file, person, tmp_path):
    height, width = person.shape[:2]
    out = tmp_path / "out"
    done = poseterior("lift", photo_file, "--box", f"0,0,{width},{height}", "--no-figure", "--out", out)
    assert done.returncode == 0, done.stderr
    outside = poseterior("lift", photo_file, "--box", "5000,5000,10,10", "--out", tmp_path / "out2")
    assert outside.returncode == 1
    assert "photo.png" in outside.stderr and "box" in outside.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--box", "1,2,3"], "expected four numbers X,Y,W,H"),
        (["--box", "1,2,-3,4"], "a width and a height above 0"),
        (["--box", "1,2,nan,4"], "a width and a height above 0"),
        (["--box", "1,2,inf,4"], "expected finite numbers"),
        (["--box=-inf,2,3,4"], "expected finite numbers"),
        (["--samples", "0"], "expected 1 to 100000"),
        (["--seed", "-1"], "expected 0 or more"),
        (["--samples", "many"], "--samples"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments, said, tmp_path):
    done = poseterior("lift", tmp_path / "photo.png", *arguments, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_nothing_to_lift_is_wrong_usage():
    done = poseterior("lift")
    assert done.returncode == 2
    assert "at least one SRC" in done.stderr


def one_sentence(done, *parts):
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for part in parts:
        assert part in done.stderr
    assert done.stdout == ""


def test_the_users_own_files_are_never_overwritten(photo_file, person, tmp_path):
    original = photo_file.read_bytes()
    one_sentence(
        poseterior("lift", "photo.png", "--samples", 3, "--out", ".", cwd=tmp_path),
        "cannot write photo.png: it is a picture to lift",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"], "nothing is half-written"

    folder = tmp_path / "shots"
    folder.mkdir()
    Image.fromarray(person).save(folder / "photo.jpg")
    (folder / "photo.png").write_bytes(original)
    (folder / "other.jpg").write_bytes((folder / "photo.jpg").read_bytes())
    (folder / "other.json").write_text('{"shapes": []}')
    done = poseterior("lift", "shots/photo.jpg", "shots/other.jpg", "--out", "shots", cwd=tmp_path)
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert "shots/photo.jpg: cannot write shots/photo.png: what is there is not a result" in first
    assert "shots/other.jpg: cannot write shots/other.json: what is there is not a result" in second
    assert photo_file.read_bytes() == (folder / "photo.png").read_bytes() == original
    assert (folder / "other.json").read_text() == '{"shapes": []}'
    assert len(list(folder.iterdir())) == 4


def test_results_beside_the_picture_and_again(photo_file, tmp_path):
    arguments = ("lift", "photo.png", "--no-figure", "--samples", 3, "--out", ".")
    for seed in (0, 1):
        done = poseterior(*arguments, "--seed", seed, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert Hypotheses.load(tmp_path / "photo.npz").settings["seed"] == seed
    figure = poseterior("lift", "photo.png", "--samples", 3, "--out", "out", cwd=tmp_path)
    assert figure.returncode == 0
    drawn = (tmp_path / "out" / "photo.png").read_bytes()
    again = poseterior("lift", "out/photo.png", "--samples", 3, "--out", "out", cwd=tmp_path)
    one_sentence(again, "cannot write out/photo.png: it is a picture to lift")
    assert (tmp_path / "out" / "photo.png").read_bytes() == drawn


def test_results_into_a_folder_of_pictures_to_lift_is_wrong_usage(photo_file, tmp_path):
    done = poseterior("lift", ".", "--out", f"../{tmp_path.name}", cwd=tmp_path)
    assert done.returncode == 2
    assert "is a folder of pictures to lift" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_odd_sources_are_said_and_odd_names_are_lifted(photo_file, tmp_path):
    names = ["with space", "ha#3", "-dash", "é日本", "dol$lar$_{x", "star*", "new\nline", "n" * 251]
    for name in names:
        (tmp_path / f"{name}.png").write_bytes(photo_file.read_bytes())
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "broken.png").symlink_to("nowhere")
    out = tmp_path / "out"
    done = poseterior("lift", ".", "--samples", 3, "--out", out, cwd=tmp_path, timeout=120)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == len(names), "one line each (photo.png is one, the long name none)"
    broken, too_long, pipe = done.stderr.splitlines()
    assert "broken.png does not exist" in broken
    assert "nnn.png" in too_long and "File name too long" in too_long
    assert "pipe.png is a pipe or a device" in pipe
    whole = {f"{name}.{kind}" for name in [*names[:-1], "photo"] for kind in ("npz", "json", "png")}
    assert {path.name for path in out.iterdir()} == whole


def test_json_holds_an_entry_for_each_picture_also_where_nothing_can_be_lifted(tmp_path):
    done = poseterior("lift", "a.png", "b.png", "--json", "--model", "none", "--out", tmp_path / "out")
    assert done.returncode == 1
    entries = json.loads(done.stdout)
    assert [entry["source"] for entry in entries] == ["a.png", "b.png"]
    assert all("model none" in entry["error"] for entry in entries)
    assert len(done.stderr.splitlines()) == 1


def test_output_folder_that_is_a_file(photo_file, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    one_sentence(poseterior("lift", photo_file, "--out", taken), str(taken), "not a folder")
    assert taken.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_output_folder_that_is_not_writable(photo_file, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    one_sentence(poseterior("lift", photo_file, "--out", locked), str(locked), "not writable")


@pytest.fixture
def model_copy(tmp_path):
    return shutil.copytree(model_folder(DEFAULT_MODEL), tmp_path / "model")


def test_damaged_weights_are_refused(photo_file, model_copy, tmp_path):
    weights = model_copy / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    done = poseterior("lift", photo_file, "--model", model_copy, "--out", tmp_path / "out")
    one_sentence(done, "weights.safetensors")


def test_model_for_another_detector_is_refused(photo_file, model_copy, tmp_path):
    card = json.loads((model_copy / "model.json").read_text())
    card["detector_profile"] = "hrnet-w32"
    (model_copy / "model.json").write_text(json.dumps(card))
    done = poseterior("lift", photo_file, "--model", model_copy, "--out", tmp_path / "out")
    one_sentence(done, "hrnet-w32", "blazepose-full")


@pytest.mark.parametrize("model", ["no-such-model", "."])
def test_model_that_is_none(photo_file, model, tmp_path):
    one_sentence(poseterior("lift", photo_file, "--model", model, cwd=tmp_path), "model")


def test_card_that_is_a_list(photo_file, model_copy, tmp_path):
    (model_copy / "model.json").write_text("[]")
    one_sentence(poseterior("lift", photo_file, "--model", "model", cwd=tmp_path), "model.json")


def test_model_by_a_relative_path(photo_file, model_copy, tmp_path):
    done = poseterior("lift", "photo.png", "--model", "./model", "--no-figure", "--samples", 1, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 pose ->" in done.stdout


def test_unknown_detector(photo_file, tmp_path):
    one_sentence(poseterior("lift", photo_file, "--detector", "yolo", cwd=tmp_path), "yolo", "blazepose-full")


def test_no_cache_and_no_network_is_one_sentence(photo_file, tmp_path):
    offline = {
        **os.environ,
        "POSETERIOR_CACHE_DIR": str(tmp_path / "cache"),
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": "",
    }
    lift = ("lift", photo_file, "--out", tmp_path / "out")
    one_sentence(poseterior(*lift, env=offline), "pose_landmark_full.tflite", str(tmp_path / "cache"))
    (tmp_path / "cache" / "pose_landmark_full.tflite").write_bytes(b"damaged")
    one_sentence(poseterior(*lift, env=offline), "pose_landmark_full.tflite", "no intact copy")
    not_a_folder = {**offline, "POSETERIOR_CACHE_DIR": str(photo_file)}
    one_sentence(
        poseterior(*lift, env=not_a_folder), f"the cache folder {photo_file}", "POSETERIOR_CACHE_DIR"
    )
