"""A model on real footage with triangulated 3D: "pose2sim-balancing", beside BlazePose's own 3D landmarks.

    python experiments/evaluate_balancing.py                         # the default model
    python experiments/evaluate_balancing.py --model FOLDER --step 2

Prints and writes as JSON: PMPJPE of the single answers (z0 and the mean pose), of the best of 200 (chosen with the
truth: an oracle), and of BlazePose's world landmarks on the same crops, over the 12 limb joints; and how often the
truth lies inside the marginal 50 % and 90 % regions of a joint, without any alignment. The set's truth is itself
triangulated: errors below 3 to 4 cm mean nothing. It chooses no model and no setting.
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
from jaxtyping import Bool, Float

from poseterior.assets import asset_path
from poseterior.data.balancing import load_balancing
from poseterior.detect.blazepose import BlazePose
from poseterior.detect.crop import crop_square
from poseterior.errors import NoPersonError, PoseteriorError
from poseterior.evaluate.balancing import is_somebody_else
from poseterior.export.atomic import atomic_path
from poseterior.hypotheses.container import Hypotheses
from poseterior.lifter import Lifter
from poseterior.metrics.pose import pmpjpe
from poseterior.skeleton import BLAZEPOSE_33, H36M_17
from poseterior.weights import DEFAULT_MODEL

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
LIMBS = tuple(
    f"{side}_{joint}"
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    for side in ("right", "left")
)
_OURS = [H36M_17.index(name) for name in LIMBS]
_BLAZEPOSE = [BLAZEPOSE_33.index(name) for name in LIMBS]
_PELVIS = H36M_17.index("pelvis")
LEVELS = (0.5, 0.9)


@dataclass(frozen=True)
class Arguments:
    """What is evaluated."""

    model: str = DEFAULT_MODEL
    """Name of a bundled model, or a folder."""
    step: int = 1
    """Only every n-th frame."""
    samples: int = 200
    seed: int = 0
    out: Path | None = None
    """JSON file; docs/results/balancing-MODEL.json if not given."""


def single_and_best(hypotheses: Hypotheses, truth_m: Float[np.ndarray, "12 3"]) -> dict[str, float]:
    """PMPJPE in mm of each answer."""
    drawn = pmpjpe(hypotheses.poses_m[:, _OURS].astype(np.float64), truth_m[None])
    answers = {"z0": hypotheses.mode(), "mean_pose": hypotheses.mean()}
    single = {name: float(pmpjpe(pose[_OURS].astype(np.float64), truth_m)) for name, pose in answers.items()}
    values = {**single, "best": float(drawn.min()), "mean_of_samples": float(drawn.mean())}
    return {name: 1000.0 * value for name, value in values.items()}


def inside(
    hypotheses: Hypotheses, truth_m: Float[np.ndarray, "17 3"], level: float
) -> Bool[np.ndarray, "12"]:
    """Whether each joint's truth is inside its marginal region: the ellipsoid that holds `level` of the samples.

    Poses are relative to the pelvis, in the camera frame, metres; nothing is aligned.
    """
    samples = hypotheses.poses_m[:, _OURS].astype(np.float64)
    samples = samples - hypotheses.poses_m[:, [_PELVIS]]
    truth = truth_m[_OURS] - truth_m[_PELVIS]
    mean = samples.mean(axis=0)
    centred = samples - mean
    covariance = np.einsum("sji,sjk->jik", centred, centred) / (len(samples) - 1) + 1e-9 * np.eye(3)
    precision = np.linalg.inv(covariance)
    distances = np.einsum("sji,jik,sjk->sj", centred, precision, centred)
    off = truth - mean
    return np.einsum("ji,jik,jk->j", off, precision, off) <= np.quantile(distances, level, axis=0)


def evaluate(arguments: Arguments) -> dict[str, Any]:
    """All pictures."""
    lifter = Lifter.load(arguments.model)
    peer = BlazePose(asset_path("pose_landmark_full.tflite"))
    rows: list[dict[str, float]] = []
    covered: dict[float, list[np.ndarray]] = {level: [] for level in LEVELS}
    pictures, missed = 0, 0
    for sample, image in load_balancing().pictures(arguments.step):
        pictures += 1
        try:
            detection = lifter.detector.detect(image)
        except NoPersonError:
            missed += 1
            continue
        if is_somebody_else(detection, sample.joints_px[sample.has_joint]):
            missed += 1
            continue
        hypotheses = lifter.lift_detection(
            detection, num_samples=arguments.samples, seed=arguments.seed + pictures
        )
        truth_m = sample.joints_m[_OURS]
        crop = crop_square(image, detection.box, peer.crop_size_px).pixels
        landmarks_m = peer.world_landmarks_m(crop[None])[0, _BLAZEPOSE]
        row = single_and_best(hypotheses, truth_m)
        row["blazepose"] = 1000.0 * float(pmpjpe(landmarks_m, truth_m))
        rows.append(row)
        for level in LEVELS:
            covered[level].append(inside(hypotheses, sample.joints_m, level))
    values = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    peer_median, peer_mean = np.median(values["blazepose"]), values["blazepose"].mean()
    return {
        "pictures": pictures,
        "found": len(rows),
        "missed_or_somebody_else": missed,
        "pmpjpe_mm": {
            name: {"median": round(float(np.median(value)), 1), "mean": round(float(value.mean()), 1)}
            for name, value in values.items()
        },
        "relative_to_blazepose": {
            name: {
                "median": round(float(np.median(value) / peer_median), 3),
                "mean": round(float(value.mean() / peer_mean), 3),
            }
            for name, value in values.items()
        },
        "truth_inside_marginal_region": {
            f"{level:.0%}": round(float(np.mean(covered[level])), 3) for level in LEVELS
        },
    }


def main() -> int:
    """Evaluate, print, write."""
    arguments = tyro.cli(Arguments, description=__doc__)
    try:
        result = evaluate(arguments)
        name = Path(arguments.model).name
        report = {
            "name": f"balancing-{name}",
            "model": name,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": f"python experiments/evaluate_balancing.py --model {name} --step {arguments.step}",
            "data": "pose2sim-balancing; truth triangulated from four views: errors below 3 to 4 cm mean nothing",
            "joints": list(LIMBS),
            "samples": arguments.samples,
            "seed": arguments.seed,
            "best": f"oracle best of {arguments.samples}",
            **result,
        }
        print(json.dumps(report, indent=1))
        with atomic_path(arguments.out or RESULTS / f"balancing-{name}.json") as temporary:
            temporary.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except PoseteriorError as error:
        print(f"evaluate_balancing: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
