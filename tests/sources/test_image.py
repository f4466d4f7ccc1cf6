"""Pictures of every kind are read as upright RGB; what cannot be read is refused in one sentence."""

import io
import os
import warnings

import numpy as np
import pytest
from PIL import Image

from poseterior.errors import InputError
from poseterior.sources.image import MAX_PIXELS, read_image


@pytest.fixture
def gradient():
    """uint8 RGB, 40 x 60, different in every corner and channel."""
    y, x = np.mgrid[:40, :60]
    return np.stack([4 * x, 6 * y, 255 - 4 * x], axis=-1).astype(np.uint8)


def save(image, path, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "ppm"])
def test_lossless_formats_are_read_exactly(gradient, tmp_path, suffix):
    image = read_image(save(gradient, tmp_path / f"a.{suffix}"))
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, gradient)


def test_jpeg_is_told_by_content_not_by_name(gradient, tmp_path):
    path = save(gradient, tmp_path / "a.jpg", quality=95).rename(tmp_path / "a.dat")
    assert np.abs(read_image(path).astype(int) - gradient).mean() < 3


def test_alpha_is_put_on_white(gradient, tmp_path):
    rgba = np.dstack([gradient, np.full(gradient.shape[:2], 255, np.uint8)])
    rgba[:20, :, 3] = 0
    rgba[20:30, :, 3] = 51
    image = read_image(save(rgba, tmp_path / "a.png"))
    assert (image[:20] == 255).all()
    expected = 255 - 0.2 * (255.0 - gradient[20:30])
    np.testing.assert_allclose(image[20:30], expected, atol=1.01)
    np.testing.assert_array_equal(image[30:], gradient[30:])


def test_grey_with_alpha_and_palette_with_transparency(tmp_path):
    grey = np.dstack([np.full((20, 20), 10, np.uint8), np.zeros((20, 20), np.uint8)])
    assert (read_image(save(Image.fromarray(grey), tmp_path / "la.png")) == 255).all()
    palette = Image.new("P", (20, 20), 0)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((3, 4), 1)
    image = read_image(save(palette, tmp_path / "p.png", transparency=0))
    assert image[4, 3].tolist() == [40, 50, 60] and image[0, 0].tolist() == [255, 255, 255]


def test_grey_bilevel_and_cmyk(gradient, tmp_path):
    grey = gradient[:, :, 1]
    image = read_image(save(grey, tmp_path / "l.png"))
    np.testing.assert_array_equal(image, np.repeat(grey[:, :, None], 3, axis=2))
    bilevel = read_image(save(Image.fromarray(grey > 100), tmp_path / "1.png"))
    np.testing.assert_array_equal(bilevel[:, :, 0], np.where(grey > 100, 255, 0))
    cmyk = read_image(save(Image.fromarray(gradient).convert("CMYK"), tmp_path / "c.tiff"))
    assert np.abs(cmyk.astype(int) - gradient).max() <= 2


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path, suffix):
    deep = np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)
    image = read_image(save(deep, tmp_path / f"a.{suffix}"))
    np.testing.assert_array_equal(image[:, :, 0], np.round(deep / 257.0).astype(np.uint8))
    assert len(np.unique(image)) == 256


def test_real_valued_tiff_in_0_to_1_and_outside(tmp_path):
    values = np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)
    image = read_image(save(values, tmp_path / "a.tiff"))
    np.testing.assert_array_equal(image[:, :, 2], np.round(255 * values.astype(float)).astype(np.uint8))
    with pytest.raises(InputError, match=r"b\.tiff holds grey values outside of 0\.\.1"):
        read_image(save(values * 7, tmp_path / "b.tiff"))


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [(1, lambda a: a), (3, lambda a: np.rot90(a, 2)), (6, lambda a: np.rot90(a, -1)), (8, np.rot90)],
)
def test_exif_orientation_is_applied(gradient, tmp_path, orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = read_image(save(gradient, tmp_path / "a.png", exif=exif))
    np.testing.assert_array_equal(image, upright(gradient))


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "a.gif")[5, 5].tolist() == [255, 0, 0]


def test_20000_px_wide_is_read_without_a_warning(tmp_path, capfd, monkeypatch):
    # Pillow would warn of this size, as it does by itself from 89 megapixels on
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 11_000_000)
    path = save(Image.new("L", (20_000, 1_000), 77), tmp_path / "wide.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = read_image(path)
    assert image.shape == (1_000, 20_000, 3) and (image[::500, ::500] == 77).all()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("size", [(20_000, 5_001), (20_000, 20_000)])
def test_too_many_pixels_are_refused_before_decoding(tmp_path, size):
    path = save(Image.new("1", size), tmp_path / "huge.png")
    with pytest.raises(InputError, match=rf"huge\.png is too large.*{MAX_PIXELS // 1_000_000} megapixels"):
        read_image(path)


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_too_small_is_refused(tmp_path, size):
    path = save(Image.new("RGB", size), tmp_path / "small.png")
    with pytest.raises(InputError, match=rf"small\.png is {size[0]} x {size[1]} px; expected at least 16 px"):
        read_image(path)


def test_not_a_picture_missing_folder_empty(tmp_path):
    (tmp_path / "text.jpg").write_text("hello, I am not a picture")
    (tmp_path / "empty.png").touch()
    for name, text in [
        ("text.jpg", "is not a picture that can be read"),
        ("empty.png", "is empty"),
        ("missing.png", "does not exist"),
        ("", "is a folder"),
        ("nul\0byte.png", "cannot be read"),
        ("x" * 5000, "cannot be read"),
    ]:
        with pytest.raises(InputError, match=text) as raised:
            read_image(tmp_path / name)
        assert "\n" not in str(raised.value)


def test_every_truncation_of_a_jpeg_and_png_is_one_sentence(gradient, tmp_path):
    for suffix in ("jpg", "png"):
        whole = save(gradient, tmp_path / f"a.{suffix}").read_bytes()
        for length in (4, 30, len(whole) // 4, len(whole) // 2, 3 * len(whole) // 4):
            path = tmp_path / f"cut-{length}.{suffix}"
            path.write_bytes(whole[:length])
            with pytest.raises(InputError, match=rf"cut-{length}\.{suffix} is (truncated|not a picture)"):
                read_image(path)


def test_scripts_are_never_run(tmp_path):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40)).save(buffer, "EPS")
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="is not a picture"):
        read_image(tmp_path / "a.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
def test_unreadable_file(gradient, tmp_path):
    path = save(gradient, tmp_path / "a.png")
    path.chmod(0)
    with pytest.raises(InputError, match=r"a\.png cannot be read: Permission denied"):
        read_image(path)
