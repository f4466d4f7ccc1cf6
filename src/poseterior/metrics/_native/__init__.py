"""The compiled alignment of poses: C sources, the library that the build hook makes of them, its functions' types."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

from poseterior.native.loader import SUFFIX, load_library

LIBRARY = Path(__file__).with_name(f"poseterior_align{SUFFIX}")


@functools.cache
def library() -> ctypes.CDLL:
    """The library, loaded at the first call; raises PoseteriorError as `load_library` does."""
    loaded = load_library(LIBRARY, "alignment")
    pointer, int32, int64 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64
    loaded.poseterior_align_workspace.restype = int64
    loaded.poseterior_align_workspace.argtypes = [int32]
    loaded.poseterior_align.restype = None
    loaded.poseterior_align.argtypes = [
        *(pointer, pointer, ctypes.c_int, int64, int64),  # predicted, truth, is_double, count, per_truth
        *(int32, int32, pointer),  # joints, root, workspace
        *(pointer,) * 4,  # errors after each alignment, NULL if not wanted
    ]
    return loaded
