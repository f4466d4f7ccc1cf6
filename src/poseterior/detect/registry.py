"""Detectors by name, as the command line and the model cards call them."""

from __future__ import annotations

from collections.abc import Callable

from poseterior.detect.base import Detector
from poseterior.errors import InputError


def _blazepose_full(num_threads: int) -> Detector:
    from poseterior.detect.blazepose import create_blazepose

    return create_blazepose(num_threads)


_FACTORIES: dict[str, Callable[[int], Detector]] = {"blazepose-full": _blazepose_full}

DETECTOR_NAMES = tuple(_FACTORIES)
"""The names that `create_detector` knows; each is the name of the detector's profile too."""

DEFAULT_DETECTOR = "blazepose-full"


def create_detector(name: str, num_threads: int = 2) -> Detector:
    """The detector `name`, ready to run.

    Raises:
        InputError: there is no detector of that name.
        AssetError: its weights cannot be fetched.
        ModelError: its weights cannot be run.
    """
    if name not in _FACTORIES:
        raise InputError(f"there is no detector {name!r}; the detectors are {', '.join(DETECTOR_NAMES)}")
    return _FACTORIES[name](num_threads)
