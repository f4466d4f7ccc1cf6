"""Text files of a recording, read whole; what cannot be read is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

from poseterior.errors import InputError


def read_text(path: Path, expected: str) -> str:
    """The file's text (UTF-8).

    Raises:
        InputError: missing, a folder, not readable, or not text; the message says what was `expected`.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; expected {expected}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text; expected {expected}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{path} cannot be read: {reason}; expected {expected}") from error
