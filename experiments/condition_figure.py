"""Do hypotheses spread as the heatmaps' Gaussians do, with and without condition and L_HM: the paper's figure 7.

    python experiments/condition_figure.py --data runs/open-data
    python experiments/condition_figure.py --data runs/open-data --models posterior FOLDER --titles "flow" "other"

Figure: for each of four joints the test picture in which it alone is most uncertain, by the detections; its Gaussian
and the hypotheses' joint in the image plane at the person. Table: over the uncertain joints of N test pictures, the
ratio of the spreads, sqrt(tr s / tr S), and how well one follows the other; "uncertain" as in L_HM (a sigma in x or y
above 1.05 confident ones) and as in `ambiguous` (a sigma above 2.5). Gaussians become metres by the true camera, and,
beside it, by the paper's constant, which the training of `full` asks for (--data.heatmap-metres).
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

from poseterior.data.evaluation_set import AMBIGUOUS_RATIO, EvaluationSet
from poseterior.data.open_set import load_open_set
from poseterior.errors import InputError, PoseteriorError
from poseterior.evaluate.figures.choose import lone_uncertain_joint
from poseterior.evaluate.figures.condition import JointOfPicture, draw_condition
from poseterior.evaluate.figures.heatmap_spread import (
    JOINTS,
    InPlane,
    agreement,
    by_papers_constant,
    gaussians_in_plane,
    joints_in_plane,
    measure_in_plane,
    reads_condition,
)
from poseterior.evaluate.models import open_model, require_profile
from poseterior.evaluate.report import chosen_rows
from poseterior.export.atomic import atomic_path
from poseterior.geometry.normalise import vector_from_pose
from poseterior.heatmaps.condition import UNCERTAIN_FROM
from poseterior.models.interface import LiftingModel
from poseterior.skeleton import MPII_16, indices_of
from poseterior.viz.figure import save_figure

ROOT = Path(__file__).resolve().parents[1]
ABLATIONS = Path("runs/ablation-table")
"""Made by `poseterior compare --ablations --out runs/ablation-table`."""


@dataclass(frozen=True)
class Arguments:
    """What is lifted and drawn."""

    data: Path
    """Folder of the open set."""
    models: tuple[str, ...] = tuple(
        str(ABLATIONS / "trainings" / f"{name}-seed0" / "model") for name in ("full", "no-condition", "no-hm")
    )
    titles: tuple[str, ...] = ("full", "without condition", "without L_HM")
    joints: tuple[str, ...] = ("right_ankle", "left_knee", "left_wrist", "right_elbow")
    """A column of the figure for each."""
    split: str = "test"
    pictures: int = 1000
    """Of the table, at even distances through the split."""
    samples: int = 200
    seed: int = 0
    out: Path = ROOT / "docs" / "results" / "condition-and-hm.json"
    figure: Path = ROOT / "docs" / "images" / "condition-and-hm.png"


def chosen_pictures(data: EvaluationSet, joints: tuple[str, ...]) -> list[int]:
    """Of each joint the picture in which it alone is uncertain, and most so."""
    rows = []
    for joint in joints:
        if joint not in JOINTS:
            raise InputError(
                f"joint {joint} has no Gaussian in the condition; expected one of {', '.join(JOINTS)}"
            )
        score = lone_uncertain_joint(
            data.gaussians.covariance_cell2, data.profile.sigma_confident_cells, joint
        )
        if not score.max() > 0:
            raise InputError(f"set {data.name} has no picture in which {joint} alone is uncertain")
        rows.append(int(score.argmax()))
    return rows


def columns_of(data: EvaluationSet, joints: tuple[str, ...]) -> list[JointOfPicture]:
    """What the figure shows of the data, whose pictures belong to the joints one by one."""
    mean_m, covariance_m2 = gaussians_in_plane(data)
    truth_m = joints_in_plane(vector_from_pose(data.joints_m)[:, None])[:, 0]
    return [
        JointOfPicture(joint, mean_m[row], covariance_m2[row, column], truth_m[row, column])
        for row, (joint, column) in enumerate(zip(joints, indices_of(joints, MPII_16), strict=True))
    ]


def points_of(model: LiftingModel, data: EvaluationSet, arguments: Arguments) -> list[np.ndarray]:
    """(hypotheses, 2) of each column's joint."""
    vectors = model.sample(data.inputs(model.condition_variant), arguments.samples, arguments.seed).vectors
    columns = indices_of(arguments.joints, MPII_16)
    return [joints_in_plane(of[None])[0][:, column] for of, column in zip(vectors, columns, strict=True)]


def table_of(in_plane: InPlane, data: EvaluationSet) -> dict[str, Any]:
    """Agreement of both kinds of uncertain joints, by both conversions to metres."""
    columns = indices_of(JOINTS, MPII_16)
    sigma = np.sqrt(np.diagonal(data.gaussians.covariance_cell2[:, columns], axis1=-2, axis2=-1).max(axis=-1))
    uncertain = {
        "above_1.05": sigma > UNCERTAIN_FROM * data.profile.sigma_confident_cells,
        "above_2.5": in_plane.sigma_ratio > AMBIGUOUS_RATIO,
    }
    conversions = {"geometry": in_plane, "paper": by_papers_constant(in_plane, data)}
    return {
        conversion: {name: agreement(measured, mask) for name, mask in uncertain.items()}
        for conversion, measured in conversions.items()
    }


def work(arguments: Arguments) -> dict[str, Any]:
    """Draw the figure; what the JSON file holds."""
    if len(arguments.titles) != len(arguments.models) or len(set(arguments.titles)) != len(arguments.titles):
        raise InputError(
            f"titles are {', '.join(arguments.titles)}; expected {len(arguments.models)} different ones"
        )
    models = {
        title: open_model(name, num_threads=1)
        for title, name in zip(arguments.titles, arguments.models, strict=True)
    }
    data = load_open_set(arguments.data, arguments.split)
    for model in models.values():
        require_profile(model, data.profile, data.name)
    shown = chosen_pictures(data, arguments.joints)
    of_figure = data.select(np.array(shown))
    measured = data.select(chosen_rows(data, "both", arguments.pictures))
    points = {title: points_of(model, of_figure, arguments) for title, model in models.items()}
    save_figure(draw_condition(columns_of(of_figure, arguments.joints), points), arguments.figure)
    rows = {}
    for title, model in models.items():
        in_plane = measure_in_plane(model, measured, arguments.samples, arguments.seed)
        rows[title] = {
            "model": model.name,
            **model.identity,
            "reads_condition": reads_condition(model, of_figure),
            "agreement": table_of(in_plane, measured),
        }
    return {
        "pictures": len(measured),
        "pictures_of_figure": dict(zip(arguments.joints, shown, strict=True)),
        "data": data.name,
        "data_sha256": data.checksum,
        "rows": rows,
    }


def main() -> int:
    """Draw, print, write."""
    arguments = tyro.cli(Arguments, description=__doc__)
    try:
        result = {
            "name": "condition-and-hm",
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": f"python experiments/condition_figure.py --data DATA --pictures {arguments.pictures}",
            "seed": arguments.seed,
            "samples": arguments.samples,
            **work(arguments),
        }
        for title, row in result["rows"].items():
            for name, values in row["agreement"]["geometry"].items():
                print(
                    f"{title}, joints {name.replace('_', ' ')}: {values['joints']}, "
                    f"median ratio {values['ratio_median']:.2f}, correlation {values['sigma_correlation']:.2f}"
                )
        with atomic_path(arguments.out) as temporary:
            temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    except PoseteriorError as error:
        print(f"condition_figure: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
