"""Whatever the heatmap holds, the fit returns finite numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from poseterior.heatmaps.fit import fit_gaussians
from poseterior.types import FitStatus


def assert_defined(fit, heatmaps):
    for values in (fit.amplitude, fit.mean_cell, fit.covariance_cell2, fit.rmse):
        assert np.isfinite(values).all()
    assert (fit.amplitude >= 0).all()
    assert (np.linalg.eigvalsh(fit.covariance_cell2) > 0).all()
    finite = np.isfinite(heatmaps).all(axis=(-1, -2))
    np.testing.assert_array_equal(fit.status == FitStatus.INVALID, ~finite)
    # no worse than no Gaussian at all
    power = np.sqrt(np.mean(np.clip(np.nan_to_num(heatmaps), 0, 1).astype(np.float64) ** 2, axis=(-1, -2)))
    assert (fit.rmse <= power * (1 + 1e-6) + 1e-12)[finite].all()


@settings(max_examples=150, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.dtype(np.float32), np.dtype(np.float64)]),
        st.tuples(st.integers(1, 3), st.integers(1, 80), st.integers(1, 80)),
        elements=st.floats(width=32),
        fill=st.floats(width=32),
    )
)
def test_any_values(heatmaps):
    assert_defined(fit_gaussians(heatmaps), heatmaps)


@settings(max_examples=150, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    power=st.floats(0.1, 60),
    smooth=st.integers(0, 6),
    seed=st.integers(0, 2**32 - 1),
    start=st.none() | st.tuples(*[st.floats(-1e6, 1e6)] * 2),
    start_sigma=st.floats(1e-3, 1e3),
)
def test_any_texture_start_and_layout(shape, power, smooth, seed, start, start_sigma):
    field = np.random.default_rng(seed).random(shape) ** power
    for _ in range(smooth):
        field = (field + np.roll(field, 1, axis=0) + np.roll(field, 1, axis=1)) / 3
    heatmap = np.asfortranarray(field)
    fit = fit_gaussians(
        heatmap,
        start_mean_cell=None if start is None else np.array(start),
        start_sigma_cell=start_sigma,
    )
    assert_defined(fit, heatmap)
