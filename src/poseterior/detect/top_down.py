"""The way of every top-down detector: box -> crop -> heatmaps -> refined crop -> heatmaps -> Gaussians."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from poseterior.detect.base import BoxFinder, HeatmapModel, Heatmaps
from poseterior.detect.boxes import checked_box, whole_frame
from poseterior.detect.crop import Crop, crop_square, square_around
from poseterior.errors import NoPersonError
from poseterior.heatmaps.derive import mpii_gaussians
from poseterior.heatmaps.fit import fit_gaussians
from poseterior.types import Detection, DetectorProfile, JointGaussians, PersonBox

MIN_SCORE = 0.5
"""Below this score of the network a crop shows no person."""

MIN_WHOLE_FRAME_SCORE = 0.8
"""The same for the whole frame, where no person finder or user says that somebody is there."""

CONFIDENT_AMPLITUDE = 0.5
"""A heatmap with this peak says where its joint is."""

MIN_CONFIDENT_JOINTS = 5
"""With fewer confident joints a crop shows no person, whatever its score."""

MAX_BOXES_TRIED = 3
"""So many of the found boxes are looked at, most prominent first, before the whole frame is."""

_REFINED_SIDE_RATIO = (0.8, 1.25)
"""Limits of the refined crop's side relative to the first one's: crouching people are seen badly in crops
that are tight around them, unlike those that the network was trained on."""


@dataclass(frozen=True)
class _Look:
    """One crop and what the network says of it."""

    square: PersonBox
    crop: Crop
    heatmaps: Heatmaps

    @property
    def score(self) -> float:
        return float(self.heatmaps.score[0])

    @property
    def confident(self) -> np.ndarray:
        return self.heatmaps.maps[0].max(axis=(1, 2)) >= CONFIDENT_AMPLITUDE

    @property
    def clarity(self) -> float:
        """Mean peak of the heatmaps: the better the crop, the higher."""
        return float(self.heatmaps.maps[0].max(axis=(1, 2)).mean())

    def shows_person(self, min_score: float) -> bool:
        return self.score >= min_score and int(self.confident.sum()) >= MIN_CONFIDENT_JOINTS


class TopDownDetector:
    """A `Detector` made of a heatmap network and a person finder."""

    def __init__(
        self,
        model: HeatmapModel,
        make_finder: Callable[[], BoxFinder],
        *,
        num_threads: int = 2,
        refine: bool = True,
    ):
        """Put a detector together.

        Args:
            model: the heatmap network.
            make_finder: called once, when a person must first be searched for.
            num_threads: threads of the Gaussian fit.
            refine: look again at a crop around the joints that were found.
        """
        self.model = model
        self._make_finder = make_finder
        self._finder: BoxFinder | None = None
        self._num_threads = num_threads
        self._refine = refine

    @property
    def profile(self) -> DetectorProfile:
        """What a flow must know of this detector."""
        return self.model.profile

    def detect(
        self,
        image: UInt8[np.ndarray, "height width 3"],
        box: PersonBox | None = None,
        *,
        name: str = "the picture",
    ) -> Detection:
        """The most prominent person of the picture, or the one in `box`; see `Detector.detect`.

        A person counts as found where the network's score and the number of confident joints say so, in the
        first crop and again in the refined one; the clearer one of the two gives the Gaussians.
        """
        timings_ms: dict[str, float] = {}
        boxes = self._boxes(image, box, timings_ms)
        seen: list[tuple[_Look, float]] = []
        for candidate in boxes if box else [*boxes[:MAX_BOXES_TRIED], whole_frame(image)]:
            min_score = MIN_WHOLE_FRAME_SCORE if candidate.source == "whole_frame" else MIN_SCORE
            looks = self._looks(image, candidate, min_score, timings_ms)
            if all(look.shows_person(min_score) for look in looks):
                clearest = max(looks, key=lambda look: look.clarity)
                return self._detection(image, clearest, max(1, len(boxes)), timings_ms)
            seen.append((looks[-1], min_score))
        best, min_score = max(seen, key=lambda entry: entry[0].score)
        raise NoPersonError(
            f"no person found in {f'the given box of {name}' if box else name}: at best a person score of "
            f"{best.score:.2f} with {int(best.confident.sum())} clearly seen joints; expected at least "
            f"{min_score:g} and {MIN_CONFIDENT_JOINTS}"
        )

    def _boxes(
        self,
        image: UInt8[np.ndarray, "height width 3"],
        box: PersonBox | None,
        timings_ms: dict[str, float],
    ) -> list[PersonBox]:
        if box is not None:
            return [checked_box(box, image)]
        if self._finder is None:
            with _timed(timings_ms, "load"):
                self._finder = self._make_finder()
        with _timed(timings_ms, "person_box"):
            return self._finder.find(image)

    def _looks(
        self,
        image: UInt8[np.ndarray, "height width 3"],
        box: PersonBox,
        min_score: float,
        timings_ms: dict[str, float],
    ) -> list[_Look]:
        """The crop around the box and, if it shows a person, the refined one."""
        first = self._look(image, square_around(box, self.model.margin_around_body), timings_ms)
        if not (self._refine and first.shows_person(min_score)):
            return [first]
        return [first, self._look(image, self._refined_square(first), timings_ms)]

    def _look(
        self, image: UInt8[np.ndarray, "height width 3"], square: PersonBox, timings_ms: dict[str, float]
    ) -> _Look:
        with _timed(timings_ms, "crop"):
            crop = crop_square(image, square, self.model.crop_size_px)
        with _timed(timings_ms, "heatmaps"):
            return _Look(square, crop, self.model.heatmaps(crop.pixels[None]))

    def _refined_square(self, look: _Look) -> PersonBox:
        """The crop around all joints: their peaks where confident, else where the network guesses them."""
        maps = look.heatmaps.maps[0]
        rows, columns = np.unravel_index(maps.reshape(len(maps), -1).argmax(axis=1), maps.shape[1:])
        peaks = np.stack([columns, rows], axis=1)
        cells = np.where(look.confident[:, None], peaks, look.heatmaps.start_mean_cell[0])
        affine = self._image_from_cell(look.crop)
        joints_px = cells @ affine[:, :2].T + affine[:, 2]
        centre, extent = (joints_px.max(0) + joints_px.min(0)) / 2, np.ptp(joints_px, axis=0)
        side = float(extent.max()) * self.model.margin_around_joints
        lowest, highest = (ratio * look.square.width_px for ratio in _REFINED_SIDE_RATIO)
        side = min(max(side, lowest), highest)
        return PersonBox(
            float(centre[0]) - side / 2, float(centre[1]) - side / 2, side, side, "refined", look.square.score
        )

    def _image_from_cell(self, crop: Crop) -> Float[np.ndarray, "2 3"]:
        square = np.eye(3)
        square[:2] = self.model.crop_from_cell
        return crop.image_from_crop @ square

    def _detection(
        self,
        image: UInt8[np.ndarray, "height width 3"],
        look: _Look,
        num_candidates: int,
        timings_ms: dict[str, float],
    ) -> Detection:
        with _timed(timings_ms, "gaussian_fit"):
            fit = fit_gaussians(
                look.heatmaps.maps[0],
                start_mean_cell=look.heatmaps.start_mean_cell[0],
                start_sigma_cell=self.profile.sigma_confident_cells,
                num_threads=self._num_threads,
            )
        with _timed(timings_ms, "derive"):
            native = JointGaussians(
                joint_names=self.profile.joint_names,
                amplitude=fit.amplitude,
                mean_cell=fit.mean_cell,
                covariance_cell2=fit.covariance_cell2,
                rmse=fit.rmse,
                status=fit.status,
                pixel_from_cell=self._image_from_cell(look.crop),
            )
            gaussians = mpii_gaussians(native)
        return Detection(
            profile=self.profile,
            box=look.square,
            native_gaussians=native,
            gaussians=gaussians,
            image_width_px=image.shape[1],
            image_height_px=image.shape[0],
            score=look.score,
            num_candidates=num_candidates,
            timings_ms=timings_ms,
        )


@contextmanager
def _timed(timings_ms: dict[str, float], stage: str) -> Iterator[None]:
    """Add the time spent inside to the stage."""
    start = time.perf_counter()
    try:
        yield
    finally:
        timings_ms[stage] = timings_ms.get(stage, 0.0) + 1e3 * (time.perf_counter() - start)
