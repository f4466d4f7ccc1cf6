"""`poseterior pairs DATA --out FOLDER`: a set of pictures with truth as pairs to train on."""

from __future__ import annotations

import importlib.util
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from tyro.conf import Positional, arg

from poseterior.cli.exits import DONE, UsageError
from poseterior.cli.streams import complain, one_line, say
from poseterior.cli.train import NEEDED, MissingExtraError
from poseterior.errors import InputError, OutputError

if TYPE_CHECKING:
    from poseterior.data.evaluation_set import EvaluationSet

_EVERY = {"h36m": 4, "h36m-videopose": 4, "h36m-mmpose": 1}
"""Human3.6M by kinds, and which frames (of a MMPose file: which rows) are learnt from where nobody says."""


@dataclass(frozen=True)
class MakePairs:
    """Make pairs to train on of a set of pictures with truth: for poseterior train --data.folder FOLDER.

    All joints but the pelvis must have their truth. What is given to train later (--data.condition-variant) must be
    the --variant of the pairs, and --data.heatmap-metres their --heatmap-metres.
    """

    data: Positional[Annotated[str, arg(metavar="DATA")]]
    """As evaluate --data, with its split: h36m:FOLDER:train, h36m-videopose:FOLDER:train, h36m-mmpose:FOLDER:train,
    h36ma:FOLDER, mpi-inf-3dhp:FOLDER, or FOLDER:train of a set made by poseterior synth."""
    out: Annotated[Path, arg(metavar="FOLDER")]
    """Folder for train.npz and validation.npz; made if it does not exist."""
    variant: Literal["paper", "official"] = "paper"
    """Of the condition. official: as in the authors' code, for train --preset wehrbein2021-official."""
    heatmap_metres: Literal["paper", "geometry"] = "paper"
    """How heatmaps become metres: by the paper's constant, or by each picture's own camera and depth (as the preset
    posterior was made for)."""
    every: Annotated[int | None, arg(metavar="N")] = None
    """Of Human3.6M take every N-th frame (h36m, h36m-videopose: 4 if not said, as the authors train; a multiple of
    4), or every N-th row (h36m-mmpose: 1 if not said)."""
    validation: Annotated[str | None, arg(metavar="DATA")] = None
    """Another set to validate on."""
    validation_every: Annotated[int, arg(metavar="N")] = 97
    """Without --validation: every N-th picture is for validation, and is not learnt from."""
    uncertain_from: float = 1.05
    """From how many confident sigmas of the detector on L_HM counts a joint as uncertain."""

    def run(self) -> int:
        """Read, convert, write both files or none."""
        self._check()
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise MissingExtraError(
                f'pairs needs {", ".join(missing)}, not installed here: pip install "poseterior[train]"'
            )
        from poseterior.export.atomic import writable_folder
        from poseterior.train.pair_files import pairs_of_set, write_splits

        _check_is_no_synth_set(self.out)
        writable_folder(self.out)
        train, validation = self._sets()
        write_splits(
            self.out,
            {
                split: pairs_of_set(data, self.variant, self.heatmap_metres, self.uncertain_from)
                for split, data in (("train", train), ("validation", validation))
            },
        )
        for note in dict.fromkeys((*train.notes, *validation.notes)):
            complain(note)
        say(f"train: {len(train):,} pairs of {train.name}")
        say(f"validation: {len(validation):,} pairs of {validation.name}")
        say(one_line(f"{self.out}: detector {train.profile.name}, condition variant {self.variant}"))
        return DONE

    def _check(self) -> None:
        if self.every is not None and self.data.partition(":")[0] not in _EVERY:
            raise UsageError(f"pairs: --every is for {', '.join(_EVERY)}; data is {self.data}")
        if self.validation_every < 2:
            raise UsageError(f"pairs: --validation-every is {self.validation_every}; expected 2 or more")
        if not (math.isfinite(self.uncertain_from) and self.uncertain_from > 0):
            raise UsageError(f"pairs: --uncertain-from is {self.uncertain_from}; expected a positive number")

    def _sets(self) -> tuple[EvaluationSet, EvaluationSet]:
        """What is learnt from and what is validated on, seen by one detector."""
        data = _opened(self.data, self.every)
        if self.validation is None:
            return _divided(data, self.validation_every)
        validation = _opened(self.validation, self.every)
        if validation.profile != data.profile:
            raise InputError(
                f"data {self.validation} was seen by the detector {validation.profile.name}, "
                f"data {self.data} by {data.profile.name}; expected one detector"
            )
        return data, validation


def _opened(spec: str, every: int | None) -> EvaluationSet:
    """The set; of Human3.6M all that is learnt from, not the few pictures that are measured on.

    Raises:
        InputError: as `open_data`; or no split is named where the one to measure on would be taken.
    """
    from poseterior.evaluate.datasets import open_data

    kind, _, rest = spec.partition(":")
    if _is_folder(spec) or (kind in _EVERY and _is_folder(rest)):
        raise InputError(f"data {spec} names no split; expected such as {spec}:train")
    folder, _, split = rest.rpartition(":")
    if kind in _EVERY and _is_folder(folder):
        return _human36m(kind, Path(folder), split, _EVERY[kind] if every is None else every)
    return open_data(spec)


def _human36m(kind: str, folder: Path, split: str, every: int) -> EvaluationSet:
    from poseterior.data.h36m import load_h36m, load_h36m_mmpose, load_h36m_videopose

    if kind == "h36m":
        return load_h36m(folder, split=split, every=every)
    if kind == "h36m-videopose":
        return load_h36m_videopose(folder, split=split, every=every)
    return load_h36m_mmpose(folder, split=split, every=every)


def _divided(data: EvaluationSet, every: int) -> tuple[EvaluationSet, EvaluationSet]:
    """The set without its every `every`-th picture, and these."""
    chosen = np.arange(len(data)) % every == every - 1
    if not chosen.any():
        raise InputError(
            f"set {data.name} has {len(data)} pictures, of which no {every}th can be for validation; "
            f"expected --validation-every {len(data)} or less, or --validation DATA"
        )
    return data.select(np.flatnonzero(~chosen)), data.select(np.flatnonzero(chosen))


def _check_is_no_synth_set(folder: Path) -> None:
    from poseterior.data.synthesis.manifest import MANIFEST_FILE

    if (folder / MANIFEST_FILE).exists():
        raise OutputError(f"{folder} holds a set made by poseterior synth; expected another folder for pairs")


def _is_folder(text: str) -> bool:
    try:
        return os.path.isdir(text)  # noqa: PTH112 - unlike Path.is_dir it never raises for odd names
    except ValueError:
        return False
