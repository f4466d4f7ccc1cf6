"""Marker trajectories in TRC files (Motion Analysis' tab-separated text, as Pose2Sim and OpenSim write it).

Five lines of header (file type; names and values of DataRate, NumFrames, NumMarkers, Units, ...; marker names,
one every three columns; coordinate names), then one line per frame: number, time, x y z of every marker.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from poseterior.data.balancing.text import read_text
from poseterior.errors import InputError

_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_HEADER_LINES = 5


@dataclass(frozen=True)
class Markers:
    """Named points over time."""

    names: tuple[str, ...]
    positions_m: Float[np.ndarray, "frames markers 3"]
    """float64, metres, in the file's own axes; NaN where a marker is missing in a frame."""
    frames_per_second: float

    def of(self, name: str) -> Float[np.ndarray, "frames 3"]:
        """The marker's positions; raises InputError where there is none of that name."""
        if name not in self.names:
            raise InputError(f"there is no marker {name!r}; the markers are {', '.join(self.names)}")
        return self.positions_m[:, self.names.index(name)]


def read_trc(path: Path) -> Markers:
    """The markers of the file.

    Raises:
        InputError: missing or not TRC, a field of the header is missing or wrong, or a line of numbers is
            damaged.
    """
    lines = read_text(path, "marker trajectories in TRC").splitlines()
    if len(lines) < _HEADER_LINES or not lines[0].startswith("PathFileType"):
        raise InputError(f"{path} is not a TRC file: expected five lines of header from PathFileType on")
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
    num_frames, num_markers = _count(path, header, "NumFrames"), _count(path, header, "NumMarkers")
    rate = _number(header.get("DataRate", ""))
    if not rate > 0:
        raise InputError(f"{path}: DataRate is missing or not a positive number")
    units = header.get("Units", "").strip()
    if units not in _METRES:
        raise InputError(f"{path}: Units is {units!r}; expected one of {', '.join(_METRES)}")
    names = tuple(name.strip() for name in lines[3].split("\t")[2:] if name.strip())
    if len(names) != num_markers or len(set(names)) != num_markers:
        raise InputError(f"{path}: NumMarkers is {num_markers}, but the fourth line names {len(set(names))}")
    rows = [(number, line) for number, line in enumerate(lines[_HEADER_LINES:], 6) if line.strip()]
    if len(rows) != num_frames:
        raise InputError(f"{path}: NumFrames is {num_frames}, but there are {len(rows)} lines of numbers")
    positions = np.array([_positions(path, number, line, num_markers) for number, line in rows])
    return Markers(names, positions.reshape(num_frames, num_markers, 3) * _METRES[units], rate)


def _positions(path: Path, line_number: int, line: str, num_markers: int) -> list[float]:
    # missing coordinates are blank, and the line may end with tabs or without the last blanks
    cells = [cell.strip() for cell in line.split("\t")][2:]
    values = [_number(cell) if cell else np.nan for cell in cells[: 3 * num_markers]]
    surplus = any(cells[3 * num_markers :])
    damaged = any(cell and not np.isfinite(value) for cell, value in zip(cells, values, strict=False))
    if surplus or damaged:
        raise InputError(
            f"{path}, line {line_number}: expected a number per coordinate of {num_markers} markers"
        )
    return values + [np.nan] * (3 * num_markers - len(values))


def _count(path: Path, header: dict[str, str], field: str) -> int:
    value = _number(header.get(field, ""))
    if not (value >= 1 and value == int(value)):
        raise InputError(f"{path}: {field} is missing or not a positive whole number")
    return int(value)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if np.isfinite(value) else float("nan")
