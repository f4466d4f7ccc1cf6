"""The compiled alignment of poses: C sources, the library that the build hook makes of them, and its loader."""

from __future__ import annotations

import ctypes
import functools
import sys
from pathlib import Path

from poseterior.errors import PoseteriorError
from poseterior.heatmaps._native.fingerprint import sources_sha256

LIBRARY = Path(__file__).with_name(
    "poseterior_align" + {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
)


@functools.cache
def library() -> ctypes.CDLL:
    """The library, loaded at the first call; calls into it release the GIL.

    As the compiled Gaussian fit it knows the sources that it was compiled from, and is refused beside others.

    Raises:
        PoseteriorError: the library is missing, cannot be loaded, or was built from other sources.
    """
    mend = "reinstall poseterior with pip, which compiles it"
    try:
        loaded = ctypes.CDLL(str(LIBRARY))
        loaded.poseterior_align_sources.restype = ctypes.c_char_p
        built_from = loaded.poseterior_align_sources().decode()
    except (OSError, AttributeError) as error:
        raise PoseteriorError(
            f"the compiled alignment {LIBRARY} cannot be loaded ({error}): {mend}"
        ) from None
    if sources_sha256(Path(__file__).parent) not in (built_from, None):
        raise PoseteriorError(f"the compiled alignment {LIBRARY} is not of the C sources beside it: {mend}")
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
