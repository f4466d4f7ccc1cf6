"""Batched least-squares fit of one 2D Gaussian per heatmap (METHOD section 2; Wehrbein et al. 2021, 3.2).

Model and optimum are those of the authors' `scipy.optimize.curve_fit` per joint: six parameters, all
pixels, the heatmap clamped to [0, 1] first. The way there is Newton's method with the exact Hessian, in C
(`_native/`). In log-quadratic coordinates value, gradient and Hessian are moments of the same two maps, f^2
and y f, so that one pass over the pixels within reach of the Gaussian gives them all.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int32, UInt8

from poseterior.errors import InputError
from poseterior.heatmaps._native import library, variant

_MAPS_PER_CALL = 32
"""Maps that one thread fits before it asks for more."""


@dataclass(frozen=True)
class GaussianFit:
    """One Gaussian A exp(-d' S^-1 d / 2) per heatmap; every value is finite whatever the map held."""

    amplitude: Float[np.ndarray, "*batch"]
    """float64, heatmap units, in [0, 10000] (large where the peak lies outside of the map)."""
    mean_cell: Float[np.ndarray, "*batch 2"]
    """float64, (x, y) in heatmap cells, at most half a map outside of the map; of NO_SIGNAL and INVALID maps the
    start, wherever it is."""
    covariance_cell2: Float[np.ndarray, "*batch 2 2"]
    """float64, heatmap cells squared, y down; principal standard deviations from 0.1 to twice the map's
    longer side."""
    rmse: Float[np.ndarray, "*batch"]
    """float64, root mean square residual over the whole clamped map."""
    status: UInt8[np.ndarray, "*batch"]
    """`poseterior.types.FitStatus` of each map."""
    iterations: Int32[np.ndarray, "*batch"]
    """Evaluations over all starts that were tried."""


def fit_gaussians(
    heatmaps: Float[np.ndarray, "*batch height width"],
    *,
    start_mean_cell: Float[np.ndarray, "*batch 2"] | None = None,
    start_sigma_cell: float = 2.0,
    num_threads: int = 1,
) -> GaussianFit:
    """Fit one Gaussian to every heatmap; the result has the heatmaps' leading axes.

    The fit goes downhill from the blob at `start_mean_cell`, else at the map's largest value: in a map of
    several blobs it is the answer of that one. Where it leaves a tenth of the map's power unexplained,
    further starts are tried: isotropic with `start_sigma_cell`, as the authors'; then, for want of a
    significant blob, the peak of the smoothed map.

    A map whose best Gaussian explains no more than it would of noise of the residual's own scale and
    smoothness is NO_SIGNAL: mean = the start, else the map's centre; standard deviations = half the map's
    sides; amplitude = the best one in [0, 1] for that shape. A map with NaN or infinity is INVALID: the
    same with amplitude 0, its RMSE taken with NaN as 0 and infinity as 1. Maps are fitted one by one, so
    that the result depends neither on the batch nor on `num_threads`.

    Args:
        heatmaps: any floating dtype and memory layout; rows along y, columns along x; clamped to [0, 1].
        start_mean_cell: (x, y) of the detected joints in heatmap cells; None for each map's largest value.
        start_sigma_cell: standard deviation of an isotropic start, in cells (the paper's sigma_gt).
        num_threads: threads to share the maps of a large batch; the GIL is released while they work.

    Raises:
        InputError: the arrays' shapes, dtypes or the settings cannot be used.
    """
    maps, starts = _checked(heatmaps, start_mean_cell, start_sigma_cell, num_threads)
    batch, count = heatmaps.shape[:-2], len(maps)
    fit = GaussianFit(
        amplitude=np.empty(batch),
        mean_cell=np.empty((*batch, 2)),
        covariance_cell2=np.empty((*batch, 2, 2)),
        rmse=np.empty(batch),
        status=np.empty(batch, np.uint8),
        iterations=np.empty(batch, np.int32),
    )
    step = _MAPS_PER_CALL if num_threads > 1 else max(count, 1)
    workspace_size = library().poseterior_fit_workspace(*maps.shape[1:])
    workspaces = [np.empty(workspace_size) for _ in range(min(num_threads, max(-(-count // step), 1)))]
    firsts = iter(range(0, count, step))  # taking the next number is atomic: the threads share the iterator

    def work(workspace: Float[np.ndarray, " doubles"]) -> None:
        for first in firsts:
            _fit_span(fit, maps, starts, start_sigma_cell, workspace, first, min(step, count - first))

    helpers = [threading.Thread(target=work, args=(workspace,)) for workspace in workspaces[1:]]
    for helper in helpers:
        helper.start()
    work(workspaces[0])
    for helper in helpers:
        helper.join()
    return fit


def _fit_span(
    fit: GaussianFit,
    maps: Float[np.ndarray, "maps height width"],
    starts: Float[np.ndarray, "maps 2"] | None,
    start_sigma_cell: float,
    workspace: Float[np.ndarray, " doubles"],
    first: int,
    count: int,
) -> None:
    """Fit `count` maps from number `first` on into `fit`, without the GIL."""
    height, width = maps.shape[1:]
    library().poseterior_fit(
        _address(maps, first, height * width),
        maps.dtype == np.float64,
        count,
        height,
        width,
        None if starts is None else _address(starts, first, 2),
        start_sigma_cell,
        workspace.ctypes.data,
        _address(fit.amplitude, first, 1),
        _address(fit.mean_cell, first, 2),
        _address(fit.covariance_cell2, first, 4),
        _address(fit.rmse, first, 1),
        _address(fit.status, first, 1),
        _address(fit.iterations, first, 1),
        variant(),
    )


def sigmas_and_theta(
    covariance_cell2: Float[np.ndarray, "*batch 2 2"],
) -> tuple[Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch"]]:
    """The authors' (sigma_x, theta, sigma_y) of covariances in image axes (y down).

    Their model is A exp(-(a dx^2 + 2 b dx dy + c dy^2)) with a = cos^2/(2 sx^2) + sin^2/(2 sy^2), b =
    -sin(2 theta)/(4 sx^2) + sin(2 theta)/(4 sy^2), c = sin^2/(2 sx^2) + cos^2/(2 sy^2) and dy downwards:
    theta turns from x towards y *up*, so V(theta) diag(sx^2, sy^2) V(theta)' with V = [[cos, -sin], [sin,
    cos]] is the covariance with y up. Theta (radians) is in [-pi/4, pi/4]: sigma_x belongs to the axis
    nearer to x, which is where a fit that starts at theta = 0 arrives.
    """
    xx, yy, xy = covariance_cell2[..., 0, 0], covariance_cell2[..., 1, 1], covariance_cell2[..., 0, 1]
    middle, half = (xx + yy) / 2, (xx - yy) / 2
    radius = np.hypot(half, xy)
    along_x = np.where(half >= 0, 1.0, -1.0)
    theta = 0.5 * np.arctan2(-xy * along_x, np.abs(half))
    # the smaller variance from the determinant: no cancellation for long thin Gaussians
    large = middle + radius
    small = (xx * yy - xy * xy) / large
    sigma_x, sigma_y = np.where(half >= 0, (large, small), (small, large)) ** 0.5
    return np.asarray(sigma_x), np.asarray(theta), np.asarray(sigma_y)


def covariance_from_sigmas(
    sigma_x: Float[np.ndarray, "*batch"],
    theta: Float[np.ndarray, "*batch"],
    sigma_y: Float[np.ndarray, "*batch"],
) -> Float[np.ndarray, "*batch 2 2"]:
    """Covariances in image axes (y down) of the authors' parameters: the inverse of `sigmas_and_theta`."""
    cosine, sine = np.cos(theta), np.sin(theta)
    xx = (cosine * sigma_x) ** 2 + (sine * sigma_y) ** 2
    yy = (sine * sigma_x) ** 2 + (cosine * sigma_y) ** 2
    xy = cosine * sine * (sigma_y**2 - sigma_x**2)
    return np.stack([np.stack([xx, xy], axis=-1), np.stack([xy, yy], axis=-1)], axis=-2)


def _address(array: np.ndarray, first: int, values_per_map: int) -> int:
    """Where the values of map number `first` begin."""
    return array.ctypes.data + first * values_per_map * array.itemsize


def _checked(
    heatmaps: Float[np.ndarray, "*batch height width"],
    start_mean_cell: Float[np.ndarray, "*batch 2"] | None,
    start_sigma_cell: float,
    num_threads: int,
) -> tuple[Float[np.ndarray, "maps height width"], Float[np.ndarray, "maps 2"] | None]:
    """Heatmaps as contiguous native float32 or float64, starts as float64, both with one batch axis."""
    if heatmaps.ndim < 2 or 0 in heatmaps.shape[-2:]:
        raise InputError(f"heatmaps have shape {heatmaps.shape}; expected (..., height, width) with pixels")
    if not np.issubdtype(heatmaps.dtype, np.floating):
        raise InputError(f"heatmaps have dtype {heatmaps.dtype}; expected floating point values in [0, 1]")
    if not (np.isfinite(start_sigma_cell) and start_sigma_cell > 0):
        raise InputError(f"start_sigma_cell is {start_sigma_cell}; expected a positive number of cells")
    if num_threads < 1:
        raise InputError(f"num_threads is {num_threads}; expected at least 1")
    dtype = np.float32 if heatmaps.dtype.itemsize <= 4 else np.float64
    maps = np.ascontiguousarray(heatmaps, dtype).reshape(-1, *heatmaps.shape[-2:])
    if start_mean_cell is None:
        return maps, None
    if start_mean_cell.shape != (*heatmaps.shape[:-2], 2) or not np.isfinite(start_mean_cell).all():
        raise InputError(
            f"start_mean_cell has shape {start_mean_cell.shape}; expected finite (x, y) for each heatmap, "
            f"{(*heatmaps.shape[:-2], 2)}"
        )
    return maps, np.ascontiguousarray(start_mean_cell, np.float64).reshape(-1, 2)
