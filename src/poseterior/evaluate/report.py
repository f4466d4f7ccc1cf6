"""The report of an evaluation: one dict, as its JSON file holds it.

Keys with "oracle" in their name are chosen with the truth; nobody who lacks it can have them (METHOD section 8).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Int

from poseterior.data.evaluation_set import AMBIGUOUS_RATIO, EvaluationSet
from poseterior.errors import InputError
from poseterior.evaluate.intervals import LEVEL, RESAMPLES
from poseterior.evaluate.joints import JointChoice
from poseterior.evaluate.measure import OnProgress, Settings, measure
from poseterior.evaluate.measurements import Measurements
from poseterior.evaluate.provenance import git_revision, versions
from poseterior.evaluate.summary import mean_of_actions, over_time, subset_summary
from poseterior.export.atomic import atomic_path
from poseterior.metrics.marginal_calibration import ECE_LEVELS
from poseterior.models.interface import LiftingModel

FORMAT = "poseterior-evaluation"
FORMAT_VERSION = 1
FEW_SEQUENCES = 20
Subset = Literal["all", "ambiguous", "both"]
SUBSETS: tuple[Subset, ...] = ("all", "ambiguous", "both")

ANSWERS = {
    "z0": "the method's single answer: latent zero of a flow, the heaviest kernel's mean of a mixture",
    "mean_pose": "mean of the root-centred hypotheses",
    "median_pose": "coordinate-wise median of the root-centred hypotheses",
    "random_one": "one hypothesis at random",
    "mean_value": "mean of the metric over the hypotheses",
    "median_value": "median of the metric over the hypotheses (the lower middle one)",
    "oracle_best": "the best hypothesis, chosen with the truth by each metric for itself",
    "oracle_worst": "the worst hypothesis, chosen with the truth",
    "k_means_5_oracle_best": "the best of five cluster centres of the hypotheses, chosen with the truth",
    "truth": "the true pose itself (bone symmetry only)",
}
"""What the keys below `poses` mean."""


@dataclass(frozen=True)
class Evaluation:
    """A report, and what it was made from."""

    report: dict[str, Any]
    measurements: Measurements
    data: EvaluationSet
    """The evaluated pictures alone, in the order of the measurements."""


def evaluate(
    model: LiftingModel,
    data: EvaluationSet,
    settings: Settings | None = None,
    *,
    subset: Subset = "both",
    max_pictures: int | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> Evaluation:
    """Every number of a model on a set; a pure function of both, the samples, the seed and the pictures.

    Args:
        model: any method behind the interface.
        data: the set.
        settings: samples, seed, and how the work is cut.
        subset: the summary of all pictures, of the ambiguous ones only (no others are lifted then), or both.
        max_pictures: take so many, at even distances through the set (or its ambiguous part).
        on_progress: told of pictures done and in all.

    Raises:
        ModelError: the model was trained for another detector, or gives poses that are none.
        InputError: no picture is left, a joint is unknown, or a setting is out of range.
    """
    settings = settings or Settings()
    rows = chosen_rows(data, subset, max_pictures)
    measurements = measure(model, data, rows, settings, on_progress)
    evaluated = data.select(rows)
    report = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "git_revision": git_revision(),
        "versions": versions(),
        "settings": {
            "samples": settings.samples,
            "seed": settings.seed,
            "subset": subset,
            "max_pictures": max_pictures,
        },
        "model": {
            "name": model.name,
            **model.identity,
            "num_parameters": model.num_parameters,
            "gives_log_prob": model.gives_log_prob,
        },
        "dataset": _dataset(data, evaluated),
        "protocol": _protocol(measurements.choice, settings),
        "noise_baseline": {
            "depth_sigma_mm_oracle": measurements.depth_sigma_mm,
            "note": "x and y: the fitted Gaussians around z0; depth: a constant Gaussian with the root mean square "
            "of z0's depth errors on these pictures, which takes the truth and favours the baseline",
        },
        "subsets": _subsets(measurements, evaluated, subset, settings.seed),
        "actions": _groups(measurements, evaluated, np.asarray(evaluated.action), settings.seed),
        "settings_of_the_set": _groups(
            measurements, evaluated, evaluated.extra.get("setting"), settings.seed
        ),
        "over_time": over_time(measurements, evaluated),
    }
    report["mean_of_actions"] = mean_of_actions(report["actions"])
    report["warnings"] = _warnings(report, measurements)
    return Evaluation(report, measurements, evaluated)


def chosen_rows(data: EvaluationSet, subset: Subset, max_pictures: int | None) -> Int[np.ndarray, " rows"]:
    """Numbers of the pictures to evaluate.

    Raises:
        InputError: none is left, or `max_pictures` or `subset` is no such thing.
    """
    if subset not in SUBSETS:
        raise InputError(f"subset is {subset!r}; expected one of {', '.join(SUBSETS)}")
    if max_pictures is not None and max_pictures < 1:
        raise InputError(f"max_pictures is {max_pictures}; expected 1 or more")
    rows = np.flatnonzero(data.ambiguous()) if subset == "ambiguous" else np.arange(len(data))
    if not len(rows):
        what = "ambiguous pictures" if subset == "ambiguous" else "pictures"
        raise InputError(f"set {data.name} has no {what}; expected at least one")
    wanted = min(max_pictures or len(rows), len(rows))
    return rows[np.arange(wanted) * len(rows) // wanted]


def write_report(report: dict[str, Any], path: Path) -> None:
    """Strict JSON, atomically.

    Raises:
        OutputError: the file cannot be written.
    """
    text = json.dumps(report, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _dataset(data: EvaluationSet, evaluated: EvaluationSet) -> dict[str, Any]:
    return {
        "name": data.name,
        "checksum": data.checksum,
        "num_pictures": len(data),
        "num_evaluated": len(evaluated),
        "num_ambiguous_evaluated": int(evaluated.ambiguous().sum()),
        "num_sequences_evaluated": len(set(evaluated.sequence)),
        "subjects": sorted(set(evaluated.subject)),
        "detector_profile": data.profile.name,
        "sigma_confident_cells": data.profile.sigma_confident_cells,
        "joints_2d_source": data.joints_2d_source,
        "notes": list(data.notes),
    }


def _protocol(choice: JointChoice, settings: Settings) -> dict[str, Any]:
    return {
        "poses": choice.protocol.to_dict(),
        **choice.to_dict(),
        "errors_and_calibration_joints": list(choice.others),
        "frame": "camera: x right, y down, z away from the camera; millimetres, relative to the root",
        "answers": ANSWERS,
        "ambiguous": f"a fitted sigma above {AMBIGUOUS_RATIO} confident sigmas of the detector",
        "density": "nats, poses in millimetres, on the 45-dimensional space of mean-centred poses of 16 joints",
        "energy_score": "Euclidean norm of the whole root-relative pose, unbiased over samples, mm",
        "crps": "per coordinate, unbiased over samples, mean over joints (and axes), mm",
        "ece": "Pierzchlewicz et al. 2022: mean over levels of |median over joints of omega - level|",
        "levels": [round(level, 9) for level in ECE_LEVELS.tolist()],
        "hdr": "coverage of highest-density regions by the rank of the truth's log-density",
        "overconfidence": "mean of nominal - observed coverage: above 0 where regions are too small",
        "central": "coverage of central intervals of single coordinates",
        "pit": "bias: mean share of samples below the truth - 1/2; dispersion: above 1 where samples are too narrow",
        "intervals": {
            "level": LEVEL,
            "resamples": RESAMPLES,
            "seed": settings.seed,
            "method": "percentile bootstrap over sequences",
        },
    }


def _subsets(
    measurements: Measurements, evaluated: EvaluationSet, subset: Subset, seed: int
) -> dict[str, Any]:
    ambiguous = evaluated.ambiguous()
    masks = {"all": np.ones(len(evaluated), bool), "ambiguous": ambiguous}
    wanted = ("all", "ambiguous") if subset == "both" else (subset,)
    return {
        name: subset_summary(measurements, evaluated, masks[name], seed) if masks[name].any() else None
        for name in wanted
    }


def _groups(
    measurements: Measurements, evaluated: EvaluationSet, label: np.ndarray | None, seed: int
) -> dict[str, Any] | None:
    """A brief summary for each label; None where the set has no labels."""
    if label is None:
        return None
    masks: dict[str, Bool[np.ndarray, " pictures"]] = {
        str(name): label == name for name in np.unique(label).tolist()
    }
    return {
        name: subset_summary(measurements, evaluated, mask, seed, brief=True) for name, mask in masks.items()
    }


def _warnings(report: dict[str, Any], measurements: Measurements) -> list[str]:
    dataset, model = report["dataset"], report["model"]
    found = []
    sequences = dataset["num_sequences_evaluated"]
    if sequences < FEW_SEQUENCES:
        found.append(
            f"Only {sequences} sequences: intervals that are bootstrapped over them are too narrow, if there are any."
        )
    if dataset["joints_2d_source"] != "detector":
        found.append("The 2D joints are projections of the truth, not detections.")
    if model.get("stand_in") == "yes":
        found.append("The model is a stand-in: it only holds the place of a properly trained one.")
    if measurements.choice.derived:
        found.append(
            f"The set does not know {' and '.join(measurements.choice.derived)}: midpoints of limb joints stand in "
            "for alignment, on both sides, and do not count in averages."
        )
    density = measurements.density
    if density is not None and not math.isfinite(float(density.nll.sum())):
        found.append(
            f"The model gives {int((~np.isfinite(density.nll)).sum())} truths no density at all: their mean has none."
        )
    return found
