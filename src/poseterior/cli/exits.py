"""Exit codes, and how wrong usage is said."""

from __future__ import annotations

import sys

DONE = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130


class UsageError(Exception):
    """The arguments parse, but cannot be meant: one sentence, exit code 2."""


def say_usage_error(error: UsageError) -> int:
    """Print the sentence on stderr and return the exit code."""
    print(f"poseterior: {error} (see: poseterior --help)", file=sys.stderr)
    return USAGE
