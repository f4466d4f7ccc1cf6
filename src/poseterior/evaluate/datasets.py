"""Evaluation sets by what the command line calls them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from poseterior.data.evaluation_set import EvaluationSet
from poseterior.errors import InputError

Open = Callable[[Path, str | None], EvaluationSet]
"""(folder, what stands behind the last colon or None) to the set."""


@dataclass(frozen=True)
class Kind:
    """A kind of set that is named before its folder: KIND:FOLDER[:PART]."""

    open: Open
    part: str
    """What PART says, for messages."""


def open_data(spec: str) -> EvaluationSet:
    """A set: `FOLDER[:SPLIT]` made by `poseterior synth`, `KIND:FOLDER[:PART]` of `KINDS`, or a name of `NAMED`.

    Raises:
        InputError: there is no such set, folder or split, or what is there cannot be used.
        AssetError: a set of a name of its own cannot be fetched.
    """
    head, _, rest = spec.partition(":")
    if head in NAMED and not _is_folder(spec):
        return NAMED[head](rest or None)
    if head in KINDS and not _is_folder(spec):
        folder, part = _folder_and_part(rest)
        if folder is None:
            raise InputError(
                f"data {spec}: there is no folder {rest!r}; expected {head}:FOLDER[:PART], PART: {KINDS[head].part}"
            )
        return KINDS[head].open(folder, part)
    folder, split = _folder_and_part(spec)
    if folder is None:
        raise InputError(
            f"data {spec}: there is no such folder; expected FOLDER[:SPLIT] of a set made by poseterior synth, "
            f"{', '.join(f'{kind}:FOLDER' for kind in KINDS)}, or {', '.join(NAMED)}"
        )
    from poseterior.data.open_set import load_open_set

    return load_open_set(folder, "test" if split is None else split)


def _folder_and_part(text: str) -> tuple[Path | None, str | None]:
    """The folder and what follows it behind a colon; folders may have colons in their names."""
    if text and _is_folder(text):
        return Path(text), None
    folder, colon, part = text.rpartition(":")
    return (Path(folder), part) if colon and folder and _is_folder(folder) else (None, None)


def _is_folder(text: str) -> bool:
    try:
        return os.path.isdir(text)  # noqa: PTH112 - unlike Path.is_dir it never raises for odd names
    except ValueError:
        return False


def _h36m(folder: Path, part: str | None) -> EvaluationSet:
    from poseterior.data.h36m import load_h36m

    return load_h36m(folder, split=part or "test")


def _h36ma(folder: Path, part: str | None) -> EvaluationSet:
    from poseterior.data.h36m import load_h36m_ambiguous

    return load_h36m_ambiguous(folder, frame_list=part)


def _h36m_videopose(folder: Path, part: str | None) -> EvaluationSet:
    from poseterior.data.h36m import load_h36m_videopose

    return load_h36m_videopose(folder, split=part or "test")


def _h36m_mmpose(folder: Path, part: str | None) -> EvaluationSet:
    from poseterior.data.h36m import load_h36m_mmpose

    return load_h36m_mmpose(folder, split=part or "test")


def _mpi_inf_3dhp(folder: Path, part: str | None) -> EvaluationSet:
    from poseterior.data.mpi_inf_3dhp import load_mpi_inf_3dhp

    return load_mpi_inf_3dhp(folder, joints_2d=part or "detector")


def _balancing(part: str | None) -> EvaluationSet:
    from poseterior.evaluate.balancing import detect_balancing

    if part is not None and not (part.isascii() and part.isdigit() and int(part) > 0):
        raise InputError(f"data pose2sim-balancing:{part}: expected a number of frames as step, 1 or more")
    return detect_balancing(step=int(part or "1"))


KINDS: dict[str, Kind] = {
    "h36m": Kind(_h36m, "train or test"),
    "h36ma": Kind(_h36ma, "a file that lists the frames"),
    "h36m-videopose": Kind(_h36m_videopose, "train or test"),
    "h36m-mmpose": Kind(_h36m_mmpose, "train or test"),
    "mpi-inf-3dhp": Kind(_mpi_inf_3dhp, "detector or truth, the 2D joints"),
}
"""Sets that lie in a folder of the user's."""

NAMED: dict[str, Callable[[str | None], EvaluationSet]] = {"pose2sim-balancing": _balancing}
"""Sets that are fetched; behind a colon: every how many frames."""
