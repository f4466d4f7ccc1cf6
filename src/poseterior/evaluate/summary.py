"""The numbers of a set, or of a part of it, with intervals: plain dicts, as the report's JSON holds them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from poseterior.data.evaluation_set import EvaluationSet
from poseterior.evaluate.intervals import Bootstrap, Estimate
from poseterior.evaluate.measurements import DensityRecord, MarginalRecord, Measurements, RegionRecord
from poseterior.metrics.marginal_calibration import ECE_LEVELS, central_levels
from poseterior.metrics.summary import AXES
from poseterior.skeleton import H36M_17, MPII_16

COVERAGE_LEVELS = (0.5, 0.9)
"""Those that are named one by one; the curves have all of ECE_LEVELS."""

Mask = Bool[np.ndarray, " pictures"]


def subset_summary(
    measurements: Measurements, data: EvaluationSet, chosen: Mask, seed: int, *, brief: bool = False
) -> dict[str, Any]:
    """Everything of the chosen pictures.

    Args:
        measurements: of all evaluated pictures.
        data: the evaluated pictures alone, in that order.
        chosen: which of them.
        seed: of the bootstrap.
        brief: pose metrics, scores and calibration only, without curves and tables by joint.
    """
    rows = np.flatnonzero(chosen)
    bootstrap = Bootstrap([data.sequence[row] for row in rows.tolist()], seed)
    marginal, density = measurements.marginal, measurements.density
    summary: dict[str, Any] = {
        "num_pictures": len(rows),
        "num_sequences": bootstrap.num_sequences,
        "poses": _poses(measurements, chosen, bootstrap),
        "density": None
        if density is None
        else _density(density, measurements.regions, chosen, bootstrap, brief),
        "samples": None if marginal is None else _marginal(marginal, chosen, bootstrap, brief),
    }
    if brief:
        return summary
    return {
        **summary,
        "oracle_best_of_first": _best_of_first(measurements, chosen, bootstrap),
        "joints": _joints(measurements, data, chosen),
        "spread_mm": None if marginal is None else _spread(marginal, measurements.choice.names, chosen),
        "visibility": _visibility(measurements, data, chosen),
    }


def over_time(measurements: Measurements, data: EvaluationSet) -> dict[str, Any] | None:
    """MPSCE of videos: standard deviation of each bone's length over a sequence, mean over bones and sequences.

    Rommel et al., "ManiPose", NeurIPS 2024. None where no sequence has two frames.
    """
    frames: dict[str, dict[int, int]] = {}
    for row, (sequence, frame) in enumerate(zip(data.sequence, data.frame.tolist(), strict=True)):
        frames.setdefault(sequence, {}).setdefault(frame, row)
    videos = [list(rows.values()) for rows in frames.values() if len(rows) > 1]
    if not videos:
        return None
    return {
        "num_videos": len(videos),
        "mpsce_mm": {
            answer: float(np.mean([lengths[rows].std(axis=0, dtype=np.float64).mean() for rows in videos]))
            for answer, lengths in measurements.bone_lengths_mm.items()
        },
    }


def mean_of_actions(actions: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """metric -> answer -> mean over actions of their means, whatever their numbers of pictures."""
    summaries = [action["poses"] for action in actions.values()]
    return {
        metric: {
            answer: float(np.mean([poses[metric][answer]["mean"] for poses in summaries]))
            for answer in answers
        }
        for metric, answers in summaries[0].items()
    }


def _poses(measurements: Measurements, chosen: Mask, bootstrap: Bootstrap) -> dict[str, dict[str, Estimate]]:
    """metric -> answer -> estimate."""
    values = measurements.poses.per_picture
    names = [(metric, answer) for metric, answers in values.items() for answer in answers]
    columns = np.stack([values[metric][answer][chosen] for metric, answer in names], axis=1)
    poses: dict[str, dict[str, Estimate]] = {metric: {} for metric in values}
    for (metric, answer), estimate in zip(names, bootstrap.estimates(columns), strict=True):
        poses[metric][answer] = estimate
    return poses


def _density(
    density: DensityRecord, regions: RegionRecord | None, chosen: Mask, bootstrap: Bootstrap, brief: bool
) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "nll_nats_mm": bootstrap.estimate(density.nll[chosen]),
        # a few truths that a model holds for impossible decide the mean
        "nll_nats_mm_median": _finite(float(np.median(density.nll[chosen]))),
    }
    if regions is None:
        return summary
    inside = regions.truth_level[chosen, None] <= ECE_LEVELS
    summary |= {
        "entropy_nats_mm": bootstrap.estimate(regions.entropy[chosen]),
        **_coverage("hdr", inside, bootstrap),
    }
    return summary if brief else {**summary, "hdr_curve": _curve(bootstrap.estimates(inside))}


def _marginal(marginal: MarginalRecord, chosen: Mask, bootstrap: Bootstrap, brief: bool) -> dict[str, Any]:
    crps, width, pit = marginal.crps_mm[chosen], marginal.width_mm[chosen], marginal.pit[chosen]
    joints = marginal.first_level.shape[1]
    hits = np.arange(len(ECE_LEVELS)) >= marginal.first_level[chosen, :, None]
    flat_hits = hits.reshape(len(hits), -1)

    def curves(means: Float[np.ndarray, "resamples columns"]) -> Float[np.ndarray, "resamples levels"]:
        return np.median(means.reshape(len(means), joints, -1), axis=1)

    def ece(means: Float[np.ndarray, "resamples columns"]) -> Float[np.ndarray, "resamples 1"]:
        return np.abs(curves(means) - ECE_LEVELS).mean(axis=1, keepdims=True)

    central = (central_levels(pit)[..., None] <= ECE_LEVELS).mean(axis=(1, 2))
    summary = {
        "energy_score_mm": bootstrap.estimate(marginal.energy_score_mm[chosen]),
        "crps_mm": bootstrap.estimate(crps.mean(axis=(1, 2))),
        "crps_by_axis_mm": _by_axis(crps.mean(axis=1), bootstrap),
        "width_of_central_90_mm": _by_axis(width.mean(axis=1), bootstrap),
        "ece": bootstrap.estimates(flat_hits, ece)[0],
        **_coverage("central", central, bootstrap),
        **_pit(pit, bootstrap),
    }
    if brief:
        return summary
    return {
        **summary,
        "ece_curve": _curve(bootstrap.estimates(flat_hits, curves)),
        "central_curve": _curve(bootstrap.estimates(central)),
    }


def _coverage(
    kind: str, inside: Shaped[np.ndarray, "pictures levels"], bootstrap: Bootstrap
) -> dict[str, Estimate]:
    """Mean |observed - nominal|, its signed twin, and the coverage at the named levels."""

    def quantities(means: Float[np.ndarray, "resamples levels"]) -> Float[np.ndarray, "resamples quantities"]:
        gap = ECE_LEVELS - means
        named = [means[:, round(level * (len(ECE_LEVELS) - 1))] for level in COVERAGE_LEVELS]
        return np.stack([np.abs(gap).mean(axis=1), gap.mean(axis=1), *named], axis=1)

    names = (
        f"{kind}_calibration_error",
        f"{kind}_overconfidence",
        *(f"{kind}_coverage_{100 * level:.0f}" for level in COVERAGE_LEVELS),
    )
    return dict(zip(names, bootstrap.estimates(inside, quantities), strict=True))


def _pit(pit: Float[np.ndarray, "pictures others 3"], bootstrap: Bootstrap) -> dict[str, Any]:
    """Bias and dispersion of the truth's ranks (`marginal_calibration.PitMoments`), of each coordinate for itself."""
    joints = pit.shape[1]
    flat = pit.reshape(len(pit), -1).astype(np.float64)

    def quantities(
        means: Float[np.ndarray, "resamples columns"],
    ) -> Float[np.ndarray, "resamples quantities"]:
        first, second = (part.reshape(len(means), joints, 3) for part in np.split(means, 2, axis=1))
        bias = first - 0.5
        dispersion = 12 * (second - first**2)
        return np.concatenate(
            [
                bias.mean(axis=1),
                np.sqrt((bias**2).mean(axis=(1, 2)))[:, None],
                dispersion.mean(axis=1),
                dispersion.mean(axis=(1, 2))[:, None],
            ],
            axis=1,
        )

    found = bootstrap.estimates(np.concatenate([flat, flat**2], axis=1), quantities)
    return {
        "pit_bias": dict(zip(AXES, found[:3], strict=True)),
        "pit_bias_root_mean_square": found[3],
        "pit_dispersion": dict(zip((*AXES, "all"), found[4:], strict=True)),
    }


def _by_axis(values: Float[np.ndarray, "pictures 3"], bootstrap: Bootstrap) -> dict[str, Estimate]:
    return dict(zip(AXES, bootstrap.estimates(values), strict=True))


def _curve(observed: list[Estimate]) -> dict[str, list]:
    return {"nominal": [round(level, 9) for level in ECE_LEVELS.tolist()], "observed": list(observed)}


def _best_of_first(measurements: Measurements, chosen: Mask, bootstrap: Bootstrap) -> dict[str, Any]:
    return {
        "counts": list(measurements.counts),
        **{
            name: {metric: bootstrap.estimates(values[chosen]) for metric, values in metrics.items()}
            for name, metrics in measurements.best_of_first.items()
        },
    }


def _joints(measurements: Measurements, data: EvaluationSet, chosen: Mask) -> dict[str, dict[str, Any]]:
    """joint -> means over the chosen pictures."""
    marginal, others = measurements.marginal, measurements.choice.others
    table: dict[str, dict[str, Any]] = {}
    for column, joint in enumerate(others):
        row: dict[str, Any] = {
            "z0_error_mm": _mean(measurements.single_error_mm[chosen, column]),
            "mean_pose_error_mm": _mean(measurements.mean_pose_error_mm[chosen, column]),
        }
        if marginal is not None:
            pit = marginal.pit[chosen, column].astype(np.float64)
            omega = (np.arange(len(ECE_LEVELS)) >= marginal.first_level[chosen, column, None]).mean(axis=0)
            row |= {
                "crps_mm": _mean(marginal.crps_mm[chosen, column]),
                "calibration_error": float(np.abs(omega - ECE_LEVELS).mean()),
                "pit_bias": dict(zip(AXES, (pit.mean(axis=0) - 0.5).tolist(), strict=True)),
                "pit_dispersion": dict(zip(AXES, (12 * pit.var(axis=0)).tolist(), strict=True)),
            }
        table[joint] = row | _detection(data, chosen, joint)
    return table


def _detection(data: EvaluationSet, chosen: Mask, joint: str) -> dict[str, float]:
    """Mean fitted sigma, and where the set knows the true 2D joints the detector's error, in heatmap cells."""
    if joint not in MPII_16:
        return {}
    column = MPII_16.index(joint)
    found = {"sigma_cell": _mean(data.gaussians.sigma_cell[chosen, column])}
    if "joints_cell" in data.extra:
        truth = data.extra["joints_cell"][chosen, H36M_17.index(joint)]
        distance = np.linalg.norm(data.gaussians.mean_cell[chosen, column] - truth, axis=-1)
        found["error_2d_cell"] = _mean(distance)
    return found


def _spread(marginal: MarginalRecord, names: tuple[str, ...], chosen: Mask) -> dict[str, dict[str, float]]:
    """joint -> axis -> mean standard deviation of the hypotheses."""
    means = marginal.spread_mm[chosen].mean(axis=0, dtype=np.float64)
    return {
        joint: dict(zip(AXES, values.tolist(), strict=True))
        for joint, values in zip(names, means, strict=True)
    }


def _visibility(measurements: Measurements, data: EvaluationSet, chosen: Mask) -> dict[str, Any] | None:
    """The same joints apart by whether they can be seen; None where the set does not know."""
    if "visible" not in data.extra:
        return None
    columns = [H36M_17.index(joint) for joint in measurements.choice.others]
    visible = data.extra["visible"][:, columns]
    marginal = measurements.marginal
    summary: dict[str, Any] = {}
    for name, kept in (("visible", visible & chosen[:, None]), ("hidden", ~visible & chosen[:, None])):
        summary[name] = {"num_joints": int(kept.sum())}
        if not kept.any():
            continue
        summary[name] |= {
            "z0_error_mm": _mean(measurements.single_error_mm[kept]),
            "mean_pose_error_mm": _mean(measurements.mean_pose_error_mm[kept]),
        }
        if marginal is not None:
            omega = (np.arange(len(ECE_LEVELS)) >= marginal.first_level[kept][:, None]).mean(axis=0)
            dispersion = 12 * marginal.pit[kept].var(axis=0, dtype=np.float64).mean()
            summary[name] |= {
                "crps_mm": _mean(marginal.crps_mm[kept]),
                "calibration_error": float(np.abs(omega - ECE_LEVELS).mean()),
                "overconfidence": float((ECE_LEVELS - omega).mean()),
                "pit_dispersion": float(dispersion),
            }
    return summary


def _mean(values: Shaped[np.ndarray, "..."]) -> float:
    return float(values.mean(dtype=np.float64))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
