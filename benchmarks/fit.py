"""The batched Gaussian fit against the authors' route: scipy.optimize.curve_fit, joint by joint.

Reference: Wehrbein et al. 2021, section 3.2 and appendix D (70 ms for the 16 maps of a picture); their code
fits amplitude, mean, sigma_x, theta, sigma_y to all pixels, from the map's maximum, with sigma 2 and theta 0.

    python benchmarks/fit.py [--rounds 15] [--seed 0] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _common import interleave, write_result
from jaxtyping import Float
from scipy.optimize import curve_fit

from poseterior.heatmaps.fit import fit_gaussians

SIZE, JOINTS, PICTURES = 64, 16, 64
MIXTURE = {"confident": 0.65, "wide": 0.1, "truncated": 0.1, "bimodal": 0.1, "weak": 0.05}
"""Share of each kind of map; see `realistic_map`."""

_Y, _X = np.mgrid[:SIZE, :SIZE].astype(np.float64)
_GRID = np.stack([_X.ravel(), _Y.ravel()])


def blob(
    mean: Float[np.ndarray, " 2"], sigma: Float[np.ndarray, " 2"], angle: float
) -> Float[np.ndarray, "64 64"]:
    """A Gaussian of height 1 with principal standard deviations `sigma`, turned by `angle` radians."""
    dx, dy = _X - mean[0], _Y - mean[1]
    along, across = np.cos(angle) * dx + np.sin(angle) * dy, np.cos(angle) * dy - np.sin(angle) * dx
    return np.exp(-((along / sigma[0]) ** 2 + (across / sigma[1]) ** 2) / 2)


def realistic_map(kind: str, rng: np.random.Generator) -> Float[np.ndarray, "64 64"]:
    """One heatmap like a detector's: a blob on a broad tail, and faint noise all over the map."""
    amplitude, sigma, mean = rng.uniform(0.6, 1.0), rng.uniform(1.3, 2.3, 2), rng.uniform(8, 56, 2)
    if kind == "wide":
        amplitude, sigma = rng.uniform(0.2, 0.6), rng.uniform(3, 6, 2)
    elif kind == "truncated":
        amplitude, mean[rng.integers(2)] = rng.uniform(0.2, 0.6), rng.choice([-0.5, SIZE - 0.5])
    elif kind == "weak":
        amplitude = rng.uniform(0.08, 0.2)
    angle = rng.uniform(0, np.pi)
    heatmap = amplitude * (0.9 * blob(mean, sigma, angle) + 0.1 * blob(mean, 2.5 * sigma, angle))
    if kind == "bimodal":
        heatmap += rng.uniform(0.3, 0.8) * blob(rng.uniform(8, 56, 2), rng.uniform(1.3, 2.3, 2), 0.0)
    return np.clip(heatmap + 0.004 * rng.standard_normal(heatmap.shape), 0, 1)


def realistic_maps(seed: int) -> Float[np.ndarray, "pictures joints 64 64"]:
    """The mixture, float32 as detectors give it."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(list(MIXTURE), size=PICTURES * JOINTS, p=list(MIXTURE.values()))
    maps = np.stack([realistic_map(kind, rng) for kind in kinds])
    return maps.reshape(PICTURES, JOINTS, SIZE, SIZE).astype(np.float32)


def authors_model(
    grid: Float[np.ndarray, "2 pixels"], a: float, mx: float, my: float, sx: float, theta: float, sy: float
) -> Float[np.ndarray, " pixels"]:
    """The six-parameter Gaussian of the authors' code."""
    dx, dy = grid[0] - mx, grid[1] - my
    xx = np.cos(theta) ** 2 / (2 * sx**2) + np.sin(theta) ** 2 / (2 * sy**2)
    xy = -np.sin(2 * theta) / (4 * sx**2) + np.sin(2 * theta) / (4 * sy**2)
    yy = np.sin(theta) ** 2 / (2 * sx**2) + np.cos(theta) ** 2 / (2 * sy**2)
    return a * np.exp(-(xx * dx**2 + 2 * xy * dx * dy + yy * dy**2))


def authors_fit(heatmaps: Float[np.ndarray, "maps 64 64"]) -> Float[np.ndarray, "maps 6"]:
    """curve_fit per map; a failure keeps the start values, as in the authors' code."""
    results = []
    for heatmap in heatmaps:
        values = np.clip(heatmap, 0, 1).ravel()
        row, column = divmod(int(values.argmax()), SIZE)
        start = np.array([values.max(), column, row, 2.0, 0.0, 2.0])
        try:
            results.append(curve_fit(authors_model, _GRID, values, p0=start)[0])
        except RuntimeError:
            results.append(start)
    return np.stack(results)


def authors_rmse(
    heatmaps: Float[np.ndarray, "maps 64 64"], parameters: Float[np.ndarray, "maps 6"]
) -> Float[np.ndarray, " maps"]:
    """Root mean square residual over each whole map."""
    residuals = [
        authors_model(_GRID, *found) - heatmap.ravel()
        for heatmap, found in zip(heatmaps, parameters, strict=True)
    ]
    return np.sqrt(np.mean(np.square(residuals), axis=1))


def main() -> None:
    """Time both routes in turn, compare their answers, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()

    pictures = realistic_maps(options.seed)
    turn = iter(range(1_000_000))

    def next_picture() -> Float[np.ndarray, "joints 64 64"]:
        return pictures[next(turn) % PICTURES]

    routes: dict[str, Callable[[], object]] = {
        "authors_1_picture": lambda: authors_fit(next_picture()),
        "ours_1_picture": lambda: [fit_gaussians(next_picture()) for _ in range(PICTURES)],
        "ours_64_pictures_1_thread": lambda: fit_gaussians(pictures),
        "ours_64_pictures_2_threads": lambda: fit_gaussians(pictures, num_threads=2),
    }
    seconds = interleave(routes, options.rounds)
    authors = seconds["authors_1_picture"]
    per_picture_ms = {
        "authors_1_picture": 1e3 * authors,
        **{name: 1e3 * value / PICTURES for name, value in seconds.items() if name.startswith("ours")},
    }
    flat = pictures.reshape(-1, SIZE, SIZE)[: 16 * JOINTS].astype(np.float64)
    ours, theirs = fit_gaussians(flat), authors_fit(flat)
    mean_difference = np.abs(ours.mean_cell - theirs[:, 1:3]).max(axis=1)
    payload = {
        "mixture": MIXTURE,
        "maps_per_picture": JOINTS,
        "map_size": SIZE,
        "rounds": options.rounds,
        "milliseconds_per_picture": per_picture_ms,
        "times_faster": {name: authors * 1e3 / ms for name, ms in per_picture_ms.items()},
        "accuracy": {
            "maps": len(flat),
            "worst_rmse_ratio": float((ours.rmse / authors_rmse(flat, theirs)).max()),
            "median_mean_difference_cells": float(np.median(mean_difference)),
            "maps_with_means_further_than_1e-3_cells": int((mean_difference > 1e-3).sum()),
            "status_counts": np.bincount(ours.status, minlength=6).tolist(),
        },
    }
    path = write_result("fit", payload, options.out, seed=options.seed)
    print(json.dumps(payload, indent=2))
    for name, ms in per_picture_ms.items():
        print(f"{name:28s} {ms:9.4f} ms per picture, {authors * 1e3 / ms:7.1f} times the authors' speed")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
