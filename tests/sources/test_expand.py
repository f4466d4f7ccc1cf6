"""Sources: files, folders, globs and video frames; one that fails does not stop the others."""

import os

import numpy as np
import pytest
from PIL import Image

from poseterior.errors import InputError
from poseterior.sources.expand import expand_sources


def picture(path, grey):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (20, 20), grey).save(path)
    return path


def greys(pictures):
    return [int(entry.read()[0, 0, 0]) for entry in pictures]


def test_file_folder_and_glob_in_order(tmp_path):
    one = picture(tmp_path / "one.png", 1)
    picture(tmp_path / "folder" / "b.PNG", 3)
    picture(tmp_path / "folder" / "a.jpg", 2)
    picture(tmp_path / "folder" / "below" / "c.png", 9)
    (tmp_path / "folder" / "notes.txt").write_text("not a picture")
    picture(tmp_path / "g2.png", 5)
    picture(tmp_path / "g1.png", 4)
    pictures = expand_sources([one, tmp_path / "folder", str(tmp_path / "g?.png")])
    assert [entry.name for entry in pictures] == ["one", "a", "b", "g1", "g2"]
    assert greys(pictures) == [1, 2, 3, 4, 5]


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    path = tmp_path / "later.png"
    entry = expand_sources([path])[0]
    picture(path, 7)
    assert greys([entry]) == [7]


def test_failures_are_kept_in_their_place(tmp_path):
    good = picture(tmp_path / "good.png", 1)
    (tmp_path / "void").mkdir()
    video = tmp_path / "walk.mp4"
    video.write_bytes(b"something")
    sources = [tmp_path / "missing.png", tmp_path / "void", str(tmp_path / "*.gif"), video, good]
    pictures = expand_sources(sources)
    assert len(pictures) == 5
    for entry, text in zip(
        pictures,
        [
            r"missing\.png does not exist",
            "void holds no pictures",
            "no file matches",
            "is a video; choose one",
        ],
        strict=False,
    ):
        with pytest.raises(InputError, match=text):
            entry.read()
    assert greys(pictures[-1:]) == [1]


def test_video_frame_is_named_and_fails_with_its_path(tmp_path):
    entry = expand_sources([f"{tmp_path}/walk.mp4#120"])[0]
    assert entry.name == "walk_frame000120" and entry.source.endswith("walk.mp4#120")
    with pytest.raises(InputError, match=r"walk\.mp4 does not exist"):
        entry.read()


def test_a_file_whose_name_looks_like_a_frame_or_glob(tmp_path):
    paths = [picture(tmp_path / "shot#3.png", 0), picture(tmp_path / "shot[1].png", 1)]
    paths.append(picture(tmp_path / "plain.png", 2).rename(tmp_path / "plain.png#3"))
    assert greys(expand_sources(paths)) == [0, 1, 2]


def test_names_are_unique_also_without_case(tmp_path):
    paths = [
        picture(tmp_path / "a" / "x.png", 1),
        picture(tmp_path / "b" / "x.jpg", 2),
        picture(tmp_path / "c" / "X.png", 3),
        picture(tmp_path / "d" / "x-2.png", 4),
    ]
    names = [entry.name for entry in expand_sources(paths)]
    assert names == ["x", "x-2", "X-3", "x-2-2"]
    np.testing.assert_array_equal(len({name.lower() for name in names}), 4)


def test_overlong_source_is_one_failed_input():
    entry = expand_sources(["x" * 5000])[0]
    with pytest.raises(InputError, match="cannot be read"):
        entry.read()


def test_empty_text_is_one_failed_input_and_not_the_current_folder(tmp_path, monkeypatch):
    picture(tmp_path / "here.png", 1)
    monkeypatch.chdir(tmp_path)
    (entry,) = expand_sources([""])
    with pytest.raises(InputError, match="empty text"):
        entry.read()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("source", ["folder", "folder/*"])
def test_broken_links_and_pipes_among_pictures_are_said_not_skipped(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "folder" / "good.png", 1)
    (tmp_path / "folder" / "album.jpg").mkdir()
    (tmp_path / "folder" / "broken.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "folder" / "pipe.png")
    broken, good, pipe = expand_sources([source])
    assert greys([good]) == [1]
    for entry, text in ((broken, "does not exist"), (pipe, "is a pipe or a device")):
        with pytest.raises(InputError, match=text):
            entry.read()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_given_by_name_does_not_wait_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for source in (tmp_path / "pipe", f"{tmp_path}/pipe#3", os.devnull):
        (entry,) = expand_sources([source])
        with pytest.raises(InputError, match="is a pipe or a device"):
            entry.read()
