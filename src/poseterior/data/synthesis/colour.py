"""Between linear light and sRGB's encoding of it (IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32


def linear_from_srgb(encoded: Float32[np.ndarray, "*picture 3"]) -> Float32[np.ndarray, "*picture 3"]:
    """Linear RGB of encoded values in [0, 1]."""
    low = encoded / np.float32(12.92)
    high = ((np.maximum(encoded, np.float32(0.0)) + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(encoded <= np.float32(0.04045), low, high).astype(np.float32)


def srgb_from_linear(light: Float32[np.ndarray, "*picture 3"]) -> Float32[np.ndarray, "*picture 3"]:
    """Encoded values in [0, 1]; light beyond white is cut off."""
    light = np.clip(light, 0.0, 1.0)
    low = light * np.float32(12.92)
    high = np.float32(1.055) * light ** np.float32(1.0 / 2.4) - np.float32(0.055)
    return np.where(light <= np.float32(0.0031308), low, high).astype(np.float32)
