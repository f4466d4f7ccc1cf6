"""Pose metrics of many hypotheses against the authors' route: batched SVD, and CPS by a loop over 300 thresholds.

Reference: Wehrbein et al. 2021, section 4 (METHOD section 5: MPJPE, PMPJPE, PCK at 150 mm, CPS), in float32 with
torch as their code has it. They align twice, for PMPJPE and again for CPS; here once.

    python benchmarks/metrics.py [--rounds 5] [--seed 0] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _common import interleave, write_result
from jaxtyping import Float

from poseterior.metrics.cps import CPS_THRESHOLDS_MM
from poseterior.metrics.joint_choices import CPS_JOINTS, PCK_JOINTS, joint_indices
from poseterior.metrics.pck import PCK_THRESHOLD_MM
from poseterior.metrics.protocol import METRICS, PoseProtocol, hypothesis_scores
from poseterior.metrics.summary import PoseEvaluation
from poseterior.skeleton import H36M_17

POSES, HYPOTHESES = 1000, 200
POSES_PER_BATCH = 500
"""The authors' batch is 512."""
COMPARED = ("mpjpe_mm", "pmpjpe_mm", "pck", "cps_mm")
COMPARED_PROTOCOL = PoseProtocol(metrics=tuple(metric for metric in METRICS if metric.name in COMPARED))

_PCK = joint_indices(PCK_JOINTS, H36M_17, "pck")
_CPS = joint_indices(CPS_JOINTS, H36M_17, "cps")

Hypotheses = Float[torch.Tensor, "hypotheses poses 3 17"]
Truth = Float[torch.Tensor, "poses 3 17"]


def made_up_poses(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hypotheses (poses, hypotheses, 17, 3) and truth (poses, 17, 3): upright bodies in millimetres, float32.

    A hypothesis is off by 20 mm in x and y and 45 mm in depth, the truth lies among them; the root is the origin.
    """
    rng = np.random.default_rng(seed)
    upright = rng.normal(size=(17, 3)) * [120, 400, 100]
    truth = upright + 80 * rng.normal(size=(POSES, 17, 3))
    hypotheses = truth[:, None] + rng.normal(size=(POSES, HYPOTHESES, 17, 3)) * [20, 20, 45]
    hypotheses += rng.normal(size=(POSES, 1, 17, 3)) * [20, 20, 45]
    centred = [poses - poses[..., :1, :] for poses in (hypotheses, truth)]
    return centred[0].astype(np.float32), centred[1].astype(np.float32)


def authors_alignment(hypotheses: Hypotheses, truth: Truth) -> Hypotheses:
    """Similarity Procrustes of all poses by one batched SVD."""
    source, target = hypotheses.reshape(-1, 3, 17), truth.repeat(len(hypotheses), 1, 1)
    source_mean, target_mean = source.mean(dim=2, keepdim=True), target.mean(dim=2, keepdim=True)
    source, target = source - source_mean, target - target_mean
    source_norm, target_norm = source.norm(dim=(1, 2)), target.norm(dim=(1, 2))
    source, target = source / source_norm[:, None, None], target / target_norm[:, None, None]
    left, singular, right = torch.svd(target @ source.mT)
    sign = torch.sign(torch.det(left @ right.mT))
    left[:, :, -1] *= sign[:, None]
    singular[:, -1] *= sign
    scale = target_norm * singular.sum(dim=1)
    aligned = scale[:, None, None] * (left @ right.mT @ source) + target_mean
    return aligned.view(hypotheses.shape)


def authors_correct(
    poses: Hypotheses, truth: Truth, threshold: float
) -> Float[torch.Tensor, "hypotheses poses"]:
    """1 where all joints of a pose are closer than the threshold."""
    distances = torch.sqrt(((truth[:, :, _CPS] - poses[:, :, :, _CPS]) ** 2).sum(dim=2))
    return torch.count_nonzero(distances < threshold, dim=2) == len(_CPS)


def authors_metrics(hypotheses: Hypotheses, truth: Truth) -> dict[str, float]:
    """Best of the hypotheses, mean over poses; CPS is the area under the mean of the best per threshold."""
    totals = dict.fromkeys(("mpjpe_mm", "pmpjpe_mm", "pck"), 0.0)
    curve = torch.zeros(len(CPS_THRESHOLDS_MM), dtype=torch.float64)
    for start in range(0, truth.shape[0], POSES_PER_BATCH):
        poses, real = hypotheses[:, start : start + POSES_PER_BATCH], truth[start : start + POSES_PER_BATCH]
        errors = torch.sqrt(((real - poses) ** 2).sum(dim=2))
        totals["mpjpe_mm"] += errors.mean(dim=2).min(dim=0).values.sum().item()
        distances = torch.sqrt(((real[:, :, _PCK] - poses[:, :, :, _PCK]) ** 2).sum(dim=2))
        correct = torch.count_nonzero(distances < PCK_THRESHOLD_MM, dim=2) / len(_PCK)
        totals["pck"] += correct.max(dim=0).values.sum().item()
        aligned = authors_alignment(poses, real)
        errors = torch.sqrt(((real - aligned) ** 2).sum(dim=2))
        totals["pmpjpe_mm"] += errors.mean(dim=2).min(dim=0).values.sum().item()
        correct_at = torch.empty((*poses.shape[:2], len(CPS_THRESHOLDS_MM)), dtype=torch.float64)
        for number, threshold in enumerate(CPS_THRESHOLDS_MM):
            correct_at[:, :, number] = authors_correct(aligned, real, float(threshold))
        curve += correct_at.max(dim=0).values.sum(dim=0)
    means = {name: total / truth.shape[0] for name, total in totals.items()}
    area = np.trapezoid(curve.numpy() / truth.shape[0], CPS_THRESHOLDS_MM)
    return {**means, "cps_mm": float(area)}


def our_metrics(hypotheses: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The same four numbers."""
    scores = hypothesis_scores(hypotheses, truth, COMPARED_PROTOCOL)
    best = {
        metric.name: np.max if metric.higher_is_better else np.min for metric in COMPARED_PROTOCOL.metrics
    }
    return {name: float(best[name](values, axis=1).mean()) for name, values in scores.items()}


def our_report(hypotheses: np.ndarray, truth: np.ndarray) -> object:
    """All metrics, all answers (K-Means, spread, diversity, symmetry included)."""
    evaluation = PoseEvaluation()
    evaluation.add(hypotheses, truth, z0=0)
    return evaluation.report()


def main() -> None:
    """Time the routes in turn on one thread, compare their answers, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()

    torch.set_num_threads(1)
    hypotheses, truth = made_up_poses(options.seed)
    their_hypotheses = torch.from_numpy(hypotheses).permute(1, 0, 3, 2).contiguous()
    their_truth = torch.from_numpy(truth).permute(0, 2, 1).contiguous()
    doubles = hypotheses.astype(np.float64), truth.astype(np.float64)
    routes: dict[str, Callable[[], object]] = {
        "authors": lambda: authors_metrics(their_hypotheses, their_truth),
        "ours": lambda: our_metrics(hypotheses, truth),
        "ours_float64_poses": lambda: our_metrics(*doubles),
        "ours_all_metrics": lambda: hypothesis_scores(hypotheses, truth),
        "ours_whole_report": lambda: our_report(hypotheses, truth),
    }
    seconds = interleave(routes, options.rounds)
    answers = {
        "authors": authors_metrics(their_hypotheses, their_truth),
        "ours": our_metrics(hypotheses, truth),
    }
    payload = {
        "poses": POSES,
        "hypotheses": HYPOTHESES,
        "threads": 1,
        "rounds": options.rounds,
        "metrics": list(COMPARED),
        "seconds": seconds,
        "times_faster": {name: seconds["authors"] / value for name, value in seconds.items()},
        "best_of_hypotheses": answers,
    }
    path = write_result("metrics", payload, options.out, seed=options.seed)
    print(json.dumps(payload, indent=2))
    for name, value in seconds.items():
        print(
            f"{name:20s} {1e3 * value:10.1f} ms, {seconds['authors'] / value:7.1f} times the authors' speed"
        )
    print(f"written to {path}")


if __name__ == "__main__":
    main()
