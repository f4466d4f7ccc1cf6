"""What the command line says: results on stdout, one sentence per failure on stderr, and nothing else."""

from __future__ import annotations

import logging
import os
import sys
import warnings

DEBUG_VARIABLE = "POSETERIOR_DEBUG"
"""Environment variable: when set, tracebacks and the libraries' own messages are shown."""


def take_over_streams() -> None:
    """Make stdout and stderr ours; for a process of our own, once.

    A closed stream becomes the null device (else the next file to be opened would take its number), a character
    that the terminal cannot show is escaped, and what libraries write on stderr is dropped: Python's warnings,
    logging, and whatever native code writes on descriptor 2.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")
    if sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
    if not os.environ.get(DEBUG_VARIABLE):
        _keep_stderr_to_ourselves()


def say(text: str) -> None:
    """Print on stdout at once; that nobody reads it any more (`| head -1`) is no reason to stop working."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        mute_stdout()


def complain(text: str) -> None:
    """Print one line on stderr, under our name."""
    print(f"poseterior: {one_line(text)}", file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """The text with line breaks and control characters escaped: file names may hold any."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def mute_stdout() -> None:
    """Send what is still to be printed, also what is buffered, to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _keep_stderr_to_ourselves() -> None:
    warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    sys.stderr = os.fdopen(
        os.dup(2), "w", encoding=sys.stderr.encoding, errors="backslashreplace", buffering=1
    )
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
