"""Photographs that can be backgrounds or textures, none of them with people; free of rights, pinned assets."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float32
from PIL import Image

from poseterior.assets import asset_path
from poseterior.data.synthesis.colour import linear_from_srgb

_PHOTOS = {
    "train": ("chelsea.png", "coffee.png", "brick.png", "gravel.png"),
    "validation": ("coins.png",),
    "test": ("rocket.jpg", "grass.png"),
}


def photo_names(split: str) -> tuple[str, ...]:
    """The photographs of a split; no two splits share one."""
    return _PHOTOS[split]


@lru_cache(maxsize=16)
def photo(name: str) -> Float32[np.ndarray, "height width 3"]:
    """A photograph, linear RGB; kept in memory.

    Raises:
        AssetError: it is neither cached nor to be fetched.
    """
    with Image.open(asset_path(name)) as image:
        return linear_from_srgb(np.asarray(image.convert("RGB"), dtype=np.float32) / np.float32(255.0))
