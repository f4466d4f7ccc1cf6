"""The container of everything that was inferred from one picture of one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from poseterior.errors import InputError
from poseterior.hypotheses.answers import medoid_index, most_likely_first
from poseterior.hypotheses.check import check_hypotheses
from poseterior.hypotheses.spread import covariance_per_joint
from poseterior.skeleton import H36M_17
from poseterior.types import Detection

LogProbKind = Literal["posterior", "manifold"]
"""Which density `log_prob` is: on all centred poses, or on the manifold of one 2D pose (METHOD section 9)."""

HypothesisIndex = int | slice | Sequence[int] | Int[np.ndarray, " chosen"] | Bool[np.ndarray, " hypotheses"]


@dataclass(frozen=True, eq=False)
class Hypotheses:
    """Plausible 3D poses of one person in one picture, with their log-densities.

    Poses are in the camera frame (x right, y down, z away from the camera), metres, relative to the pelvis,
    joints in the order of `skeleton.H36M_17`. `hypotheses[3]`, `hypotheses[:10]` and `hypotheses[mask]` are
    Hypotheses again; `len(hypotheses)` is their number.

    Raises:
        InputError: a field has the wrong shape, holds NaN or infinity, or a pose's pelvis is not the origin.
    """

    poses_m: Float[np.ndarray, "hypotheses 17 3"]
    """float32 or float64."""
    log_prob: Float[np.ndarray, " hypotheses"]
    """Nats; see `log_prob_kind` for the unit of volume."""
    latents: Float[np.ndarray, "hypotheses latent"]
    """The flow's base samples, 45 per hypothesis for "posterior" and 16 for "manifold"."""
    mode_m: Float[np.ndarray, "17 3"]
    """The pose at latent zero: the flow's single answer, not in general the density's maximum."""
    mode_log_prob: float
    """Nats, as `log_prob`."""
    log_prob_kind: LogProbKind
    """"posterior": per metre^45 on the 45-dimensional space of mean-centred poses of the flow's 16 joints;
    "manifold": per metre^16 on the poses that share one 2D pose (METHOD section 9)."""
    detection: Detection
    """What the detector said: box and 2D Gaussians."""
    image_name: str
    """The picture as it was named: a path, or a video's with its frame."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What is needed to repeat it (seed, model, detector, versions, ...): strings, numbers, lists, dicts."""
    timings_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds by stage."""

    def __post_init__(self) -> None:
        check_hypotheses(self)

    def __len__(self) -> int:
        return len(self.poses_m)

    def __getitem__(self, index: HypothesisIndex) -> Hypotheses:
        """The chosen hypotheses.

        Raises:
            IndexError: an index is outside of the range, or a mask has another length.
            InputError: none is chosen.
        """
        chosen = np.atleast_1d(np.arange(len(self))[index])
        return replace(
            self,
            poses_m=self.poses_m[chosen],
            log_prob=self.log_prob[chosen],
            latents=self.latents[chosen],
        )

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the 17 joints, in the order of the poses' second axis."""
        return H36M_17

    def mean(self) -> Float[np.ndarray, "17 3"]:
        """Mean of the hypotheses, float64 metres; its bones are shorter than any hypothesis's."""
        return self.poses_m.mean(axis=0, dtype=np.float64)

    def mode(self) -> Float[np.ndarray, "17 3"]:
        """The pose at latent zero, metres (METHOD section 5: "z = 0 as the single answer")."""
        return self.mode_m

    def medoid_index(self) -> int:
        """Index of the hypothesis with the smallest summed MPJPE to the others."""
        return medoid_index(self.poses_m)

    def medoid(self) -> Float[np.ndarray, "17 3"]:
        """The hypothesis with the smallest summed MPJPE to the others, metres: central, with real bones."""
        return self.poses_m[self.medoid_index()]

    def top(self, count: int) -> Hypotheses:
        """The `count` hypotheses of highest `log_prob`, most likely first.

        Raises:
            InputError: `count` is not between 1 and the number of hypotheses.
        """
        if not 1 <= count <= len(self):
            raise InputError(f"top({count}): expected 1 to {len(self)}, the number of hypotheses")
        return self[most_likely_first(self.log_prob)[:count]]

    def covariance_m2(self) -> Float[np.ndarray, "17 3 3"]:
        """Covariance of each joint relative to the pelvis (so the pelvis has none), float64 metres squared.

        Unbiased (ddof = 1).

        Raises:
            InputError: there is only one hypothesis.
        """
        return covariance_per_joint(self.poses_m)

    def spread_mm(self) -> Float[np.ndarray, "17 3"]:
        """Standard deviation of each joint in x, y and depth, relative to the pelvis, float64 millimetres.

        Unbiased variance (ddof = 1); the pelvis has 0, being the origin.

        Raises:
            InputError: there is only one hypothesis.
        """
        variance_m2 = np.diagonal(self.covariance_m2(), axis1=-2, axis2=-1)
        return 1000.0 * np.sqrt(variance_m2)

    def save(self, path: str | Path) -> None:
        """Writes a file, .npz (exact) or .json (to 1e-6, with units and frames spelled out), atomically.

        Raises:
            OutputError: the suffix is another one, or the file cannot be written.
        """
        from poseterior.export.files import save_hypotheses

        save_hypotheses(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Hypotheses:
        """Reads what `save` wrote.

        Raises:
            InputError: the file is missing, damaged, or something else.
        """
        from poseterior.export.files import load_hypotheses

        return load_hypotheses(Path(path))
