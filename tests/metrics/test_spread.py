import numpy as np
import pytest
from scipy.spatial.distance import pdist

from poseterior.errors import InputError
from poseterior.metrics.spread import axis_spread, diversity


def test_axis_spread_is_the_unbiased_deviation_of_root_relative_coordinates():
    rng = np.random.default_rng(0)
    deviation = rng.uniform(5, 50, size=(17, 3))
    deviation[0] = 0.0
    hypotheses = rng.normal(size=(2, 20_000, 17, 3)) * deviation
    moved = hypotheses + rng.normal(size=(2, 20_000, 1, 3)) * 500
    found = axis_spread(moved)
    np.testing.assert_allclose(found, np.broadcast_to(deviation, (2, 17, 3)), rtol=0.03)
    np.testing.assert_allclose(found, hypotheses.std(axis=1, ddof=1), rtol=1e-9, atol=1e-9)


def test_diversity_is_the_mean_over_pairs():
    rng = np.random.default_rng(1)
    hypotheses = rng.normal(size=(3, 12, 17, 3))
    centred = hypotheses - hypotheses[:, :, :1]
    expected = [pdist(picture.reshape(12, -1)).mean() for picture in centred]
    moved = hypotheses + rng.normal(size=(3, 12, 1, 3)) * 100
    np.testing.assert_allclose(diversity(moved), expected, rtol=1e-9)


def test_one_hypothesis_has_neither():
    for measure in (axis_spread, diversity):
        with pytest.raises(InputError, match="at least 2 hypotheses"):
            measure(np.zeros((2, 1, 17, 3)))
