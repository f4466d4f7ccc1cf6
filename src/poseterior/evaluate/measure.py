"""A model on a set: pictures stream through in blocks, and the next block is lifted while one is measured."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Float32, Int

from poseterior.data.evaluation_set import EvaluationSet
from poseterior.errors import InputError, ModelError
from poseterior.evaluate.block import (
    MM_PER_METRE,
    Block,
    best_of_first,
    density_record,
    joint_errors_mm,
    lengths_mm,
    marginal_record,
    region_record,
)
from poseterior.evaluate.joints import choose_joints, evaluated_poses_mm, evaluated_vectors_mm
from poseterior.evaluate.measurements import DensityRecord, MarginalRecord, Measurements, RegionRecord
from poseterior.evaluate.models import require_profile
from poseterior.geometry.normalise import vector_from_pose
from poseterior.metrics.summary import PoseEvaluation
from poseterior.models.interface import Draws, LiftingInputs, LiftingModel
from poseterior.models.noise_baseline import NoiseBaseline, depth_sigma_from_truth, joint_covariance_m2

MAX_SAMPLES = 100_000
BEST_OF_COUNTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_NOISE_SEED = 1
"""Added to the seed, so that the baseline's noise is not the model's."""

OnProgress = Callable[[int, int], None]
"""Pictures done, pictures in all."""
Record = TypeVar("Record", MarginalRecord, DensityRecord, RegionRecord)
Rows = Int[np.ndarray, " rows"]


@dataclass(frozen=True)
class Settings:
    """What the numbers depend on, but for `batch` and `overlap`, which only take memory and time."""

    samples: int = 200
    seed: int = 0
    batch: int = 64
    """Pictures lifted at a time: a block of 200 hypotheses each takes about 60 MB."""
    overlap: bool = True
    """Lift the next block in a thread of its own."""

    def check(self) -> None:
        """Raise InputError for values that cannot be meant."""
        if not 1 <= self.samples <= MAX_SAMPLES:
            raise InputError(f"samples is {self.samples}; expected 1 to {MAX_SAMPLES}")
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}; expected 0 or more")
        if self.batch < 1:
            raise InputError(f"batch is {self.batch}; expected 1 or more")


@dataclass(frozen=True)
class _Lifted:
    """A block as it comes from the model."""

    index: slice
    """Of the evaluated pictures."""
    draws: Draws
    truth_log_prob: np.ndarray | None


def measure(
    model: LiftingModel,
    data: EvaluationSet,
    rows: Int[np.ndarray, " rows"],
    settings: Settings,
    on_progress: OnProgress = lambda done, total: None,
) -> Measurements:
    """Lift and measure the pictures `rows` of a set; their noise is that of the whole set's evaluation.

    Raises:
        ModelError: the model was trained for another detector, or gives poses of the wrong shape or with NaN.
        InputError: there is no picture, a joint that all metrics need is unknown, or a setting is out of range.
    """
    settings.check()
    require_profile(model, data.profile, data.name)
    if not len(rows):
        raise InputError(f"set {data.name}: no picture is chosen; expected at least one")
    return _Run(model, data, rows, settings).measured(on_progress)


def noise_baseline(model: LiftingModel, data: EvaluationSet, depth_sigma_m: float) -> NoiseBaseline:
    """Noise around the model's single answers: the fitted Gaussians of the set's pictures, and a constant in depth."""
    covariance_m2 = joint_covariance_m2(
        data.gaussians.covariance_cell2, data.metres_per_cell, data.profile.sigma_confident_cells
    )
    return NoiseBaseline(model, covariance_m2, depth_sigma_m)


class _Run:
    def __init__(self, model: LiftingModel, data: EvaluationSet, rows: Rows, settings: Settings) -> None:
        self._model, self._data, self._rows, self._settings = model, data, rows, settings
        self._choice = choose_joints(data, settings.seed)
        self._truth_mm = evaluated_poses_mm(data.joints_m[rows], self._choice)
        self._with_density = model.gives_log_prob and self._choice.density_is_defined
        self._counts = _counts_up_to(settings.samples)

    def measured(self, on_progress: OnProgress) -> Measurements:
        choice, samples = self._choice, self._settings.samples
        single = np.concatenate(
            [self._single(self._inputs(index)) for index in _slices(len(self._rows), self._settings.batch)]
        )
        single_mm = evaluated_vectors_mm(single, choice)
        depth_sigma_mm = depth_sigma_from_truth(single_mm, self._truth_mm, choice.protocol.root_index)
        baseline = noise_baseline(self._model, self._data, depth_sigma_mm / MM_PER_METRE)
        poses = PoseEvaluation(choice.protocol)
        marginal: list[MarginalRecord] = []
        density: list[DensityRecord] = []
        regions: list[RegionRecord] = []
        mean_error: list[np.ndarray] = []
        lengths: list[dict[str, np.ndarray]] = []
        best: dict[str, list[dict[str, np.ndarray]]] = {"model": [], "noise_baseline": []}
        for lifted in self._lifted():
            index = lifted.index
            noise = baseline.around(
                single[index], self._rows[index], samples, self._settings.seed + _NOISE_SEED
            )
            block = Block(
                hypotheses_mm=evaluated_vectors_mm(lifted.draws.vectors, choice),
                single_mm=single_mm[index],
                truth_mm=self._truth_mm[index],
                noise_mm=evaluated_vectors_mm(noise.vectors, choice),
                log_prob=lifted.draws.log_prob if self._with_density else None,
                truth_log_prob=lifted.truth_log_prob,
            )
            poses.add(block.hypotheses_mm, block.truth_mm, block.single_mm)
            if samples > 1:
                marginal.append(marginal_record(block, choice))
            if (record := density_record(block)) is not None:
                density.append(record)
            if (region := region_record(block)) is not None:
                regions.append(region)
            mean_error.append(joint_errors_mm(block.hypotheses_mm.mean(axis=1), block.truth_mm, choice))
            lengths.append(lengths_mm(block, choice))
            for name, hypotheses in (("model", block.hypotheses_mm), ("noise_baseline", block.noise_mm)):
                best[name].append(best_of_first(hypotheses, block.truth_mm, choice.protocol, self._counts))
            on_progress(index.stop, len(self._rows))
        return Measurements(
            rows=self._rows,
            choice=choice,
            poses=poses.report(),
            single_error_mm=joint_errors_mm(single_mm, self._truth_mm, choice).astype(np.float32),
            mean_pose_error_mm=np.concatenate(mean_error).astype(np.float32),
            bone_lengths_mm=_joined(lengths),
            counts=self._counts,
            best_of_first={name: _joined(parts) for name, parts in best.items()},
            depth_sigma_mm=depth_sigma_mm,
            marginal=_one_record(marginal),
            density=_one_record(density),
            regions=_one_record(regions),
        )

    def _lifted(self) -> Iterator[_Lifted]:
        """Blocks in order; at most two are alive."""
        slices = _slices(len(self._rows), self._settings.batch)
        if not self._settings.overlap:
            yield from map(self._lift, slices)
            return
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self._lift, slices[0])
            for following in [*slices[1:], None]:
                lifted = coming.result()
                if following is not None:
                    coming = pool.submit(self._lift, following)
                yield lifted

    def _lift(self, index: slice) -> _Lifted:
        inputs, samples = self._inputs(index), self._settings.samples
        draws = self._model.sample(inputs, samples, self._settings.seed)
        self._check(draws.vectors, (len(inputs.picture), samples, 48))
        if not self._with_density:
            return _Lifted(index, draws, None)
        truth = vector_from_pose(self._data.joints_m[self._rows[index]])
        return _Lifted(index, draws, self._model.log_prob(inputs, truth[:, None])[:, 0])

    def _single(self, inputs: LiftingInputs) -> Float32[np.ndarray, "pictures 48"]:
        vectors = self._model.single(inputs)
        self._check(vectors, (len(inputs.picture), 48))
        return vectors

    def _inputs(self, index: slice) -> LiftingInputs:
        """Of a block; the pictures keep their numbers in the whole set."""
        rows = self._rows[index]
        return self._data.select(rows).inputs(self._model.condition_variant)._replace(picture=rows)

    def _check(self, vectors: Float[np.ndarray, "..."], shape: tuple[int, ...]) -> None:
        if vectors.shape != shape or not np.isfinite(vectors).all():
            raise ModelError(
                f"model {self._model.name} gave poses of shape {vectors.shape}, or NaN or infinite values; "
                f"expected finite ones of shape {shape}"
            )


def _slices(count: int, step: int) -> list[slice]:
    edges = [*range(0, count, step), count]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def _counts_up_to(samples: int) -> tuple[int, ...]:
    return tuple(sorted({count for count in BEST_OF_COUNTS if count < samples} | {samples}))


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]).astype(np.float32) for name in parts[0]}


def _one_record(parts: list[Record]) -> Record | None:
    """The records of all blocks as one; None where there are none."""
    if not parts:
        return None
    names = [entry.name for entry in fields(parts[0])]
    return type(parts[0])(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
