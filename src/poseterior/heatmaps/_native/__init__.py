"""The compiled Gaussian fit: C sources, the library that the build hook makes of them, and its functions' types."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

from poseterior.native.loader import SUFFIX, load_library

LIBRARY = Path(__file__).with_name(f"poseterior_fit{SUFFIX}")


@functools.cache
def library() -> ctypes.CDLL:
    """The library, loaded at the first call; raises PoseteriorError as `load_library` does."""
    loaded = load_library(LIBRARY, "Gaussian fit")
    pointer, double, int32 = ctypes.c_void_p, ctypes.c_double, ctypes.c_int32
    loaded.poseterior_fit_workspace.restype = ctypes.c_int64
    loaded.poseterior_fit_workspace.argtypes = [int32, int32]
    loaded.poseterior_fit.restype = None
    loaded.poseterior_fit.argtypes = [
        *(pointer, ctypes.c_int, ctypes.c_int64, int32, int32),  # maps, is_double, count, height, width
        *(pointer, double, pointer),  # start_mean, start_sigma, workspace
        *(pointer,) * 6,  # amplitude, mean, covariance, rmse, status, iterations
        ctypes.c_int,  # variant
    ]
    return loaded


@functools.cache
def variant() -> int:
    """The fastest variant of the fit that this processor runs: 2 (AVX-512), 1 (AVX2) or 0 (any)."""
    return library().poseterior_fit_variant()
