"""`poseterior lift SRC...`: pictures in; per picture an npz, a JSON and a PNG out."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from poseterior.cli.exits import DONE, FAILED, UsageError
from poseterior.errors import PoseteriorError
from poseterior.types import PersonBox

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
    model: str = "standin"
    """A bundled model's name, or a model's folder."""
    detector: str = "blazepose-full"
    """The 2D detector's name."""
    json: bool = False
    """Print a JSON array on stdout, an object for each picture, and nothing else."""
    no_figure: bool = False
    """Write no PNG: saves most of the time."""

    def run(self) -> int:
        """Lift everything that can be lifted; 1 if any picture failed."""
        box = _parse_box(self.box) if self.box is not None else None
        self._check()
        from poseterior.export.atomic import writable_folder
        from poseterior.sources.expand import expand_sources

        folder = writable_folder(self.out)
        pictures = expand_sources(self.sources)
        lifter = self._load_lifter()
        results = []
        for picture in pictures:
            result = self._lift_one(lifter, picture, folder, box)
            results.append(result)
            _say(result, quiet=self.json)
        if self.json:
            print(json.dumps(results, indent=1, allow_nan=False))
        return FAILED if any("error" in result for result in results) else DONE

    def _check(self) -> None:
        from poseterior.lifter import MAX_SAMPLES

        if not self.sources:
            raise UsageError("lift: no picture given; expected at least one SRC")
        if not 1 <= self.samples <= MAX_SAMPLES:
            raise UsageError(f"lift: --samples is {self.samples}; expected 1 to {MAX_SAMPLES}")
        if self.seed < 0:
            raise UsageError(f"lift: --seed is {self.seed}; expected 0 or more")

    def _load_lifter(self) -> Lifter:
        from poseterior.lifter import Lifter

        return Lifter.load(self.model, detector=self.detector)

    def _lift_one(self, lifter: Lifter, picture: Picture, folder: Path, box: PersonBox | None) -> dict:
        """The picture's summary, or its error; a failure never keeps the other pictures from being lifted."""
        try:
            return self._lift_and_write(lifter, picture, folder, box)
        except PoseteriorError as error:
            named = picture.source in str(error)
            return {
                "source": picture.source,
                "error": str(error) if named else f"{picture.source}: {error}",
            }
        except Exception as error:
            if os.environ.get("POSETERIOR_DEBUG"):
                raise
            return {
                "source": picture.source,
                "error": f"{picture.source}: internal error ({type(error).__name__}: {error}); "
                "set POSETERIOR_DEBUG=1 for the traceback and please report it",
            }

    def _lift_and_write(self, lifter: Lifter, picture: Picture, folder: Path, box: PersonBox | None) -> dict:
        image = picture.read()
        detection = lifter.detector.detect(image, box, name=picture.source)
        hypotheses = lifter.lift_detection(
            detection, picture.source, num_samples=self.samples, seed=self.seed
        )
        files = [folder / f"{picture.name}.npz", folder / f"{picture.name}.json"]
        for file in files:
            hypotheses.save(file)
        if not self.no_figure:
            from poseterior.viz.figure import draw_posterior, save_figure

            files.append(folder / f"{picture.name}.png")
            save_figure(draw_posterior(hypotheses, image), files[-1])
        return _summary(hypotheses, picture.source, files)


def _parse_box(text: str) -> PersonBox:
    """X,Y,W,H in pixels; whether it meets the picture is seen later, picture by picture."""
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"lift: --box is {text!r}; expected four numbers X,Y,W,H in pixels") from None
    if not (width > 0 and height > 0):
        raise UsageError(f"lift: --box is {text!r}; expected a width and a height above 0")
    return PersonBox(x, y, width, height, source="user")


def _summary(hypotheses: Hypotheses, source: str, files: list[Path]) -> dict:
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


def _say(result: dict, *, quiet: bool) -> None:
    """One line per picture: results on stdout (unless JSON owns it), errors on stderr."""
    if "error" in result:
        print(f"poseterior: {result['error']}", file=sys.stderr)
        return
    if quiet:
        return
    spread = result["mean_spread_mm"] or {}
    spreads = ", ".join(f"{axis} {value:.0f}" for axis, value in spread.items())
    said = f"; mean spread {spreads} mm" if spreads else ""
    others = f" (of {result['candidates']} candidates)" if result["candidates"] > 1 else ""
    kinds = ", ".join(Path(file).suffix[1:] for file in result["files"])
    print(
        f"{result['source']}: {result['samples']} poses{others}{said} "
        f"-> {Path(result['files'][0]).with_suffix('')} ({kinds})"
    )
