"""Exit codes, and the sentence that goes with a failure."""

from __future__ import annotations

import os

from poseterior.cli.streams import DEBUG_VARIABLE
from poseterior.errors import PoseteriorError

DONE = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130


class UsageError(Exception):
    """The arguments parse, but cannot be meant: one sentence, exit code 2."""


def sentence(error: Exception) -> str:
    """What to tell the user of an error; raises it again where it is a bug and POSETERIOR_DEBUG is set."""
    if isinstance(error, PoseteriorError):
        return str(error)
    if os.environ.get(DEBUG_VARIABLE):
        raise error
    if isinstance(error, MemoryError):
        return "there is not enough memory; free some, or ask for fewer --samples or a smaller picture"
    return (
        f"internal error ({type(error).__name__}: {error}); set {DEBUG_VARIABLE}=1 for the traceback "
        "and please report it"
    )
