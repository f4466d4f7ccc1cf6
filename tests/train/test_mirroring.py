import numpy as np
import torch
from _heatmap_batch import WIDTH_CELLS, People, random_people
from _toy_pairs import toy_batch

from poseterior.skeleton import H36M_17, MPII_16, mirror_indices
from poseterior.train.mirroring import mirrored_batch, randomly_mirrored


def test_the_mirrored_batch_is_the_batch_of_the_mirrored_picture():
    people = random_people(5, 5, 58)

    # the picture turned over, each joint found by the name that it has there
    swap_3d, swap_2d = mirror_indices(H36M_17), mirror_indices(MPII_16)
    mirrored_cell = people.mean_cell * [-1, 1] + [WIDTH_CELLS - 1, 0]
    turned = people.covariance_cell2 * np.array([[1.0, -1.0], [-1.0, 1.0]])
    expected = People(
        (people.poses_m * [-1, 1, 1])[:, swap_3d],
        people.amplitude[:, swap_2d],
        mirrored_cell[:, swap_2d],
        turned[:, swap_2d],
    ).batch()

    batch = people.batch()
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
