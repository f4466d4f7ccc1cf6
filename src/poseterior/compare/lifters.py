"""A trained entry of a plan as the `LiftingModel` of one of its rows (torch)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from poseterior.compare.plan import Answer, Entry
from poseterior.data.evaluation_set import EvaluationSet
from poseterior.evaluate.flow_lifter import FlowLifter
from poseterior.evaluate.measure import noise_baseline
from poseterior.geometry.normalise import pose_from_vector, vector_from_pose
from poseterior.models.interface import LiftingInputs, LiftingModel
from poseterior.models.network_bundle import open_network_lifter
from poseterior.models.noise_baseline import depth_sigma_from_truth
from poseterior.models.ordinal_answer import OrdinalAnswer
from poseterior.train.batch import Batch

_MOST_VALIDATION_PICTURES = 1000


def lifter_of(
    entry: Entry,
    answer: Answer,
    folder: Path,
    held_out: EvaluationSet,
    validation: Batch,
    *,
    device: str,
    samples: int,
    seed: int,
) -> LiftingModel:
    """What is measured.

    Args:
        entry: the method.
        answer: its row.
        folder: of the trained model.
        held_out: what it will be measured on: the noise baseline takes its Gaussians, the ordinal oracle its truth.
        validation: the noise baseline's depth is that of the single answers' errors on them, a share of at most
            1,000 pictures.
        device: of networks, "cpu" or "cuda".
        samples: that the ordinal oracle weighs.
        seed: of those.

    Raises:
        ModelError: the folder cannot be read.
    """
    model = (
        FlowLifter.load(folder)
        if entry.kind == "flow"
        else open_network_lifter(folder, device=device, **answer.changes)
    )
    if answer.kind == "noise":
        return noise_baseline(model, held_out, _depth_sigma_m(model, validation))
    if answer.kind == "ordinal":
        return OrdinalAnswer(model, vector_from_pose(held_out.joints_m), samples, seed)
    return model


def _depth_sigma_m(model: LiftingModel, validation: Batch) -> float:
    x, y, condition = (
        values[:_MOST_VALIDATION_PICTURES].numpy() for values in (validation.x, validation.y, validation.condition)
    )  # fmt: skip
    single = model.single(LiftingInputs(y, condition, np.arange(len(y))))
    return depth_sigma_from_truth(
        pose_from_vector(single.astype(np.float64)), pose_from_vector(x.astype(np.float64))
    )
