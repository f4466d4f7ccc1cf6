import numpy as np
import pytest

from poseterior.data.pose_library.cells import cell_centres, effective_number, nearest


def test_well_separated_groups_get_cells_of_their_own():
    rng = np.random.default_rng(0)
    places = rng.integers(-200, 200, (6, 48)).astype(np.float32)
    group = np.repeat(np.arange(6), [500, 5, 40, 40, 40, 40])
    features = np.round(places[group] + rng.normal(0.0, 2.0, (len(group), 48))).astype(np.float32)
    centres = cell_centres(features, 40, seed=1)
    cell = nearest(features, centres)
    for number in np.unique(cell):
        assert len(np.unique(group[cell == number])) == 1
    slow = ((features[:, None] - centres[None]) ** 2).sum(axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(cell, slow)


def test_effective_number_counts_even_cells_and_discounts_rare_ones():
    cell = np.repeat(np.arange(4), 25)
    assert effective_number(cell, np.ones(100)) == pytest.approx(4.0)
    weight = np.where(cell == 0, 1.0, 1e-9)
    assert effective_number(cell, weight) == pytest.approx(1.0, abs=1e-4)
    # shares 1/2, 1/4, 1/4: entropy 1.5 bits
    assert effective_number(np.array([0, 0, 1, 2]), np.ones(4)) == pytest.approx(2**1.5)
