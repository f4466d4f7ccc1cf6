"""The noise baseline of Wehrbein et al. (ICCV 2021, figure 5): a single answer with the heatmaps' noise around it.

Hypotheses are a model's single answer plus, joint by joint and independently, a draw from the joint's fitted 2D
Gaussian in x and y and from one constant Gaussian in depth. What a posterior adds to that is what it knows of bodies.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Float64, Int

from poseterior.errors import InputError, ModelError
from poseterior.models.interface import Draws, LiftingInputs, LiftingModel, picture_noise
from poseterior.models.wrapped_lifter import WrappedLifter
from poseterior.skeleton import FLOW_16, MPII_16

PAPER_M_PER_CONFIDENT_SIGMA = 0.02
"""METHOD section 4: 1 px stands for 10 mm, and a confident joint's sigma is 2 px."""

_Y_UP = np.array([[1.0, -1.0], [-1.0, 1.0]])
_TWINS = tuple(
    tuple(MPII_16.index(part) for part in (("thorax", "head") if name == "neck" else (name,)))
    for name in FLOW_16
)
"""The neck has no 2D twin: its covariance is the mean of those of its neighbours."""


class NoiseBaseline(WrappedLifter):
    """A `LiftingModel` around any other one's single answer; it has no density."""

    def __init__(
        self,
        model: LiftingModel,
        covariance_m2: Float[np.ndarray, "pictures 16 2 2"],
        depth_sigma_m: float,
    ) -> None:
        """Put noise around the single answer of `model`.

        Args:
            model: gives the single answer.
            covariance_m2: of FLOW_16 for every picture of the set, by its number; flow frame (`joint_covariance_m2`).
            depth_sigma_m: the constant standard deviation in depth.
        """
        super().__init__(model)
        self._root = np.linalg.cholesky(covariance_m2).astype(np.float32)
        self._depth_sigma_m = depth_sigma_m

    @property
    def name(self) -> str:
        """After the model."""
        return f"noise around {self._model.name}"

    @property
    def identity(self) -> dict[str, str]:
        """The model's, and the depth's standard deviation."""
        return {
            **self._model.identity,
            "method": "noise-baseline",
            "around": self._model.name,
            "depth_sigma_mm": f"{1000 * self._depth_sigma_m:.6g}",
        }

    @property
    def gives_log_prob(self) -> bool:
        """False."""
        return False

    def single(self, inputs: LiftingInputs) -> Float32[np.ndarray, "pictures 48"]:
        """The model's."""
        return self._model.single(inputs)

    def sample(self, inputs: LiftingInputs, num_samples: int, seed: int) -> Draws:
        """The single answer with noise."""
        return self.around(self.single(inputs), inputs.picture, num_samples, seed)

    def around(
        self,
        single: Float32[np.ndarray, "pictures 48"],
        picture: Int[np.ndarray, " pictures"],
        num_samples: int,
        seed: int,
    ) -> Draws:
        """Noise around answers that are known already; `picture` numbers the pictures."""
        joints = len(FLOW_16)
        noise = picture_noise(picture, num_samples, 3 * joints, seed).reshape(
            len(picture), num_samples, 3, joints
        )
        root = self._root[picture]
        offsets = np.empty_like(noise)
        offsets[:, :, 0] = noise[:, :, 0] * root[:, None, :, 0, 0]
        offsets[:, :, 1] = noise[:, :, 0] * root[:, None, :, 1, 0] + noise[:, :, 1] * root[:, None, :, 1, 1]
        offsets[:, :, 2] = noise[:, :, 2] * np.float32(self._depth_sigma_m)
        offsets -= offsets.mean(axis=-1, keepdims=True)
        return Draws(single[:, None] + offsets.reshape(len(picture), num_samples, 3 * joints), None)

    def log_prob(
        self, inputs: LiftingInputs, vectors: Float[np.ndarray, "pictures poses 48"]
    ) -> Float64[np.ndarray, "pictures poses"]:
        """Refused.

        Raises:
            ModelError: always.
        """
        raise ModelError(f"model {self.name} has no density of poses; expected one that gives_log_prob")


def joint_covariance_m2(
    covariance_cell2: Float[np.ndarray, "pictures 16 2 2"],
    metres_per_cell: Float[np.ndarray, " pictures"],
    sigma_confident_cells: float,
) -> Float[np.ndarray, "pictures 16 2 2"]:
    """Fitted covariances of MPII_16 (cells, y down) as those of FLOW_16 in the flow frame (y up), at the person.

    Where `metres_per_cell` is NaN, the paper's constant stands in.
    """
    constant = PAPER_M_PER_CONFIDENT_SIGMA / sigma_confident_cells
    scale = np.where(np.isnan(metres_per_cell), constant, metres_per_cell)
    of_flow = np.stack([covariance_cell2[:, parts].mean(axis=1) for parts in map(list, _TWINS)], axis=1)
    return of_flow * _Y_UP * scale[:, None, None, None] ** 2


def depth_sigma_from_truth(
    single: Float[np.ndarray, "pictures joints 3"],
    truth: Float[np.ndarray, "truth_pictures truth_joints 3"],
    root_index: int = 0,
) -> float:
    """Root mean square of the single answers' depth errors relative to the root, in the poses' unit.

    An oracle, since it takes the truth: the constant that serves the baseline best.

    Raises:
        InputError: the poses' shapes differ.
    """
    if single.shape != truth.shape:
        raise InputError(f"single answers have the shape {single.shape} and the truth {truth.shape}")
    depth = (single - truth)[..., 2]
    relative = np.delete(depth - depth[..., root_index : root_index + 1], root_index, axis=-1)
    return float(np.sqrt(np.mean(relative**2)))
