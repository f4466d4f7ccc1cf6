"""Loads a compiled library that lies beside its C sources, and refuses one of other sources."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

from poseterior.errors import PoseteriorError
from poseterior.native.fingerprint import sources_sha256

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
"""Of a shared library on this platform."""


def load_library(path: Path, what: str) -> ctypes.CDLL:
    """The library at `path`; calls into it release the GIL.

    It knows the SHA-256 of the sources that it was compiled from: NAME_sources() of NAME.so gives it. Where those
    beside it have changed since (a checkout that was updated, but not installed again) it is refused.

    Args:
        path: of the library.
        what: it is, for messages, such as "Gaussian fit".

    Raises:
        PoseteriorError: the library is missing, cannot be loaded, or was built from other sources.
    """
    mend = "reinstall poseterior with pip, which compiles it"
    try:
        library = ctypes.CDLL(str(path))
        sources = library[f"{path.stem}_sources"]
    except (OSError, AttributeError) as error:
        raise PoseteriorError(f"the compiled {what} {path} cannot be loaded ({error}): {mend}") from None
    sources.restype = ctypes.c_char_p
    if sources_sha256(path.parent) not in (sources().decode(), None):
        raise PoseteriorError(f"the compiled {what} {path} is not of the C sources beside it: {mend}")
    return library
