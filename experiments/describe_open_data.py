"""The statistics of a synthetic set, and a sheet of its pictures: what docs/open-data.md shows.

    python experiments/describe_open_data.py --data FOLDER --motion FOLDER
    python experiments/describe_open_data.py --data FOLDER --motion FOLDER --video   # real footage beside it

FOLDER of --data was made by `poseterior synth`; --motion is what it was made from, and only needed for the sheet,
whose pictures are drawn again. Writes docs/results/open-data.json and docs/images/open-data.jpg, and prints the
tables. --video also looks at every 5th frame of the sample video, which has no truth: sigma and amplitude only.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from poseterior.data.synthesis.cameras import CameraFamily
from poseterior.data.synthesis.dataset import AMBIGUOUS_RATIO, SynthDataset
from poseterior.data.synthesis.maker import SPLITS
from poseterior.data.synthesis.statistics import TRUTH_OF_MPII, DetectorErrors, detector_errors, error_table
from poseterior.data.synthesis.visibility import Visibility
from poseterior.errors import PoseteriorError
from poseterior.export.atomic import atomic_path
from poseterior.heatmaps.condition import UNCERTAIN_FROM
from poseterior.heatmaps.derive_batch import MpiiGaussians, mpii_gaussians_of_many
from poseterior.skeleton import H36M_17, MPII_16, mirror_indices

ROOT = Path(__file__).resolve().parents[1]
_SHEET_COLUMNS, _SHEET_ROWS = 8, 6
_TWINS = mirror_indices(MPII_16)
SIDED = [joint for joint, twin in enumerate(_TWINS) if twin != joint]
TWINS = [_TWINS[joint] for joint in SIDED]
"""The same joints of the other side."""


@dataclass(frozen=True)
class Arguments:
    """What is described, and where it goes."""

    data: Path
    """Folder of the set."""
    motion: Path | None = None
    """Folder of the motion that it was made from: draws the sheet."""
    video: bool = False
    """Also look at the sample video."""
    out: Path = ROOT / "docs" / "results" / "open-data.json"
    """JSON file."""
    sheet: Path = ROOT / "docs" / "images" / "open-data.jpg"
    """Contact sheet, JPEG."""
    figure: Path = ROOT / "docs" / "images" / "sigma-and-error.png"
    """Per joint: fitted sigma beside the 2D error, the counterpart of the paper's figure 6."""


def counts(dataset: SynthDataset, errors: DetectorErrors) -> dict[str, Any]:
    """How many, and of which kinds."""
    from poseterior.data.pose_library.library import PoseKind

    kinds, families = dataset["pose_kind"], dataset["camera_family"]
    visibility, refused = dataset["visibility"], dataset["refused_attempts"].astype(int)
    depth_m = dataset["joints_m"][:, 0, 2]
    frames = np.stack([dataset["pose_source"], dataset["pose_frame"]], axis=1)
    over = _joints_over(dataset)
    return {
        "samples": len(dataset),
        "ambiguous": int(dataset.ambiguous().sum()),
        "ambiguous_share": float(dataset.ambiguous().mean()),
        "joints_over_threshold_per_sample": {
            f"{k} or more": float((over >= k).mean()) for k in (1, 2, 4, 6, 8)
        },
        "distinct_source_frames": len(np.unique(frames, axis=0)),
        "joints_above_uncertain_from_share": float((_largest_sigma_ratio(dataset) > UNCERTAIN_FROM).mean()),
        "detector_is_elsewhere_share": float(is_elsewhere(errors).mean()),
        "front_and_back_views_share": float(shows_front_or_back(dataset).mean()),
        "sides_swapped_share_of_front_and_back_views": float(
            sides_swapped(dataset)[shows_front_or_back(dataset)].mean()
        ),
        "pictures_refused_by_the_detector_share": float(refused.sum() / (refused.sum() + len(dataset))),
        "pose_kinds": {kind.name.lower(): float((kinds == kind).mean()) for kind in PoseKind},
        "camera_families": {f.name.lower(): float((families == f).mean()) for f in CameraFamily},
        "joints_by_visibility": {v.name.lower(): float((visibility == v).mean()) for v in Visibility},
        "pictures_with_all_joints_visible_share": float((visibility == 0).all(axis=1).mean()),
        "pictures_with_other_people_share": float((dataset["other_people"] > 0).mean()),
        "height_m": _spread(dataset["height_m"]),
        "depth_of_pelvis_m": _spread(depth_m),
    }


def is_elsewhere(errors: DetectorErrors) -> np.ndarray:
    """Whether half of the limb joints are found further away than a fifth of the person's size.

    The detector then sits on somebody else, has the sides swapped in profile, or sees nothing of the person.
    """
    limbs = [k for k, name in enumerate(MPII_16) if name.endswith(("ankle", "knee", "wrist", "elbow"))]
    return np.median(errors.error[:, limbs], axis=1) > 0.2


def shows_front_or_back(dataset: SynthDataset) -> np.ndarray:
    """Whether the line through the shoulders is within 45 degrees of the picture's plane."""
    joints_m = dataset["joints_m"].astype(np.float64)
    across = joints_m[:, H36M_17.index("left_shoulder")] - joints_m[:, H36M_17.index("right_shoulder")]
    return np.abs(across[:, 2]) < np.sqrt(0.5) * np.linalg.norm(across, axis=-1)


def sides_swapped(dataset: SynthDataset) -> np.ndarray:
    """Whether 9 of 10 joints that have a twin on the other side are found nearer to the twin."""
    mean_cell, pixel_from_cell = (
        gaussians_of(dataset).mean_cell,
        dataset["pixel_from_cell"].astype(np.float64),
    )
    mean_px = mean_cell @ np.swapaxes(pixel_from_cell[:, :, :2], -1, -2) + pixel_from_cell[:, None, :, 2]
    truth_px = dataset["joints_px"].astype(np.float64)[:, TRUTH_OF_MPII]
    own, twin = (np.linalg.norm(mean_px[:, SIDED] - truth_px[:, of], axis=-1) for of in (SIDED, TWINS))
    return (twin < own).mean(axis=1) > 0.9


def _joints_over(dataset: SynthDataset) -> np.ndarray:
    """How many of the 16 joints have a sigma above the threshold of `ambiguous`."""
    return (_largest_sigma_ratio(dataset) > AMBIGUOUS_RATIO).sum(axis=1)


def _largest_sigma_ratio(dataset: SynthDataset) -> np.ndarray:
    """The larger principal standard deviation of the 16 joints, in confident ones."""
    largest = np.sqrt(np.linalg.eigvalsh(gaussians_of(dataset).covariance_cell2)[..., -1])
    return largest / dataset.sigma_confident_cells


def gaussians_of(dataset: SynthDataset) -> MpiiGaussians:
    """The 16 Gaussians that the flow is conditioned on."""
    return mpii_gaussians_of_many(
        dataset.profile.joint_names,
        dataset["amplitude"],
        dataset["mean_cell"],
        dataset["covariance_cell2"],
    )


def errors_of(dataset: SynthDataset) -> DetectorErrors:
    """The detector's Gaussians beside the truth."""
    return detector_errors(
        gaussians_of(dataset),
        dataset["pixel_from_cell"].astype(np.float64),
        dataset["joints_px"].astype(np.float64),
        dataset["visibility"],
    )


def of_video() -> dict[str, Any]:
    """Sigma and amplitude on every 5th frame of the sample video, found by the detector's own finder."""
    from poseterior.assets import asset_path
    from poseterior.detect.registry import DEFAULT_DETECTOR, create_detector
    from poseterior.errors import NoPersonError
    from poseterior.sources.video import iter_frames

    detector, found, looked = create_detector(DEFAULT_DETECTOR), [], 0
    for _, frame in iter_frames(asset_path("demo.mp4"), step=5):
        looked += 1
        try:
            found.append(detector.detect(frame).gaussians)
        except NoPersonError:
            continue
    sigma = np.array([np.sqrt(g.sigma_cell.prod(axis=1)) for g in found])
    amplitude = np.array([g.amplitude for g in found])
    return {
        "frames": looked,
        "found": len(found),
        "joints": {
            name: {
                "median_sigma_cell": float(np.median(sigma[:, joint])),
                "median_amplitude": float(np.median(amplitude[:, joint])),
            }
            for joint, name in enumerate(MPII_16)
        },
        "sigma_cell": _spread(sigma),
        "amplitude": _spread(amplitude),
    }


def _spread(values: np.ndarray) -> dict[str, float]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {"5%": float(low), "50%": float(middle), "95%": float(high)}


def sheet_of(dataset: SynthDataset, motion: Path, folder_identity: dict[str, Any]) -> np.ndarray:
    """Pictures of the split, drawn again from their numbers, with the truth and the fitted ellipses."""
    from poseterior.data.synthesis.sample import SynthConfig

    maker = SynthConfig(
        seed=folder_identity["seed"],
        motion_folder=motion,
        photos=folder_identity["photos"],
        children=folder_identity["children"],
    ).build()
    rows = np.linspace(0, len(dataset) - 1, _SHEET_COLUMNS * _SHEET_ROWS).astype(int)
    gaussians, pixel_from_cell = gaussians_of(dataset), dataset["pixel_from_cell"]
    visibility, refused = dataset["visibility"], dataset["refused_attempts"]
    tiles = []
    for row in rows:
        shot = maker.shoot(dataset.split, int(dataset.sample_index[row]), int(refused[row]))
        affine = pixel_from_cell[row].astype(np.float64)
        mean_px = gaussians.mean_cell[row] @ affine[:, :2].T + affine[:, 2]
        covariance_px2 = affine[:, :2] @ gaussians.covariance_cell2[row] @ affine[:, :2].T
        tiles.append(
            _tile(shot.picture.pixels, dataset["joints_px"][row], visibility[row], mean_px, covariance_px2)
        )
    lines = [np.hstack(tiles[k : k + _SHEET_COLUMNS]) for k in range(0, len(tiles), _SHEET_COLUMNS)]
    return np.vstack(lines)


def _tile(
    pixels: np.ndarray,
    truth_px: np.ndarray,
    visibility: np.ndarray,
    mean_px: np.ndarray,
    covariance: np.ndarray,
) -> np.ndarray:
    """One picture: true skeleton (white where visible, red where hidden) and ellipses of two sigma."""
    from PIL import Image, ImageDraw

    from poseterior.skeleton import H36M_17, H36M_BONES, bone_indices
    from poseterior.viz.colours import side_colour
    from poseterior.viz.gaussians import ellipse_axes

    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    for parent, child in bone_indices(H36M_BONES, H36M_17):
        pen.line([tuple(map(float, truth_px[parent])), tuple(map(float, truth_px[child]))], fill="#EEEEEE")
    for (x, y), seen in zip(truth_px, visibility, strict=True):
        colour = "#FFFFFF" if seen == Visibility.VISIBLE else "#FF3030"
        pen.ellipse([float(x) - 2, float(y) - 2, float(x) + 2, float(y) + 2], fill=colour)
    around = np.linspace(0.0, 2.0 * np.pi, 40)
    for name, mean, large, small, angle in zip(MPII_16, mean_px, *ellipse_axes(covariance), strict=True):
        turn = np.radians(angle)
        x, y = 2.0 * large * np.cos(around), 2.0 * small * np.sin(around)
        outline = np.stack(
            [mean[0] + x * np.cos(turn) - y * np.sin(turn), mean[1] + x * np.sin(turn) + y * np.cos(turn)],
            axis=1,
        )
        pen.line([tuple(map(float, point)) for point in outline], fill=side_colour(name), width=1)
    return np.asarray(image)


def draw_figure(table: dict[str, Any], path: Path) -> None:
    """Mean fitted sigma beside the mean 2D error, per joint, for visible and for hidden joints."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    names = [name.replace("_", " ") for name in MPII_16]
    place = np.arange(len(names))
    for shift, kind, colour in ((-0.2, "visible", "#848B95"), (0.2, "hidden", "#D55E00")):
        rows = [table["joints"][name][kind] for name in MPII_16]
        label = f"{kind} joints"
        upper.bar(place + shift, [row["mean_sigma_cell"] for row in rows], 0.38, color=colour, label=label)
        lower.bar(place + shift, [row["mean_error_percent"] for row in rows], 0.38, color=colour)
    upper.set_ylabel("mean fitted sigma\n(heatmap cells)")
    lower.set_ylabel("mean 2D error\n(% of person's size)")
    lower.set_xticks(place, names, rotation=35, ha="right")
    upper.legend(frameon=False)
    for axes in (upper, lower):
        axes.spines[["top", "right"]].set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def print_table(split: str, table: dict[str, Any]) -> None:
    """The per-joint numbers of a split."""
    print(
        f"\n{split}: {table['pictures']} pictures; errors in % of the person's size, sigma in heatmap cells"
    )
    print(
        f"{'joint':>16} {'visible':>8} | visible: error centred sigma  amp | hidden: error sigma  amp | offset x, y"
    )
    for name, row in table["joints"].items():
        seen, hidden = row["visible"], row["hidden"]
        print(
            f"{name:>16} {row['visible_share']:8.2f} | {seen['median_error_percent']:14.2f} "
            f"{seen['median_centred_error_percent']:7.2f} {seen['median_sigma_cell']:5.2f} "
            f"{seen['median_amplitude']:4.2f} | {hidden['median_error_percent']:13.2f} "
            f"{hidden['median_sigma_cell']:5.2f} {hidden['median_amplitude']:4.2f} | "
            f"{row['constant_offset_percent']}"
        )
    for name, row in table["visibility"].items():
        print(
            f"{name:>16} {row['count']:8d} joints: median error {row['median_error_percent']:.2f}, sigma "
            f"{row['median_sigma_cell']:.2f}, amplitude {row['median_amplitude']:.2f}"
        )
    print(f"Spearman(sigma, error): {table['spearman_sigma_error']:.3f}")


def main() -> int:
    """Describe the set."""
    arguments = tyro.cli(Arguments, description=__doc__)
    result: dict[str, Any] = {
        "command": "python experiments/describe_open_data.py --data FOLDER --motion FOLDER --video",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "splits": {},
    }
    try:
        for split in SPLITS:
            dataset = SynthDataset.open(arguments.data, split, unfinished=True)
            if not len(dataset):
                continue
            errors = errors_of(dataset)
            table = error_table(errors)
            result["splits"][split] = {"counts": counts(dataset, errors), "detector": table}
            print_table(split, table)
            print(json.dumps(result["splits"][split]["counts"], indent=2))
        shown = SynthDataset.open(arguments.data, "test", unfinished=True)
        result["seed"] = shown.manifest.identity["seed"]
        result["identity"] = shown.manifest.identity
        if arguments.video:
            result["sample_video"] = of_video()
            print(json.dumps(result["sample_video"], indent=2))
        with atomic_path(arguments.out) as temporary:
            temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        draw_figure(result["splits"]["test"]["detector"], arguments.figure)
        if arguments.motion is not None:
            from PIL import Image

            with atomic_path(arguments.sheet) as temporary:
                Image.fromarray(sheet_of(shown, arguments.motion, shown.manifest.identity)).save(
                    temporary, format="JPEG", quality=85
                )
    except PoseteriorError as error:
        print(f"describe_open_data: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
