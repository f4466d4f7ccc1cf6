"""Frames of a video: the exact one, upright; what cannot be read is refused in one sentence."""

import struct

import av
import numpy as np
import pytest

from poseterior.errors import InputError
from poseterior.sources.video import iter_frames, read_frame


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Ten lossless frames, 48 x 32; frame k is 10 k grey with a white top left corner; irregular times."""
    path = tmp_path_factory.mktemp("video") / "grey.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "bgr0"
        for k in range(10):
            frame = av.VideoFrame.from_ndarray(grey_frame(k), format="rgb24")
            frame.pts = k * k + k
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def grey_frame(k):
    image = np.full((32, 48, 3), 10 * k, np.uint8)
    image[:4, :4] = 255
    return image


@pytest.mark.parametrize("index", [0, 1, 7, 9])
def test_read_frame_gives_the_exact_frame(video, index):
    np.testing.assert_array_equal(read_frame(video, index), grey_frame(index))


def test_iter_frames_slices(video):
    got = list(iter_frames(video, start=2, stop=9, step=3))
    assert [index for index, _ in got] == [2, 5, 8]
    for index, image in got:
        np.testing.assert_array_equal(image, grey_frame(index))


@pytest.mark.parametrize("index", [10, 500])
def test_frame_past_the_end(video, index):
    with pytest.raises(InputError, match=rf"has no frame {index}; its frames are 0 to 9"):
        read_frame(video, index)


def test_negative_frame(video):
    with pytest.raises(InputError, match="has no frame -1; frames are counted from 0"):
        read_frame(video, -1)


def test_not_a_video(tmp_path, video):
    (tmp_path / "text.mp4").write_text("hello")
    (tmp_path / "cut.mkv").write_bytes(video.read_bytes()[:300])
    for name, text in [
        ("text.mp4", "is not a video that can be read"),
        ("missing.mp4", "does not exist"),
        ("cut.mkv", "cut.mkv"),
    ]:
        with pytest.raises(InputError, match=text) as raised:
            read_frame(tmp_path / name, 0)
        assert "\n" not in str(raised.value)


def test_sound_has_no_frames(tmp_path):
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.rate = 8000
        for packet in (*stream.encode(frame), *stream.encode()):
            container.mux(packet)
    with pytest.raises(InputError, match=r"sound\.wav holds no video stream"):
        read_frame(path, 0)


def test_turned_video_is_put_upright(tmp_path):
    """Phones store upright video lying, with a matrix in the track header (tkhd) that turns it clockwise."""
    path = tmp_path / "phone.mp4"
    lying = np.zeros((32, 48, 3), np.uint8)
    lying[:, :24] = 200
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for packet in (*stream.encode(av.VideoFrame.from_ndarray(lying, format="rgb24")), *stream.encode()):
            container.mux(packet)
    data = bytearray(path.read_bytes())
    matrix = data.find(b"tkhd") + 44
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    path.write_bytes(data)
    upright = read_frame(path, 0)
    assert upright.shape == (48, 32, 3)
    # turned clockwise, the bright left half comes to the top
    assert upright[:20].min() > 150 and upright[28:].max() < 50


def test_a_name_that_looks_like_an_address_is_a_file(video, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "http:grey.mkv").write_bytes(video.read_bytes())
    np.testing.assert_array_equal(read_frame("http:grey.mkv", 3), grey_frame(3))


def test_tiny_frames_are_refused_as_tiny_pictures_are(tmp_path):
    path = tmp_path / "tiny.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = 48, 8, "bgr0"
        frame = av.VideoFrame.from_ndarray(np.zeros((8, 48, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    with pytest.raises(InputError, match=r"tiny\.mkv is 48 x 8 px; expected at least 16 px"):
        read_frame(path, 0)
