"""Several methods' hypotheses of the same ambiguous real frames: the counterpart of the paper's figure 8.

    python experiments/compare_pictures.py --models wehrbein2021 runs/compare/trainings/cvae-seed0/model \\
        runs/compare/trainings/li2019-mdn-seed0/model --titles "flow" "CVAE" "MDN" --out docs/images/methods.png

Frames of "pose2sim-balancing", found as in evaluate_balancing.py and chosen by the detections alone: of the frames
whose median sigma over the 16 joints is at most 1.5 confident ones (the detector sits on the man), those with the
largest mean sigma of knees, ankles, elbows and wrists, each clipped at 5 confident sigmas; the four cameras in turn,
frames of one camera at least 10 apart. Below them the frame of `poseterior demo`, with its leg behind a grey box.
The truth (triangulated, to 3 to 4 cm, without the spine; the demo has none) is drawn, but chooses nothing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from poseterior.assets import asset_path
from poseterior.cli.demo import COVERED_PX, DEMO_FRAME
from poseterior.data.balancing import load_balancing
from poseterior.data.schema import EvaluationSample
from poseterior.detect.base import Detector
from poseterior.detect.registry import DEFAULT_DETECTOR, create_detector
from poseterior.errors import InputError, NoPersonError, PoseteriorError
from poseterior.evaluate.balancing import is_somebody_else
from poseterior.evaluate.figures.choose import limb_uncertainty, person_is_found, spread_out
from poseterior.evaluate.models import open_model
from poseterior.geometry.normalise import pose_from_vector
from poseterior.heatmaps.condition import condition_of
from poseterior.models.interface import LiftingInputs, LiftingModel
from poseterior.skeleton import H36M_17
from poseterior.sources.video import read_frame
from poseterior.types import Detection
from poseterior.viz.figure import save_figure
from poseterior.viz.side_by_side import Answers, Picture, draw_side_by_side

GREY = 128
_PELVIS = H36M_17.index("pelvis")


@dataclass(frozen=True)
class Arguments:
    """What is drawn."""

    models: tuple[str, ...]
    """Bundled names or model folders, from left to right."""
    titles: tuple[str, ...] = ()
    """Of the columns; the models' own names if not given."""
    frames: int = 4
    """Ambiguous frames."""
    demo: bool = True
    """Also the demo's frame."""
    step: int = 1
    """Only every n-th frame is looked at."""
    samples: int = 60
    seed: int = 0
    truth: bool = True
    """Draw it."""
    out: Path = Path("compare-pictures.png")


@dataclass(frozen=True)
class Found:
    """A frame in which the detector found the man."""

    sample: EvaluationSample
    detection: Detection


def found_frames(detector: Detector, step: int) -> list[Found]:
    """All of them."""
    found = []
    for sample, image in load_balancing().pictures(step):
        try:
            detection = detector.detect(image)
        except NoPersonError:
            continue
        if not is_somebody_else(detection, sample.joints_px[sample.has_joint]):
            found.append(Found(sample, detection))
    return found


def chosen(frames: list[Found], count: int) -> list[Found]:
    """The most ambiguous ones."""
    covariance = np.stack([frame.detection.gaussians.covariance_cell2 for frame in frames])
    confident = frames[0].detection.profile.sigma_confident_cells
    usable = np.flatnonzero(person_is_found(covariance, confident))
    score = limb_uncertainty(covariance[usable], confident)
    camera = [frames[row].sample.camera_name for row in usable]
    frame = np.array([frames[row].sample.frame_index for row in usable])
    return [frames[usable[row]] for row in spread_out(score, camera, frame, count)]


def as_picture(frame: Found, truth: bool) -> Picture:
    """A row of the figure."""
    sample = frame.sample
    assert sample.read_image is not None, "the trial has videos"
    name = f"{sample.camera_name.replace('cam_0', 'camera ')}, frame {sample.frame_index}"
    truth_m = np.where(sample.has_joint[:, None], sample.joints_m - sample.joints_m[_PELVIS], np.nan)
    return Picture(name, sample.read_image(), frame.detection, truth_m if truth else None)


def demo_picture(detector: Detector) -> Picture:
    """What `poseterior demo` lifts second."""
    image = read_frame(asset_path("demo.mp4"), DEMO_FRAME)
    x, y, width, height = COVERED_PX
    image[y : y + height, x : x + width] = GREY
    return Picture("demo, leg covered", image, detector.detect(image))


def answers_of(model: LiftingModel, pictures: list[Picture], samples: int, seed: int) -> list[Answers]:
    """The hypotheses of all pictures."""
    seen = [
        condition_of(picture.detection.gaussians, picture.detection.profile, model.condition_variant)
        for picture in pictures
    ]
    y, condition = (np.stack(values).astype(np.float32) for values in zip(*seen, strict=True))
    inputs = LiftingInputs(y, condition, np.arange(len(pictures)))
    poses_m = pose_from_vector(model.sample(inputs, samples, seed).vectors)
    single_m = pose_from_vector(model.single(inputs))
    return [Answers(*both) for both in zip(poses_m, single_m, strict=True)]


def draw(arguments: Arguments) -> None:
    """Detect, choose, lift, draw."""
    models = [open_model(name, num_threads=1) for name in arguments.models]
    titles = arguments.titles or tuple(model.name for model in models)
    if len(titles) != len(models) or len(set(titles)) != len(titles):
        raise InputError(f"titles are {', '.join(titles)}; expected {len(models)} different ones")
    detector = create_detector(DEFAULT_DETECTOR)
    frames = found_frames(detector, arguments.step)
    pictures = [as_picture(frame, arguments.truth) for frame in chosen(frames, arguments.frames)]
    if arguments.demo:
        pictures.append(demo_picture(detector))
    for picture in pictures:
        print(picture.name)
    methods = {
        title: answers_of(model, pictures, arguments.samples, arguments.seed)
        for title, model in zip(titles, models, strict=True)
    }
    save_figure(draw_side_by_side(pictures, methods), arguments.out)


def main() -> int:
    """Draw; what cannot be drawn is said in a sentence."""
    try:
        draw(tyro.cli(Arguments, description=__doc__))
    except PoseteriorError as error:
        print(f"compare_pictures: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
