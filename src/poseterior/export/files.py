"""Which writer and reader belong to which file name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from poseterior.errors import InputError, OutputError
from poseterior.export.json_ import read_json, write_json
from poseterior.export.npz import read_npz, write_npz
from poseterior.export.record import hypotheses_from_record, record_from_hypotheses

if TYPE_CHECKING:
    from poseterior.hypotheses.container import Hypotheses

_WRITERS = {".npz": write_npz, ".json": write_json}
_READERS = {".npz": read_npz, ".json": read_json}


def save_hypotheses(hypotheses: Hypotheses, path: Path) -> None:
    """Writes .npz or .json by the suffix, atomically; raises OutputError."""
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise OutputError(f'cannot write {path}: the suffix is "{path.suffix}"; expected .npz or .json')
    writer(record_from_hypotheses(hypotheses), path)


def load_hypotheses(path: Path) -> Hypotheses:
    """Reads .npz or .json by the suffix; raises InputError, which names the file."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f'cannot read {path}: the suffix is "{path.suffix}"; expected .npz or .json')
    try:
        return hypotheses_from_record(reader(path))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except InputError as error:
        raise InputError(f"cannot read {path}: {error}") from error
