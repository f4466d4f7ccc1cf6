"""Random people with random heatmaps as a training batch, by the way that real pictures take."""

from typing import NamedTuple

import numpy as np
import torch

from poseterior.geometry.normalise import vector_from_joints_2d, vector_from_pose
from poseterior.heatmaps.condition import condition_vector
from poseterior.train.batch import Batch

WIDTH_CELLS = 64
"""Also the height."""


class People(NamedTuple):
    """What a batch is made of; heatmaps in cells, y down."""

    poses_m: np.ndarray
    amplitude: np.ndarray
    mean_cell: np.ndarray
    covariance_cell2: np.ndarray

    def batch(self):
        """Float64; a cell is 10 mm wide."""
        condition = condition_vector(
            self.amplitude,
            self.mean_cell,
            self.covariance_cell2,
            sigma_confident_cells=1.5,
            heatmap_width=WIDTH_CELLS,
            heatmap_height=WIDTH_CELLS,
        )
        y_up = np.array([[1.0, -1.0], [-1.0, 1.0]])
        return Batch(
            torch.from_numpy(vector_from_pose(self.poses_m)),
            torch.from_numpy(vector_from_joints_2d(self.mean_cell)),
            torch.from_numpy(condition),
            torch.from_numpy(self.covariance_cell2 * y_up * 0.01**2),
            torch.from_numpy(self.amplitude > 0.5),
        )


def random_people(count, low_cell, high_cell):
    """People whose joints lie between the two in both directions."""
    rng = np.random.default_rng(0)
    poses_m = rng.normal(size=(count, 17, 3))
    amplitude = rng.uniform(0.1, 1.0, (count, 16))
    mean_cell = rng.uniform(low_cell, high_cell, (count, 16, 2))
    root = rng.normal(size=(count, 16, 2, 2))
    return People(poses_m, amplitude, mean_cell, root @ np.swapaxes(root, -1, -2) + np.eye(2))
