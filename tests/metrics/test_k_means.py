import numpy as np
import pytest
from sklearn.cluster import KMeans

from poseterior.errors import InputError
from poseterior.metrics.k_means import farthest_first, k_means


def _points(seed: int, pictures: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(pictures, 200, 12)) * rng.uniform(0.2, 2.0, size=12) + 700.0


def test_centres_are_scikit_learns_from_the_same_start():
    points = _points(0)
    start = farthest_first(points, 5)
    for picture, centres in enumerate(k_means(points, 5)):
        reference = KMeans(5, init=start[picture], n_init=1, tol=0.0, max_iter=300).fit(points[picture])
        np.testing.assert_allclose(centres, reference.cluster_centers_, atol=1e-9)


def test_separate_clusters_are_found():
    rng = np.random.default_rng(1)
    middles = np.array([[0, 0], [100, 0], [0, 100], [100, 100], [50, 300]])
    points = (middles[:, None] + rng.normal(size=(5, 40, 2))).reshape(1, 200, 2)[:, rng.permutation(200)]
    centres = k_means(points, 5)[0]
    np.testing.assert_allclose(centres[np.lexsort(centres.T)], middles[np.lexsort(middles.T)], atol=1.0)


def test_pictures_do_not_influence_each_other():
    points = _points(2)
    together = k_means(points, 5)
    for picture in range(len(points)):
        np.testing.assert_allclose(
            k_means(points[picture : picture + 1], 5)[0], together[picture], atol=1e-10
        )


def test_extremes_one_cluster_as_many_as_points_and_points_that_coincide():
    points = _points(3)[:, :5]
    np.testing.assert_allclose(k_means(points, 1)[:, 0], points.mean(axis=1))
    np.testing.assert_allclose(np.sort(k_means(points, 5), axis=1), np.sort(points, axis=1))
    same = np.full((1, 10, 3), 4.0)
    np.testing.assert_array_equal(k_means(same, 3), np.full((1, 3, 3), 4.0))


@pytest.mark.parametrize("clusters", [0, 6])
def test_impossible_numbers_of_clusters_are_refused(clusters):
    with pytest.raises(InputError, match=f"clusters is {clusters}; expected 1 to 5"):
        k_means(np.zeros((1, 5, 3)), clusters)


def test_points_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="NaN or infinite"):
        k_means(np.full((1, 5, 3), np.nan), 2)
