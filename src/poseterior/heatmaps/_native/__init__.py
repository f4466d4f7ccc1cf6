"""The compiled Gaussian fit: C sources, the library that the build hook makes of them, and its loader."""

from __future__ import annotations

import ctypes
import functools
import sys
from pathlib import Path

from poseterior.errors import PoseteriorError
from poseterior.heatmaps._native.fingerprint import sources_sha256

LIBRARY = Path(__file__).with_name(
    "poseterior_fit" + {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
)


@functools.cache
def library() -> ctypes.CDLL:
    """The library, loaded at the first call; calls into it release the GIL.

    It knows the SHA-256 of the sources that it was compiled from. Where they have changed since (a checkout that
    was updated, but not installed again) it is refused.

    Raises:
        PoseteriorError: the library is missing, cannot be loaded, or was built from other sources.
    """
    mend = "reinstall poseterior with pip, which compiles it"
    try:
        loaded = ctypes.CDLL(str(LIBRARY))
        loaded.poseterior_fit_sources.restype = ctypes.c_char_p
        built_from = loaded.poseterior_fit_sources().decode()
    except (OSError, AttributeError) as error:
        raise PoseteriorError(
            f"the compiled Gaussian fit {LIBRARY} cannot be loaded ({error}): {mend}"
        ) from None
    if sources_sha256(Path(__file__).parent) not in (built_from, None):
        raise PoseteriorError(
            f"the compiled Gaussian fit {LIBRARY} is not of the C sources beside it: {mend}"
        )
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
