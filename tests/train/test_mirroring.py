import numpy as np
import torch
from _toy_pairs import toy_batch

from poseterior.geometry.normalise import vector_from_joints_2d, vector_from_pose
from poseterior.heatmaps.condition import condition_vector
from poseterior.skeleton import H36M_17, MPII_16, mirror_indices
from poseterior.train.batch import Batch
from poseterior.train.mirroring import mirrored_batch, randomly_mirrored

WIDTH = 64


def _batch_of(poses_m, amplitude, mean_cell, covariance_cell2) -> Batch:
    condition = condition_vector(
        amplitude,
        mean_cell,
        covariance_cell2,
        sigma_confident_cells=1.5,
        heatmap_width=WIDTH,
        heatmap_height=WIDTH,
    )
    y_up = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return Batch(
        torch.from_numpy(vector_from_pose(poses_m)),
        torch.from_numpy(vector_from_joints_2d(mean_cell)),
        torch.from_numpy(condition),
        torch.from_numpy(covariance_cell2 * y_up * 0.01**2),
        torch.from_numpy(amplitude > 0.5),
    )


def test_the_mirrored_batch_is_the_batch_of_the_mirrored_picture():
    rng = np.random.default_rng(0)
    poses_m = rng.normal(size=(5, 17, 3))
    amplitude = rng.uniform(0.1, 1.0, (5, 16))
    mean_cell = rng.uniform(5, 58, (5, 16, 2))
    root = rng.normal(size=(5, 16, 2, 2))
    covariance = root @ np.swapaxes(root, -1, -2) + np.eye(2)

    # the picture turned over, each joint found by the name that it has there
    swap_3d, swap_2d = mirror_indices(H36M_17), mirror_indices(MPII_16)
    mirrored_cell = mean_cell * [-1, 1] + [WIDTH - 1, 0]
    turned = covariance * np.array([[1.0, -1.0], [-1.0, 1.0]])
    expected = _batch_of(
        (poses_m * [-1, 1, 1])[:, swap_3d],
        amplitude[:, swap_2d],
        mirrored_cell[:, swap_2d],
        turned[:, swap_2d],
    )

    batch = _batch_of(poses_m, amplitude, mean_cell, covariance)
    for name, values in mirrored_batch(batch)._asdict().items():
        torch.testing.assert_close(values, getattr(expected, name), msg=name)
        assert not torch.equal(values, getattr(batch, name)), name
    for values, again in zip(batch, mirrored_batch(mirrored_batch(batch)), strict=True):
        assert torch.equal(values, again)


def test_whole_pairs_are_mirrored_by_a_fair_coin():
    batch = toy_batch(2000, 0)
    mirrored = mirrored_batch(batch)
    drawn = randomly_mirrored(batch, torch.Generator().manual_seed(0))
    chosen = (drawn.x == mirrored.x).all(dim=1)
    assert 0.45 < float(chosen.float().mean()) < 0.55
    for old, new, values in zip(batch, mirrored, drawn, strict=True):
        assert torch.equal(values[chosen], new[chosen])
        assert torch.equal(values[~chosen], old[~chosen])
