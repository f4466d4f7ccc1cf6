"""Camera calibrations in Pose2Sim's TOML files (Pagnon et al., "Pose2Sim", JOSS 2022, calibration.py).

One table per camera: `name`, `size` (width, height), `matrix`, `distortions` (k1, k2, p1, p2), `rotation` and
`translation` (OpenCV's rvec and tvec, metres: camera frame from world frame), `fisheye`. A table "metadata" is
skipped.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from poseterior.data.balancing.camera import CalibratedCamera, rotation_from_vector
from poseterior.data.balancing.text import read_text
from poseterior.errors import InputError


def read_calibration(path: Path) -> dict[str, CalibratedCamera]:
    """The cameras of the file by name, in the file's order.

    Raises:
        InputError: the file is missing or not TOML, has no camera, or a field of a camera is missing or wrong.
    """
    try:
        tables = tomllib.loads(read_text(path, "a camera calibration in TOML"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"calibration {path} is not TOML: {error}") from error
    cameras = {}
    for key, table in tables.items():
        if key != "metadata":
            camera = _camera(f"calibration {path}, camera {key}", table)
            if camera.name in cameras:
                raise InputError(f"calibration {path}: two cameras are named {camera.name!r}")
            cameras[camera.name] = camera
    if not cameras:
        raise InputError(f"calibration {path} holds no camera; expected a table per camera")
    return cameras


def _camera(where: str, table: Any) -> CalibratedCamera:
    if not isinstance(table, dict):
        raise InputError(
            f"{where}: expected a table with name, size, matrix, distortions, rotation, translation"
        )
    name = table.get("name")
    if not isinstance(name, str) or not name:
        raise InputError(f"{where}: name is missing or not a text")
    if table.get("fisheye", False) is not False:
        raise InputError(f"{where}: fisheye is not false; only pinhole cameras with k1, k2, p1, p2 are known")
    size = _numbers(where, table, "size", (2,))
    if not ((size >= 1) & (size == np.round(size))).all():
        raise InputError(f"{where}: size is {size.tolist()}; expected width and height in whole pixels")
    matrix = _numbers(where, table, "matrix", (3, 3))
    if not (matrix[0, 0] > 0 and matrix[1, 1] > 0 and matrix[2].tolist() == [0.0, 0.0, 1.0]):
        raise InputError(f"{where}: matrix is not [[fx, s, cx], [0, fy, cy], [0, 0, 1]] with fx, fy > 0")
    camera_from_world = np.eye(4)
    camera_from_world[:3, :3] = rotation_from_vector(_numbers(where, table, "rotation", (3,)))
    camera_from_world[:3, 3] = _numbers(where, table, "translation", (3,))
    return CalibratedCamera(
        name=name,
        width_px=int(size[0]),
        height_px=int(size[1]),
        matrix=matrix,
        distortion=_numbers(where, table, "distortions", (4,)),
        camera_from_world=camera_from_world,
    )


def _numbers(
    where: str, table: dict[str, Any], field: str, shape: tuple[int, ...]
) -> Float[np.ndarray, "..."]:
    if field not in table:
        raise InputError(f"{where}: {field} is missing")
    try:
        values = np.asarray(table[field])
    except ValueError:  # rows of different lengths
        values = np.empty(0, dtype=object)
    if values.shape != shape or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        expected = " x ".join(str(length) for length in shape)
        raise InputError(f"{where}: {field} must hold {expected} finite numbers")
    return values.astype(np.float64)
