"""`poseterior lift SRC...`: pictures in; per picture an npz, a JSON and a PNG out."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from poseterior.cli.exits import DONE, FAILED, UsageError, sentence
from poseterior.cli.streams import complain, one_line, say
from poseterior.detect.registry import DEFAULT_DETECTOR
from poseterior.errors import OutputError, PoseteriorError
from poseterior.types import PersonBox
from poseterior.weights import DEFAULT_MODEL

if TYPE_CHECKING:
    from poseterior.hypotheses import Hypotheses
    from poseterior.lifter import Lifter
    from poseterior.sources.expand import Picture

AXES = ("x", "y", "depth")


@dataclass(frozen=True)
class Lift:
    """Lift pictures of a person to posterior samples of the 3D pose.

    Writes NAME.npz (everything), NAME.json (the same, readable) and NAME.png (to look at) for each picture,
    and prints one line each.
    """

    sources: Positional[
        Annotated[tuple[str, ...], arg(metavar="SRC...", help_behavior_hint="(at least one)")]
    ] = ()
    """Pictures, folders of pictures, globs, or frames of videos as VIDEO#FRAME (the first is 0)."""
    samples: int = 200
    """How many 3D poses to draw for each picture."""
    seed: int = 0
    """Seed of the draw; the same seed gives the same poses."""
    out: Path = Path("poseterior-output")
    """Folder for the results; made if it does not exist."""
    box: Annotated[str | None, arg(metavar="X,Y,W,H")] = None
    """Where the person is, in pixels of the picture; found by the detector if not given."""
    model: str = DEFAULT_MODEL
    """A bundled model's name, or a model's folder."""
    detector: str = DEFAULT_DETECTOR
    """The 2D detector's name."""
    json: bool = False
    """Print a JSON array on stdout, an object for each picture, and nothing else."""
    no_figure: bool = False
    """Write no PNG: saves most of the time."""

    def run(self) -> int:
        """Lift everything that can be lifted; 1 if any picture failed."""
        self._check()
        box = _parse_box(self.box) if self.box is not None else None
        from poseterior.sources.expand import expand_sources

        pictures = expand_sources(self.sources)
        try:
            results = self._lift_all(pictures, box)
        except PoseteriorError as error:  # in what all pictures need: one sentence, and an entry for each
            complain(str(error))
            results = [{"source": picture.source, "error": str(error)} for picture in pictures]
        if self.json:
            say(json.dumps(results, indent=1, allow_nan=False))
        return FAILED if any("error" in result for result in results) else DONE

    def _check(self) -> None:
        from poseterior.lifter import MAX_SAMPLES

        if not self.sources:
            raise UsageError("lift: no picture given; expected at least one SRC")
        if not 1 <= self.samples <= MAX_SAMPLES:
            raise UsageError(f"lift: --samples is {self.samples}; expected 1 to {MAX_SAMPLES}")
        if self.seed < 0:
            raise UsageError(f"lift: --seed is {self.seed}; expected 0 or more")
        if any(os.path.isdir(source) and _place(source) == _place(self.out) for source in self.sources):  # noqa: PTH112
            raise UsageError(
                f"lift: --out {self.out} is a folder of pictures to lift, among which the results would be "
                "taken for pictures the next time; expected another folder"
            )

    def _lift_all(self, pictures: list[Picture], box: PersonBox | None) -> list[dict[str, Any]]:
        from poseterior.export.atomic import writable_folder
        from poseterior.lifter import Lifter

        folder = writable_folder(self.out)
        lifter = Lifter.load(self.model, detector=self.detector)
        places = {_place(picture.source) for picture in pictures}
        results = []
        for picture in pictures:
            try:
                files = self._files(folder, picture.name, places)
                result = self._lift_one(lifter, picture, box, files)
            except Exception as error:  # a failure never keeps the other pictures from being lifted
                said = sentence(error)
                said = said if picture.source in said else f"{picture.source}: {said}"
                complain(said)
                results.append({"source": picture.source, "error": said})
                continue
            results.append(result)
            if not self.json:
                say(_line(result))
        return results

    def _files(self, folder: Path, name: str, places: set[str]) -> list[Path]:
        """What will be written; raises OutputError where a file would be lost that is no earlier result."""
        from poseterior.export.replaceable import check_replaceable

        suffixes = ("npz", "json") if self.no_figure else ("npz", "json", "png")
        files = [folder / f"{name}.{suffix}" for suffix in suffixes]
        for file in files:
            if os.path.exists(file) and _place(file) in places:  # noqa: PTH110 - never raises
                raise OutputError(f"cannot write {file}: it is a picture to lift; choose another --out")
            check_replaceable(file)
        return files

    def _lift_one(
        self, lifter: Lifter, picture: Picture, box: PersonBox | None, files: list[Path]
    ) -> dict[str, Any]:
        image = picture.read()
        hypotheses = lifter(image, num_samples=self.samples, seed=self.seed, box=box, name=picture.source)
        if self.no_figure:
            writers = [hypotheses.save, hypotheses.save]
        else:
            from poseterior.viz.figure import draw_posterior, save_figure

            # drawn before anything is written, so that a failure leaves no part of the results
            figure = draw_posterior(hypotheses, image)
            writers = [hypotheses.save, hypotheses.save, partial(save_figure, figure)]
        for write, file in zip(writers, files, strict=True):
            write(file)
        return _summary(hypotheses, picture.source, files)


def _place(path: str | Path) -> str:
    """Where the path leads: the same for all names of a file."""
    return os.path.realpath(path)


def _parse_box(text: str) -> PersonBox:
    """X,Y,W,H in pixels; whether it meets the picture is seen later, picture by picture."""
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"lift: --box is {text!r}; expected four numbers X,Y,W,H in pixels") from None
    if not (math.isfinite(x + y + width + height) and width > 0 and height > 0):
        raise UsageError(
            f"lift: --box is {text!r}; expected finite numbers with a width and a height above 0"
        )
    return PersonBox(x, y, width, height, source="user")


def _summary(hypotheses: Hypotheses, source: str, files: list[Path]) -> dict[str, Any]:
    spread_mm = hypotheses.spread_mm().mean(axis=0) if len(hypotheses) > 1 else None
    box = hypotheses.detection.box
    return {
        "source": source,
        "files": [str(file) for file in files],
        "samples": len(hypotheses),
        "seed": hypotheses.settings["seed"],
        "model": hypotheses.settings["model"],
        "stand_in": hypotheses.settings["stand_in"],
        "box_px": [box.x_px, box.y_px, box.width_px, box.height_px],
        "box_source": box.source,
        "candidates": hypotheses.detection.num_candidates,
        "mean_spread_mm": None
        if spread_mm is None
        else {axis: round(float(value), 2) for axis, value in zip(AXES, spread_mm, strict=True)},
        "timings_ms": {stage: round(value, 2) for stage, value in hypotheses.timings_ms.items()},
    }


def _line(result: dict[str, Any]) -> str:
    """What is printed of a picture that was lifted."""
    spread = result["mean_spread_mm"] or {}
    spreads = ", ".join(f"{axis} {value:.0f}" for axis, value in spread.items())
    said = f"; mean spread {spreads} mm" if spreads else ""
    others = f" (of {result['candidates']} candidates)" if result["candidates"] > 1 else ""
    kinds = ", ".join(Path(file).suffix[1:] for file in result["files"])
    poses = "1 pose" if result["samples"] == 1 else f"{result['samples']} poses"
    return one_line(
        f"{result['source']}: {poses}{others}{said} -> {Path(result['files'][0]).with_suffix('')} ({kinds})"
    )
