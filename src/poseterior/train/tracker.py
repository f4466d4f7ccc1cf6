"""Where metrics go: a JSON line each, always; TensorBoard on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from poseterior.errors import InputError, OutputError
from poseterior.export.atomic import atomic_path

Series = Literal["train", "validation"]
MetricLine = dict[str, int | float]
"""Name -> value, "step" among them."""


@runtime_checkable
class Tracker(Protocol):
    """Takes metrics as they come, in the order of the steps."""

    def log(self, step: int, series: Series, values: dict[str, float]) -> None:
        """Keeps the values that were measured after `step` steps."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


class JsonlTracker:
    """One JSON object a line: {"step": ..., "series": ..., name: value, ...}."""

    def __init__(self, path: Path, resumed_step: int) -> None:
        """Goes on with the file at `path` after `resumed_step`; lines of later steps, or cut short, are dropped.

        Raises:
            OutputError: the file cannot be written.
        """
        self._path = path
        kept = [] if resumed_step == 0 else [line for line in _lines(path) if line["step"] <= resumed_step]
        with atomic_path(path) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None

    def log(self, step: int, series: Series, values: dict[str, float]) -> None:
        """See `Tracker.log`; raises OutputError where the disk refuses."""
        try:
            self._file.write(json.dumps({"step": step, "series": series, **values}, allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from None

    def close(self) -> None:
        """See `Tracker.close`."""
        self._file.close()


def read_metrics(path: Path, series: Series) -> list[MetricLine]:
    """The lines of a series, oldest first, with their "step"; a line that was cut short is left out.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        lines = _lines(path)
    except OSError as error:
        raise InputError(f"cannot read the metrics {path}: {error.strerror}") from None
    return [
        {name: value for name, value in line.items() if name != "series"}
        for line in lines
        if line["series"] == series
    ]


def _lines(path: Path) -> list[dict]:
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int) and "series" in line:
            lines.append(line)
    return lines


class TensorBoardTracker:
    """Scalars for TensorBoard, as "series/name"."""

    def __init__(self, folder: Path, resumed_step: int) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        # what lies after the step that is resumed from is hidden by TensorBoard
        self._writer = SummaryWriter(str(folder), purge_step=resumed_step + 1)

    def log(self, step: int, series: Series, values: dict[str, float]) -> None:
        """See `Tracker.log`."""
        for name, value in values.items():
            self._writer.add_scalar(f"{series}/{name}", value, step)
        self._writer.flush()

    def close(self) -> None:
        """See `Tracker.close`."""
        self._writer.close()
