"""Patterns against their definitions, written a second time in numpy."""

import numpy as np
import pytest

from poseterior.data.synthesis.mesh import Material, Pattern
from poseterior.data.synthesis.patterns import paint, palette

PERIOD_M = 0.04
BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
SLANTED = (0.6, 0.0, -0.8)


def points_m(count=4000, seed=0):
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (count, 3)).astype(np.float32)


def share_of_second(pattern, points, direction=SLANTED):
    """How much of the second colour each point has."""
    material = Material(BLACK, WHITE, pattern, PERIOD_M, direction)
    colour = paint(points, np.zeros(len(points), np.int32), palette([material]))
    np.testing.assert_array_equal(colour[:, 0], colour[:, 2])
    return colour[:, 0]


def test_plain_has_the_first_colour():
    assert not share_of_second(Pattern.PLAIN, points_m()).any()


@pytest.mark.parametrize("direction", [SLANTED, (0.0, 1.0, 0.0)])
def test_stripes_are_bands_across_their_direction(direction):
    points = points_m()
    phase = points.astype(np.float64) @ np.array(direction) / PERIOD_M % 1.0
    clear = np.minimum(np.abs(phase - 0.5), np.minimum(phase, 1.0 - phase)) > 1e-3
    found = share_of_second(Pattern.STRIPES, points, direction)
    np.testing.assert_array_equal(found[clear], phase[clear] >= 0.5)
    assert found.mean() == pytest.approx(0.5, abs=0.03)


def test_checks_are_cubes_in_turn():
    points = points_m()
    expected = np.floor(points.astype(np.float64) / PERIOD_M).sum(axis=1) % 2
    np.testing.assert_array_equal(share_of_second(Pattern.CHECKS, points), expected)


def test_dots_are_balls_on_a_grid():
    points = points_m(20000)
    from_middle = (points.astype(np.float64) / PERIOD_M) % 1.0 - 0.5
    found = share_of_second(Pattern.DOTS, points)
    np.testing.assert_array_equal(found, np.linalg.norm(from_middle, axis=1) < 0.3)
    assert found.mean() == pytest.approx(4.0 / 3.0 * np.pi * 0.3**3, abs=0.01)


def test_noise_is_even_and_fills_its_range():
    found = share_of_second(Pattern.NOISE, points_m(20000))
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    assert found.mean() == pytest.approx(0.5, abs=0.02)
    assert found.std() > 0.1
    assert found.max() - found.min() > 0.8


def test_noise_at_grid_points_is_uniform_and_independent_of_its_neighbours():
    # of one octant: the hash repeats itself where two coordinates change their signs
    steps = np.arange(24)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    values = share_of_second(Pattern.NOISE, ((grid + 1e-4) * PERIOD_M).reshape(-1, 3).astype(np.float32))
    assert values.std() == pytest.approx(1.0 / np.sqrt(12.0), abs=0.01)
    # of 13,824 independent float32 values in [0, 1] about 6 coincide with another one
    assert len(np.unique(values)) > values.size - 20
    cube = values.reshape(24, 24, 24) - values.mean()
    for axis in range(3):
        ahead = np.take(cube, range(1, 24), axis) * np.take(cube, range(23), axis)
        assert abs(ahead.mean()) / cube.var() < 0.04


def test_noise_is_smooth_across_cells():
    """A smoothstep's slope is at most 1.5 along each axis, per period."""
    start = points_m(5000)
    step_m = 0.002 * PERIOD_M
    for axis in range(3):
        ahead = start.copy()
        ahead[:, axis] += np.float32(step_m)
        change = np.abs(share_of_second(Pattern.NOISE, ahead) - share_of_second(Pattern.NOISE, start))
        assert change.max() < 1.5 * 0.002 * 1.1
        assert change.max() > 0.5 * 0.002


def test_noise_never_changes():
    """Published sets are rebuilt bit for bit: these values are pinned."""
    found = share_of_second(Pattern.NOISE, np.array([(0.31, -0.27, 0.93), (-0.5, 0.123, 0.07)], np.float32))
    np.testing.assert_array_equal(found, np.array([0.6947585, 0.42024896], dtype=np.float32))


def test_each_point_has_its_own_material():
    red, green = Material((1.0, 0.0, 0.0)), Material((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), Pattern.CHECKS, 1.0)
    points = np.array([(0.5, 0.5, 0.5), (0.5, 0.5, 0.5), (1.5, 0.5, 0.5)], dtype=np.float32)
    colour = paint(points, np.array([0, 1, 1], np.int32), palette([red, green]))
    np.testing.assert_array_equal(colour, [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])
