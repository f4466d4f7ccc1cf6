"""What makes samples: the contract between the scene and the shards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np

from poseterior.errors import PoseteriorError

SPLITS = ("train", "validation", "test")
"""The splits' names, in the order of the manifest."""

VARIABLE_FIELDS = ("picture_jpeg",)
"""Fields whose length differs from sample to sample: uint8, one axis."""

PICTURE_FIELD = "picture_jpeg"

Identity = dict[str, Any]
"""JSON: all that determines the samples."""

Sample = dict[str, np.ndarray]
"""Arrays by field; the names, dtypes and shapes are the same for all samples, but for `VARIABLE_FIELDS`."""


class SynthesisError(PoseteriorError):
    """Samples could not be made; the text names the split and index and the reason."""


@runtime_checkable
class SampleMaker(Protocol):
    """Makes any sample of any split, in any order; one per worker."""

    def identity(self) -> Identity:
        """All that determines the samples: seed, versions, settings, digests, licences."""
        ...

    def sample(self, split: str, index: int) -> Sample:
        """The sample `index` of `split`: the same arrays on every call, whatever was made before."""
        ...

    def warm_up(self) -> None:
        """Fill caches and compile, so that the samples come at their full rate."""
        ...


MakeMaker = Callable[[], SampleMaker]
"""Picklable: it travels to the worker and is called there."""
