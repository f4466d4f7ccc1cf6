"""How the inner loops of synthesis are compiled: one thread, IEEE arithmetic, the same bits in every process.

Three rules keep the compiled loops sound:

- Each carries `@no_type_check` too, which keeps the tests' type checker from wrapping what numba must read.
- None calls a compiled function of another file: numba's cache would not notice when that file changes.
- They use + - * / sqrt and floor only, which every processor and mathematical library rounds alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` compiled at its first call and kept on disk; division by zero gives infinity, as in numpy."""
    return numba.njit(cache=True, error_model="numpy", nogil=True)(function)
