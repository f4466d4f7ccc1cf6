"""The default detector on real footage with 3D truth: the set "pose2sim-balancing".

    python experiments/detect_balancing.py                          # about a minute on two cores
    python experiments/detect_balancing.py --step 5 --sheet sheet.png --out FILE
    python experiments/detect_balancing.py --openpose FOLDER        # also checks the truth against its 2D joints

Every picture is looked at twice: the person found by the detector's own finder, and the person in the box of the
projected joints. Prints, and writes as JSON: how often the person is found, each joint's 2D error relative to the
person's size, raw and after the removal of constant offsets, with fitted sigma and amplitude, their rank correlation,
and the error with the truth shifted by a few frames. FOLDER is the trial's folder `pose` in the wheel pose2sim 0.7.2
(cam01_json/cam01.0000.json, ...), which `pip download --no-deps pose2sim==0.7.2` brings.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from jaxtyping import Float

from poseterior.assets import asset_path
from poseterior.data.balancing import (
    BalancingTrial,
    load_balancing,
    read_calibration,
    read_openpose,
    read_trc,
)
from poseterior.data.balancing.openpose import BODY_25B, MIN_CONFIDENCE, nearest_person
from poseterior.data.balancing.trial import (
    CALIBRATION_ASSET,
    DATASET,
    MARKERS_ASSET,
    world_from_marker_axes,
)
from poseterior.data.schema import EvaluationSample
from poseterior.data.synthesis.statistics import spearman
from poseterior.detect.base import Detector
from poseterior.detect.registry import DEFAULT_DETECTOR, create_detector
from poseterior.errors import NoPersonError, PoseteriorError
from poseterior.export.atomic import atomic_path
from poseterior.skeleton import H36M_17, MPII_16, MPII_BONES, indices_of
from poseterior.types import Detection, PersonBox

RESULT = Path(__file__).resolve().parents[1] / "docs" / "results" / "balancing-detector.json"
JOINTS = tuple(name for name in MPII_16 if name != "spine")
"""The joints that both the detector and the truth have."""

_TRUTH = indices_of(JOINTS, H36M_17)
_FITTED = indices_of(JOINTS, MPII_16)
OFFSETS = range(-3, 4)
SOMEBODY_ELSE = 0.5
"""The wrong person was found where the crop's centre is further from the truth's than this part of the size; how
well the joints are placed does not count, or bad detections of the right person would be left out."""
BOX_MARGIN = 0.1
"""The body reaches out of the box of its joints by about this part of the longer side."""
AMBIGUOUS_SIGMA = 2.5
"""In sigmas of a confident joint: the threshold of the paper's subset H36MA (METHOD section 5)."""
SHEET_FRAMES = (10, 50, 90)


@dataclass(frozen=True)
class Arguments:
    """What is run and where its results go."""

    out: Path = RESULT
    """JSON file."""
    step: int = 1
    """Only every n-th frame."""
    sheet: Path | None = None
    """PNG with overlays of three frames of every camera."""
    openpose: Path | None = None
    """The trial's folder of OpenPose files, to check the truth against them."""


@dataclass(frozen=True)
class Look:
    """One detection beside the truth."""

    sample: EvaluationSample
    detection: Detection

    @property
    def truth_px(self) -> Float[np.ndarray, "joints 2"]:
        """Projected truth of `JOINTS`."""
        return self.sample.joints_px[_TRUTH]

    @property
    def fitted_px(self) -> Float[np.ndarray, "joints 2"]:
        """Fitted means of `JOINTS`."""
        return self.detection.gaussians.mean_px[_FITTED]

    @property
    def size_px(self) -> float:
        """The person's size."""
        return person_size_px(self.sample)


@dataclass
class Looks:
    """All detections of one kind, and how the others failed."""

    right: list[Look] = field(default_factory=list)
    wrong_person: int = 0
    nobody: int = 0

    @property
    def counts(self) -> dict[str, Any]:
        """How often the person was found."""
        total = len(self.right) + self.wrong_person + self.nobody
        return {
            "pictures": total,
            "found": len(self.right),
            "found_somebody_else": self.wrong_person,
            "found_nobody": self.nobody,
            "share_found": round(len(self.right) / total, 4),
            "found_by_camera": {
                camera: sum(look.sample.camera_name == camera for look in self.right)
                for camera in sorted({look.sample.camera_name for look in self.right})
            },
        }


def person_size_px(sample: EvaluationSample) -> float:
    """The longer side of the tight box around the projections of the known joints."""
    return float(np.ptp(sample.joints_px[sample.has_joint], axis=0).max())


def truth_box(sample: EvaluationSample) -> PersonBox:
    """The box around the projected joints, with a margin for the body around them."""
    joints_px = sample.joints_px[sample.has_joint]
    margin = BOX_MARGIN * person_size_px(sample)
    low, high = joints_px.min(axis=0) - margin, joints_px.max(axis=0) + margin
    return PersonBox(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def look_at_all(trial: BalancingTrial, detector: Detector, step: int) -> tuple[Looks, Looks]:
    """Detections with the detector's own finder, and in the box of the projected joints."""
    found, boxed = Looks(), Looks()
    for sample, image in trial.pictures(step):
        for looks, box in ((found, None), (boxed, truth_box(sample))):
            try:
                look = Look(sample, detector.detect(image, box))
            except NoPersonError:
                looks.nobody += 1
                continue
            distance = np.hypot(*np.subtract(look.detection.box.centre_px, truth_box(sample).centre_px))
            if distance < SOMEBODY_ELSE * look.size_px:
                looks.right.append(look)
            else:
                looks.wrong_person += 1
    return found, boxed


@dataclass(frozen=True)
class Measured:
    """What the detections say, stacked over pictures."""

    offset: Float[np.ndarray, "looks joints 2"]
    """Fitted mean minus truth, percent of the person's size."""
    errors: dict[str, Float[np.ndarray, "looks joints"]]
    """Length of the offset: as it is, and after the removal of constant offsets."""
    sigmas: Float[np.ndarray, "looks joints 2"]
    """Principal sigmas, heatmap cells."""
    amplitude: Float[np.ndarray, "looks joints"]
    cameras: np.ndarray
    """Name of each picture's camera."""

    @property
    def sigma(self) -> Float[np.ndarray, "looks joints"]:
        """Geometric mean of the principal sigmas, heatmap cells."""
        return np.sqrt(self.sigmas.prod(axis=-1))

    @property
    def best_error(self) -> Float[np.ndarray, "looks joints"]:
        """The error without each joint's constant offset in each camera."""
        return self.errors["error_without_camera_joint_offset"]


def measure(looks: Sequence[Look]) -> Measured:
    """Offsets, errors, sigmas and amplitudes of all detections."""
    size_px = np.array([look.size_px for look in looks])
    offset = 100 * np.stack([look.fitted_px - look.truth_px for look in looks]) / size_px[:, None, None]
    cameras = np.array([look.sample.camera_name for look in looks])
    kinds = {
        "error": offset,
        "error_without_joint_offset": offset - np.median(offset, axis=0),
        "error_without_camera_joint_offset": _without_group_medians(offset, cameras),
    }
    gaussians = [look.detection.gaussians.select(_FITTED) for look in looks]
    return Measured(
        offset=offset,
        errors={kind: np.linalg.norm(values, axis=-1) for kind, values in kinds.items()},
        sigmas=np.stack([joints.sigma_cell for joints in gaussians]),
        amplitude=np.stack([joints.amplitude for joints in gaussians]),
        cameras=cameras,
    )


def statistics(looks: Sequence[Look]) -> dict[str, Any]:
    """Error, sigma and amplitude over all joints, by joint and by camera."""
    values = measure(looks)
    sigma, amplitude = values.sigma, values.amplitude
    widest = AMBIGUOUS_SIGMA * looks[0].detection.profile.sigma_confident_cells
    return {
        "person_size_px_median": _rounded(np.median([look.size_px for look in looks])),
        "median_percent": {kind: _rounded(np.median(error)) for kind, error in values.errors.items()},
        "mean_percent": {kind: _rounded(error.mean()) for kind, error in values.errors.items()},
        "sigma_cell_median": _rounded(np.median(sigma)),
        "amplitude_median": _rounded(np.median(amplitude)),
        "spearman_sigma_error": {
            kind: _rank_correlation(sigma, error) for kind, error in values.errors.items()
        },
        "spearman_amplitude_error": _rank_correlation(amplitude, values.best_error),
        "share_of_pictures_with_a_sigma_above_2.5_confident": _rounded(
            (values.sigmas > widest).any(axis=(1, 2)).mean()
        ),
        "by_sigma_quintile": _by_quintile(sigma, values.best_error),
        "joints": {name: _joint(values, j) for j, name in enumerate(JOINTS)},
        "cameras": {str(camera): _camera(values, camera) for camera in np.unique(values.cameras)},
    }


def _joint(values: Measured, j: int) -> dict[str, Any]:
    return {
        **{
            f"{kind}_median_percent": _rounded(np.median(error[:, j]))
            for kind, error in values.errors.items()
        },
        "offset_median_percent": [_rounded(value) for value in np.median(values.offset[:, j], axis=0)],
        "sigma_cell_median": _rounded(np.median(values.sigma[:, j])),
        "sigma_cell_mean": _rounded(values.sigma[:, j].mean()),
        "amplitude_median": _rounded(np.median(values.amplitude[:, j])),
        "spearman_sigma_error": _rank_correlation(values.sigma[:, j], values.best_error[:, j]),
    }


def _camera(values: Measured, camera: str) -> dict[str, Any]:
    chosen = values.cameras == camera
    offset = np.median(values.offset[chosen], axis=(0, 1))
    return {
        "pictures": int(chosen.sum()),
        **{
            f"{kind}_median_percent": _rounded(np.median(error[chosen]))
            for kind, error in values.errors.items()
        },
        "offset_median_percent": [_rounded(value) for value in offset],
    }


def _by_quintile(
    sigma: Float[np.ndarray, "looks joints"], error: Float[np.ndarray, "looks joints"]
) -> list[dict[str, float]]:
    order = np.argsort(sigma.ravel(), kind="stable")
    return [
        {
            "sigma_cell_median": _rounded(np.median(sigma.ravel()[part])),
            "error_median_percent": _rounded(np.median(error.ravel()[part])),
        }
        for part in np.array_split(order, 5)
    ]


def _without_group_medians(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    centred = values.copy()
    for group in np.unique(groups):
        centred[groups == group] -= np.median(values[groups == group], axis=0)
    return centred


def error_by_shift(trial: BalancingTrial, looks: Sequence[Look]) -> dict[str, list[float]]:
    """Median error in pixels by camera with the truth of k = -3 ... 3 frames later, constant offsets removed.

    The smallest must stand in the middle: picture and truth are of one moment.
    """
    shifts = {}
    for view in trial.views:
        first = view.frame_indices[0]
        rows = [
            (look.sample.frame_index - first, look.fitted_px)
            for look in looks
            if look.sample.camera_name == view.camera.name
        ]
        last = len(view.joints_px) - 1
        rows = [(row, fitted) for row, fitted in rows if -OFFSETS[0] <= row <= last - OFFSETS[-1]]
        errors = []
        for shift in OFFSETS:
            offset = np.stack([fitted - view.joints_px[row + shift, _TRUTH] for row, fitted in rows])
            errors.append(_rounded(np.median(np.linalg.norm(offset - np.median(offset, axis=0), axis=-1))))
        shifts[view.camera.name] = errors
    return shifts


def reprojection(folder: Path) -> dict[str, Any]:
    """The markers against the OpenPose joints that they were triangulated from, in pixels of the calibration."""
    cameras = read_calibration(asset_path(CALIBRATION_ASSET))
    markers = read_trc(asset_path(MARKERS_ASSET))
    world_m = world_from_marker_axes(markers.positions_m)
    known = [BODY_25B.index(name) for name in markers.names]
    report = {}
    for name, camera in cameras.items():
        truth_px = np.full((len(world_m), len(BODY_25B), 2), np.nan)
        truth_px[:, known] = camera.project(camera.to_camera(world_m))
        short = name.replace("_", "")
        offset = np.full((len(OFFSETS), *truth_px.shape), np.nan)
        for frame in range(-OFFSETS[0], len(truth_px) - OFFSETS[-1]):
            people = read_openpose(folder / f"{short}_json" / f"{short}.{frame:04d}.json")
            person = nearest_person(people, truth_px[frame])
            if person is not None:
                seen = person[:, 2] >= MIN_CONFIDENCE
                for k, shift in enumerate(OFFSETS):
                    offset[k, frame, seen] = person[seen, :2] - truth_px[frame + shift, seen]
        centred = offset - np.nanmedian(offset, axis=(1, 2), keepdims=True)
        middle = list(OFFSETS).index(0)
        report[name] = {
            "median_px": _rounded(np.nanmedian(np.linalg.norm(offset[middle], axis=-1))),
            "constant_shift_px": [_rounded(value) for value in np.nanmedian(offset[middle], axis=(0, 1))],
            "median_px_without_constant_shift": _rounded(
                np.nanmedian(np.linalg.norm(centred[middle], axis=-1))
            ),
            "median_px_without_constant_shift_by_shift": [
                _rounded(np.nanmedian(np.linalg.norm(values, axis=-1))) for values in centred
            ],
        }
    return report


def bone_lengths_mm(trial: BalancingTrial) -> dict[str, list[float]]:
    """Mean and standard deviation over the trial of the limbs' lengths: a lower bound of the truth's error."""
    joints_m = trial.views[0].joints_m
    lengths = {}
    for side in ("right", "left"):
        for parent, child in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
            ends = indices_of((f"{side}_{parent}", f"{side}_{child}"), H36M_17)
            length = 1000 * np.linalg.norm(joints_m[:, ends[0]] - joints_m[:, ends[1]], axis=-1)
            lengths[f"{side}_{parent}-{child}"] = [_rounded(length.mean()), _rounded(length.std())]
    return lengths


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    return _rounded(spearman(first.ravel(), second.ravel()))


def _rounded(value: Any) -> float:
    return round(float(value), 3)


def _command(arguments: Arguments) -> str:
    """What makes the same figures, without this machine's paths."""
    checked = " --openpose FOLDER" if arguments.openpose is not None else ""
    return f"python experiments/detect_balancing.py --step {arguments.step}{checked}"


def print_table(title: str, values: dict[str, Any]) -> None:
    """One block of text per kind of box."""
    print(f"\n{title}: found in {values['found']} of {values['pictures']} pictures", end="")
    print(f" (somebody else: {values['found_somebody_else']}, nobody: {values['found_nobody']})")
    print(
        f"{'joint':15s}{'error':>8s}{'-joint':>8s}{'-camera':>8s}{'sigma':>8s}{'ampl.':>8s}{'Spearman':>10s}"
    )
    for name, joint in values["joints"].items():
        print(
            f"{name:15s}{joint['error_median_percent']:8.2f}"
            f"{joint['error_without_joint_offset_median_percent']:8.2f}"
            f"{joint['error_without_camera_joint_offset_median_percent']:8.2f}"
            f"{joint['sigma_cell_median']:8.2f}{joint['amplitude_median']:8.2f}{joint['spearman_sigma_error']:10.2f}"
        )
    print(
        "all joints: median",
        values["median_percent"],
        "Spearman(sigma, error)",
        values["spearman_sigma_error"],
    )
    print("by fifth of sigma:", values["by_sigma_quintile"])


def draw_sheet(path: Path, trial: BalancingTrial, looks: Sequence[Look]) -> None:
    """Truth (white), detection (by side) and 2-sigma ellipses on three frames of every camera."""
    from matplotlib.figure import Figure

    by_picture = {(look.sample.camera_name, look.sample.frame_index): look for look in looks}
    figure = Figure(figsize=(4.2 * len(SHEET_FRAMES), 4.6 * len(trial.views)), layout="constrained")
    panels = figure.subplots(len(trial.views), len(SHEET_FRAMES), squeeze=False)
    samples = {(s.camera_name, s.frame_index): s for s in trial.samples()}
    for row, view in enumerate(trial.views):
        for column, frame in enumerate(SHEET_FRAMES):
            sample = samples[view.camera.name, frame]
            draw_panel(panels[row, column], sample, by_picture.get((view.camera.name, frame)))
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def draw_panel(axes: Any, sample: EvaluationSample, look: Look | None) -> None:
    """One picture of the sheet."""
    from matplotlib.patches import Ellipse

    from poseterior.viz.colours import side_colour
    from poseterior.viz.gaussians import ellipse_axes

    if sample.read_image is not None:
        axes.imshow(sample.read_image())
    truth: dict[str, np.ndarray] = dict(zip(H36M_17, sample.joints_px, strict=True))
    bones = [(a, b) for a, b in MPII_BONES if "spine" not in (a, b)] + [("pelvis", "thorax")]
    for parent, child in bones:
        axes.plot(*np.transpose([truth[parent], truth[child]]), color="white", linewidth=2.2)
    title = f"{sample.camera_name}, frame {sample.frame_index}"
    if look is None:
        title += ": not found"
    else:
        gaussians = look.detection.gaussians
        fitted: dict[str, np.ndarray] = dict(zip(MPII_16, gaussians.mean_px, strict=True))
        for parent, child in bones:
            ends = np.transpose([fitted[parent], fitted[child]])
            axes.plot(*ends, color=side_colour(child), linewidth=1.2)
        for mean, major, minor, angle in zip(
            gaussians.mean_px, *ellipse_axes(gaussians.covariance_px2), strict=True
        ):
            axes.add_patch(Ellipse(mean, 4 * major, 4 * minor, angle=angle, fill=False, edgecolor="yellow"))
    centre = sample.joints_px[sample.has_joint].mean(axis=0)
    half = 0.62 * person_size_px(sample)
    axes.set(xlim=(centre[0] - half, centre[0] + half), ylim=(centre[1] + half, centre[1] - half))
    axes.set(xticks=[], yticks=[], title=title)


def main(arguments: Arguments) -> None:
    """Run, print, write."""
    trial = load_balancing()
    detector = create_detector(DEFAULT_DETECTOR)
    found, boxed = look_at_all(trial, detector, arguments.step)
    payload: dict[str, Any] = {
        "name": "balancing-detector",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": _command(arguments),
        "data": {
            "name": DATASET,
            "source": "pose2sim 0.7.2 (videos) and 0.4.15 (calibration, markers), BSD-3-Clause",
            "cameras": len(trial.views),
            "frames_per_camera": len(range(0, len(trial.views[0].frame_indices), arguments.step)),
            "truth": "triangulated from four views: errors below 3 to 4 cm mean nothing",
        },
        "detector": detector.profile.name,
        "units": "errors in percent of the longer side of the box around the projected joints; sigma: geometric "
        "mean of the principal sigmas, heatmap cells",
        "finder": {**found.counts, **statistics(found.right)},
        "box_of_projected_joints": {**boxed.counts, **statistics(boxed.right)},
        "error_px_by_shift_of_truth_in_frames": {
            "shifts": list(OFFSETS),
            **error_by_shift(trial, found.right),
        },
        "bone_length_mm_mean_std": bone_lengths_mm(trial),
    }
    if arguments.openpose is not None:
        payload["truth_against_openpose"] = reprojection(arguments.openpose)
    for key in ("finder", "box_of_projected_joints"):
        print_table(key, payload[key])
    for key in ("error_px_by_shift_of_truth_in_frames", "bone_length_mm_mean_std", "truth_against_openpose"):
        if key in payload:
            print(f"\n{key}: {json.dumps(payload[key], indent=1)}")
    with atomic_path(arguments.out) as temporary:
        temporary.write_text(json.dumps(payload, indent=2) + "\n")
    if arguments.sheet is not None:
        draw_sheet(arguments.sheet, trial, found.right)


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments, description=__doc__))
    except PoseteriorError as error:
        sys.exit(f"detect_balancing: {error}")
