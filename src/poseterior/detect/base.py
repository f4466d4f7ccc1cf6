"""What a detector is: crops in, heatmaps out (`HeatmapModel`); a picture in, Gaussians out (`Detector`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, UInt8

from poseterior.types import Detection, DetectorProfile, PersonBox


@dataclass(frozen=True)
class Heatmaps:
    """What a heatmap network says of a batch of square crops."""

    maps: Float32[np.ndarray, "crops joints rows columns"]
    """In heatmap units: 1 = the peak of a confident joint."""
    start_mean_cell: Float[np.ndarray, "crops joints 2"]
    """float64, (x, y) in cells: where the network puts each joint, hidden ones too (the maps' peaks if it
    does not say otherwise); may lie outside of the map."""
    score: Float[np.ndarray, " crops"]
    """float64 in [0, 1]: that the crop shows a person."""


@runtime_checkable
class HeatmapModel(Protocol):
    """A network from square crops to one heatmap per joint; new detectors start here."""

    @property
    def profile(self) -> DetectorProfile:
        """Size, joints and confident sigma of the heatmaps."""
        ...

    @property
    def crop_size_px(self) -> int:
        """Side of the square crop that the network wants."""
        ...

    @property
    def crop_from_cell(self) -> Float[np.ndarray, "2 3"]:
        """float64, affine: crop pixel = crop_from_cell @ (x_cell, y_cell, 1); centres at integers in both."""
        ...

    @property
    def margin_around_body(self) -> float:
        """Side of the crop relative to the longer side of a box around the whole body."""
        ...

    @property
    def margin_around_joints(self) -> float:
        """Side of the crop relative to the longer side of the tight box around all joints."""
        ...

    def heatmaps(self, crops: UInt8[np.ndarray, "crops size size 3"]) -> Heatmaps:
        """Heatmaps of RGB crops of `crop_size_px` pixels a side."""
        ...


@runtime_checkable
class BoxFinder(Protocol):
    """A picture in, boxes of people out."""

    def find(self, image: UInt8[np.ndarray, "height width 3"]) -> list[PersonBox]:
        """Boxes around whole bodies, most prominent first; empty where nobody was found."""
        ...


@runtime_checkable
class Detector(Protocol):
    """A picture in, one person's joint Gaussians out."""

    @property
    def profile(self) -> DetectorProfile:
        """What a flow must know of this detector."""
        ...

    def detect(
        self,
        image: UInt8[np.ndarray, "height width 3"],
        box: PersonBox | None = None,
        *,
        name: str = "the picture",
    ) -> Detection:
        """The most prominent person of the picture, or the one in `box`.

        Args:
            image: uint8 RGB, upright.
            box: where the person is; searched for where it is None.
            name: what the picture is called in messages.

        Raises:
            InputError: the box cannot be used on this picture.
            NoPersonError: no person was found.
        """
        ...
