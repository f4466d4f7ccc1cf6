"""Bootstrap intervals against their theory and against a literal loop."""

import numpy as np
import pytest

from poseterior.evaluate import intervals
from poseterior.evaluate.intervals import Bootstrap


def test_the_interval_of_a_mean_is_that_of_normal_theory():
    values = np.random.default_rng(0).normal(3.0, 2.0, 2000)
    found = Bootstrap([str(row) for row in range(2000)], seed=1).estimate(values)
    assert found["mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert found["interval"] == pytest.approx(
        values.mean() + np.array([-1.96, 1.96]) * values.std() / np.sqrt(2000), abs=0.02
    )


def test_pictures_of_a_sequence_count_as_the_few_that_they_are():
    """Ten equal copies of everything tell nothing new."""
    values = np.random.default_rng(0).normal(size=100)
    alone = Bootstrap([str(row) for row in range(100)], seed=1).estimate(values)
    copies = Bootstrap([str(row) for row in range(100)] * 10, seed=1).estimate(np.tile(values, 10))
    assert copies["interval"] == pytest.approx(alone["interval"], rel=1e-12)
    as_if_new = Bootstrap([str(row) for row in range(1000)], seed=1).estimate(np.tile(values, 10))
    assert np.ptp(as_if_new["interval"]) < 0.4 * np.ptp(alone["interval"])


def test_resamples_are_those_of_a_literal_loop(monkeypatch):
    rng = np.random.default_rng(2)
    sequence = rng.integers(0, 7, 60)
    values = rng.normal(size=(60, 2))

    def ratio(means):
        return means[:, :1] / (3 + means[:, 1:])

    draws = np.random.default_rng(5)
    slow = []
    for _ in range(1000):
        drawn = draws.integers(7, size=7)
        rows = np.concatenate([np.flatnonzero(sequence == which) for which in drawn])
        slow.append(ratio(values[rows].mean(axis=0)[None])[0, 0])
    expected = np.quantile(slow, [0.025, 0.975])
    names = [f"s{number}" for number in sequence]
    for at_once in (4_000_000, 100, 1):
        monkeypatch.setattr(intervals, "_WEIGHTS_AT_ONCE", at_once)
        found = Bootstrap(names, seed=5).estimates(values, ratio)
        assert len(found) == 1
        assert found[0]["interval"] == pytest.approx(expected, abs=1e-12)
        assert found[0]["mean"] == pytest.approx(ratio(values.mean(axis=0)[None])[0, 0])


def test_one_sequence_has_no_interval_and_infinity_no_mean():
    assert Bootstrap(["a", "a"], seed=0).estimate(np.array([1.0, 2.0])) == {"mean": 1.5, "interval": None}
    found = Bootstrap(["a", "b"], seed=0).estimate(np.array([1.0, np.inf]))
    assert found == {"mean": None, "interval": None}
