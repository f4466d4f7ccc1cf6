"""One picture file -> an RGB array, or one sentence that says why not."""

from __future__ import annotations

import stat
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from poseterior.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".avif", ".jp2"}
)
"""What a folder is searched for; a file given by name is judged by its content instead."""

MIN_SIDE_PX = 16
"""A smaller picture cannot show a person's joints."""

MAX_PIXELS = 100_000_000
"""A larger picture would need more than 300 MB decoded; refused before it is decoded."""

# Formats whose decoders are part of Pillow: none of them starts another program (as EPS does).
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000")


def read_image(path: str | Path) -> UInt8[np.ndarray, "height width 3"]:
    """The picture as uint8 RGB, upright (its EXIF orientation applied), x right, y down.

    Transparent pictures are put on white; greyscale, palette and CMYK are converted; 16-bit greyscale is
    scaled from 0..65535 (not clipped); of an animation the first frame is taken.

    Raises:
        InputError: missing, a folder, a pipe or device, not readable, empty, not a picture, truncated or
            damaged, smaller than `MIN_SIDE_PX` or larger than `MAX_PIXELS`.
    """
    path = Path(path)
    check_file(path)
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        # Pillow warns of large and of oddly tagged pictures; the size is judged below
        warnings.simplefilter("ignore")
        try:
            Image.init()
            known = [name for name in _FORMATS if name in Image.OPEN]
            with Image.open(path, formats=known) as image:
                check_size(path, image.width, image.height)
                return _rgb(path, image)
        except (InputError, MemoryError):
            raise
        except UnidentifiedImageError as error:
            raise InputError(f"{path} is not a picture that can be read (JPEG, PNG, WebP, ...)") from error
        except Image.DecompressionBombError as error:
            raise InputError(
                f"{path} is too large: more than {MAX_PIXELS // 1_000_000} megapixels"
            ) from error
        except Exception as error:  # a damaged file can make a decoder raise anything
            raise InputError(
                f"{path} is truncated or damaged: {str(error) or type(error).__name__}"
            ) from error


def check_file(path: Path) -> None:
    """Raise InputError unless `path` is a regular file that can be read and is not empty."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{path} is a folder; expected a picture or video file")
        if not stat.S_ISREG(mode):  # opening a pipe would wait for a writer, perhaps for ever
            raise InputError(f"{path} is a pipe or a device; expected a picture or video file")
        with path.open("rb") as file:
            if not file.read(1):
                raise InputError(f"{path} is empty; expected a picture or video file")
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{path} cannot be read: {reason}") from error


def check_size(path: Path | str, width_px: int, height_px: int) -> None:
    """Raise InputError for a picture smaller than `MIN_SIDE_PX` or larger than `MAX_PIXELS`."""
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise InputError(
            f"{path} is {width_px} x {height_px} px; expected at least {MIN_SIDE_PX} px on each side"
        )
    if width_px * height_px > MAX_PIXELS:
        raise InputError(
            f"{path} is too large: {width_px} x {height_px} px, expected at most "
            f"{MAX_PIXELS // 1_000_000} megapixels"
        )


def _rgb(path: Path, image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode == "F" or image.mode.startswith("I"):
        grey = _uint8_from_deep(path, np.asarray(image), image.mode)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def _uint8_from_deep(path: Path, values: np.ndarray, mode: str) -> UInt8[np.ndarray, "height width"]:
    """Greyscale of more than 8 bits: 0..65535, or 0..1 where it holds real numbers."""
    white = 1.0 if mode == "F" else 65535.0
    deep = values.astype(np.float64)
    if not np.isfinite(deep).all() or deep.min() < 0 or deep.max() > white:
        raise InputError(
            f"{path} holds grey values outside of 0..{white:g}; expected 8-bit, 16-bit or 0..1 greyscale"
        )
    return np.round(deep * (255.0 / white)).astype(np.uint8)
