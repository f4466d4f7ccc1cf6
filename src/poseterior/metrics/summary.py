"""All pose metrics of a test set, picture by picture and on average, while the pictures stream by.

What is kept of a picture is one number per metric and answer (below a kilobyte), for bootstrap intervals and
tables by action.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError
from poseterior.metrics.answers import (
    MEAN_VALUE,
    ORACLE_BEST,
    Z0,
    central_poses,
    over_hypotheses,
)
from poseterior.metrics.joint_choices import joint_indices
from poseterior.metrics.k_means import k_means
from poseterior.metrics.protocol import PoseProtocol, check_poses, hypothesis_scores
from poseterior.metrics.spread import axis_spread, diversity
from poseterior.metrics.symmetry import symmetry_errors

_POSES_AT_ONCE = 16_384
"""Memory does not grow with the number of pictures, beyond what is kept of each."""
AXES = ("x", "y", "depth")
TRUTH = "truth"

PerPicture = Float[np.ndarray, " pictures"]
Values = dict[str, dict[str, PerPicture]]


@dataclass(frozen=True)
class PoseReport:
    """Pose metrics of a test set and the choices that they depend on."""

    protocol: PoseProtocol
    num_pictures: int
    num_hypotheses: int
    per_picture: Values
    """metric -> answer -> one value per picture. Answers: those of `metrics.answers`, and "k_means_5_oracle_best"
    (the best of the 5 centres). "symmetry_mm" is that of the poses themselves, the truth's included; "std_mm" has
    the axes as answers, "diversity_mm" only "pairs". With one hypothesis there is no spread."""
    spread_mm: Float[np.ndarray, "joints 3"] | None
    """Standard deviation of the hypotheses per joint and axis, mean over pictures; None with one hypothesis."""

    def means(self) -> dict[str, dict[str, float]]:
        """metric -> answer -> mean over pictures."""
        return {
            metric: {answer: float(values.mean()) for answer, values in answers.items()}
            for metric, answers in self.per_picture.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single pictures, as JSON can hold it."""
        return {
            "protocol": self.protocol.to_dict(),
            "num_pictures": self.num_pictures,
            "num_hypotheses": self.num_hypotheses,
            "means": self.means(),
            "spread_mm": None
            if self.spread_mm is None
            else {
                joint: dict(zip(AXES, map(float, values), strict=True))
                for joint, values in zip(self.protocol.joint_names, self.spread_mm, strict=True)
            },
        }


class PoseEvaluation:
    """Takes pictures in blocks of any size; the report does not depend on how they were cut.

    Example:
        >>> evaluation = PoseEvaluation()
        >>> truth_mm = np.random.default_rng(0).normal(size=(2, 17, 3))
        >>> evaluation.add(truth_mm[:, None] + np.ones((8, 17, 3)), truth_mm)
        >>> round(evaluation.report().means()["mpjpe_mm"]["oracle_best"], 9)
        0.0
    """

    def __init__(self, protocol: PoseProtocol | None = None) -> None:
        self.protocol = protocol or PoseProtocol()
        self._rng = np.random.default_rng(self.protocol.seed)
        self._num_hypotheses: int | None = None
        self._has_z0: bool | None = None
        self._blocks: list[Values] = []
        self._spread_sum: Float[np.ndarray, "joints 3"] | None = None

    def add(
        self,
        hypotheses_mm: Float[np.ndarray, "pictures hypotheses joints 3"],
        truth_mm: Float[np.ndarray, "truth_pictures truth_joints 3"],
        z0: int | Float[np.ndarray, "z0_pictures z0_joints 3"] | None = None,
    ) -> None:
        """Measure more pictures.

        Args:
            hypotheses_mm: as many per picture as in the other blocks; camera frame (x right, y down, z depth), mm.
            truth_mm: same frame and joints.
            z0: the pose at latent zero, as poses of its own or as the index of the hypothesis that it is (which
                then stays among the others); None where there is none, in all blocks alike.

        Raises:
            InputError: shapes, the number of hypotheses or z0 do not fit, or a coordinate is not finite.
        """
        check_poses(hypotheses_mm, truth_mm, self.protocol.joint_names)
        count = hypotheses_mm.shape[1]
        if self._num_hypotheses not in (None, count):
            raise InputError(
                f"hypotheses_mm holds {count} per picture; expected {self._num_hypotheses}, as before"
            )
        if self._has_z0 not in (None, z0 is not None):
            raise InputError("z0 was given for some pictures only; expected it for all or none")
        self._check_z0(hypotheses_mm, z0)
        self._num_hypotheses, self._has_z0 = count, z0 is not None
        step = max(_POSES_AT_ONCE // count, 1)
        for start in range(0, len(truth_mm), step):
            block = slice(start, start + step)
            part = z0[block] if isinstance(z0, np.ndarray) else z0
            self._add_block(hypotheses_mm[block], truth_mm[block], part)

    def report(self) -> PoseReport:
        """What was measured so far.

        Raises:
            InputError: nothing was.
        """
        if not self._blocks or self._num_hypotheses is None:
            raise InputError("no picture was evaluated; expected at least one")
        joined = {
            metric: {
                answer: np.concatenate([block[metric][answer] for block in self._blocks])
                for answer in answers
            }
            for metric, answers in self._blocks[0].items()
        }
        num_pictures = len(joined["symmetry_mm"][TRUTH])
        spread = None if self._spread_sum is None else self._spread_sum / num_pictures
        return PoseReport(self.protocol, num_pictures, self._num_hypotheses, joined, spread)

    def _add_block(
        self,
        hypotheses_mm: Float[np.ndarray, "pictures hypotheses joints 3"],
        truth_mm: Float[np.ndarray, "pictures joints 3"],
        z0: int | Float[np.ndarray, "pictures joints 3"] | None,
    ) -> None:
        protocol = self.protocol
        singles = central_poses(hypotheses_mm, protocol.root_index)
        if z0 is not None:
            singles[Z0] = (z0 if isinstance(z0, np.ndarray) else hypotheses_mm[:, z0]).astype(np.float64)
        values = self._scores(hypotheses_mm, truth_mm, singles)
        values["symmetry_mm"] = {
            MEAN_VALUE: symmetry_errors(hypotheses_mm, protocol.joint_names).mean(axis=(1, 2)),
            **{
                answer: symmetry_errors(poses, protocol.joint_names).mean(axis=1)
                for answer, poses in (*singles.items(), (TRUTH, truth_mm))
            },
        }
        if hypotheses_mm.shape[1] > 1:
            spread = axis_spread(hypotheses_mm, protocol.root_index)
            chosen = spread[:, joint_indices(protocol.spread_joints, protocol.joint_names, "the spread")]
            values["std_mm"] = {axis: chosen[..., i].mean(axis=1) for i, axis in enumerate(AXES)}
            values["diversity_mm"] = {"pairs": diversity(hypotheses_mm, protocol.root_index)}
            total = spread.sum(axis=0)
            self._spread_sum = total if self._spread_sum is None else self._spread_sum + total
        self._blocks.append(values)

    def _scores(
        self,
        hypotheses_mm: Float[np.ndarray, "pictures hypotheses joints 3"],
        truth_mm: Float[np.ndarray, "pictures joints 3"],
        singles: dict[str, Float[np.ndarray, "pictures joints 3"]],
    ) -> Values:
        """Every metric's answers."""
        protocol, count = self.protocol, hypotheses_mm.shape[1]
        scores = hypothesis_scores(hypotheses_mm, truth_mm, protocol)
        of_singles = hypothesis_scores(np.stack(list(singles.values()), axis=1), truth_mm, protocol)
        chosen = (self._rng.random(len(truth_mm)) * count).astype(np.int64)
        values: Values = {}
        for metric in protocol.metrics:
            values[metric.name] = over_hypotheses(
                scores[metric.name], chosen, higher_is_better=metric.higher_is_better
            ) | {answer: of_singles[metric.name][:, i] for i, answer in enumerate(singles)}
        if 1 <= protocol.clusters <= count:
            of_centres = hypothesis_scores(self._centres(hypotheses_mm), truth_mm, protocol)
            for metric in protocol.metrics:
                best = np.max if metric.higher_is_better else np.min
                answer = f"k_means_{protocol.clusters}_{ORACLE_BEST}"
                values[metric.name][answer] = best(of_centres[metric.name], axis=1)
        return values

    @staticmethod
    def _check_z0(
        hypotheses_mm: Float[np.ndarray, "pictures hypotheses joints 3"],
        z0: int | Float[np.ndarray, "z0_pictures z0_joints 3"] | None,
    ) -> None:
        pictures, count, *pose = hypotheses_mm.shape
        if isinstance(z0, np.ndarray) and z0.shape != (pictures, *pose):
            raise InputError(
                f"z0 has the shape {z0.shape}; expected {(pictures, *pose)}, one pose per picture"
            )
        if isinstance(z0, int) and not 0 <= z0 < count:
            raise InputError(f"z0 is {z0}; expected the index of one of {count} hypotheses")

    def _centres(
        self, hypotheses_mm: Float[np.ndarray, "pictures hypotheses joints 3"]
    ) -> Float[np.ndarray, "pictures clusters joints 3"]:
        root = hypotheses_mm[:, :, self.protocol.root_index][:, :, None]
        flat = (hypotheses_mm - root).reshape(*hypotheses_mm.shape[:2], -1)
        return k_means(flat, self.protocol.clusters).reshape(len(flat), -1, *hypotheses_mm.shape[2:])
