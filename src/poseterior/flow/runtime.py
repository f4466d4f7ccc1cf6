"""The flow at inference: a bundle's ONNX graphs on ONNX Runtime; free of torch.

Hypotheses are worked through in chunks of rows that stay in a core's cache, one thread per chunk; what
depends on the picture alone (`shares`, see graphs.py) is computed once per picture.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64

from poseterior.errors import InputError, ModelError
from poseterior.flow.bundle import open_bundle
from poseterior.flow.config import (
    CENTRED_SIZE,
    CONDITION_SIZE,
    JOINTS_2D_SIZE,
    MANIFOLD_LATENT_SIZE,
    POSE_SIZE,
)
from poseterior.flow.model_card import ModelCard

CHUNK_ROWS = 512
"""Rows of one call: 512 by 128 hidden units in fp32 are a quarter of a 1 MB second-level cache."""
JACOBIAN_CHUNK_ROWS = 16
"""With 16 tangents a row."""
PICTURES_AT_ONCE = 128
"""Pictures whose shares (64 kB each at the paper's size) are held at a time."""
FEW_HYPOTHESES = 5
"""Below it, rows of several pictures share a call, and every row brings its own shares."""


class _Chunk(NamedTuple):
    rows: slice
    pictures: slice | np.ndarray
    """Index into the pictures axis of shares: of length one, or one per row."""


class FlowRuntime:
    """A flow ready to run; immutable and safe to share between threads.

    Example:
        >>> runtime = FlowRuntime.load(Path("model"))  # doctest: +SKIP
        >>> latent = np.random.default_rng(0).standard_normal((1, 200, runtime.latent_size))  # doctest: +SKIP
        >>> vectors, log_prob = runtime.inverse(latent, y, condition)  # doctest: +SKIP
    """

    def __init__(self, folder: Path, card: ModelCard, num_threads: int) -> None:
        self.card = card
        self._folder = folder
        self._num_threads = num_threads
        self._pool = ThreadPoolExecutor(num_threads) if num_threads > 1 else None

    @classmethod
    def load(cls, folder: Path, *, num_threads: int = 0) -> FlowRuntime:
        """Opens and verifies the bundle in `folder`; `num_threads` 0 takes all cores of this process.

        Raises:
            ModelError: the bundle is missing, damaged, of another format, or not accepted by ONNX Runtime.
        """
        runtime = cls(folder, open_bundle(folder), num_threads or _available_cores())
        _ = runtime._condition_session, runtime._inverse_session
        return runtime

    @property
    def latent_size(self) -> int:
        """Dimensions of the latent: 45 for the posterior family, 16 for the bijective one."""
        return CENTRED_SIZE if self.card.family == "posterior" else MANIFOLD_LATENT_SIZE

    @cached_property
    def _condition_session(self) -> Any:
        return _session(self._folder / "condition.onnx")

    @cached_property
    def _inverse_session(self) -> Any:
        return _session(self._folder / "inverse.onnx")

    @cached_property
    def _forward_session(self) -> Any:
        return _session(self._folder / "forward.onnx")

    @cached_property
    def _jacobian_session(self) -> Any:
        return _session(self._folder / "jacobian.onnx")

    def inverse(
        self,
        latent: Float[np.ndarray, "pictures hypotheses latent"],
        y: Float[np.ndarray, "pictures 32"],
        condition: Float[np.ndarray, "pictures 78"],
    ) -> tuple[Float32[np.ndarray, "pictures hypotheses 48"], Float64[np.ndarray, "pictures hypotheses"]]:
        """Poses (metres, flow frame, axis-major) of latents, and their log-density in nats.

        Posterior family: log p(x | y, c) with respect to Lebesgue measure on the 45-dimensional space of
        centred poses. Bijective family: the density on the picture's 16-dimensional manifold of poses,
        log N(z; 0, I) - 1/2 log det(J^T J), J = dx/dz, which costs about 17 times what `vectors` does
        (METHOD section 9) and has small jumps where a hidden unit switches on.

        Raises:
            InputError: a shape is not as annotated, or a value is not finite in float32.
        """
        latent, y, condition = self._checked("latent", latent, self.latent_size, y, condition)
        if self.card.family == "posterior":
            vectors, log_det = self._run(self._inverse_session, latent, y, condition, CHUNK_ROWS)
            return vectors, _standard_normal_log_prob(latent) - log_det
        vectors, log_area = self._run(
            self._jacobian_session, _joined(latent, y), y, condition, JACOBIAN_CHUNK_ROWS, _log_area
        )
        return vectors, _standard_normal_log_prob(latent) - log_area

    def vectors(
        self,
        latent: Float[np.ndarray, "pictures hypotheses latent"],
        y: Float[np.ndarray, "pictures 32"],
        condition: Float[np.ndarray, "pictures 78"],
    ) -> Float32[np.ndarray, "pictures hypotheses 48"]:
        """`inverse` without the log-density; raises as it does."""
        latent, y, condition = self._checked("latent", latent, self.latent_size, y, condition)
        state = latent if self.card.family == "posterior" else _joined(latent, y)
        return self._run(self._inverse_session, state, y, condition, CHUNK_ROWS)[0]

    def forward(
        self,
        vectors: Float[np.ndarray, "pictures hypotheses 48"],
        y: Float[np.ndarray, "pictures 32"],
        condition: Float[np.ndarray, "pictures 78"],
    ) -> tuple[Float32[np.ndarray, "pictures hypotheses latent"], Float64[np.ndarray, "pictures hypotheses"]]:
        """Latents of poses, and the poses' log-density as in `inverse`.

        In the bijective family a pose also has its own 2D y_hat, which need not be `y`: the density returned
        is the one on the manifold of y_hat, and `y` is not used.

        Raises:
            InputError: a shape is not as annotated, or a value is not finite in float32.
        """
        vectors, y, condition = self._checked("vectors", vectors, POSE_SIZE, y, condition)
        latent, log_det = self._run(self._forward_session, vectors, y, condition, CHUNK_ROWS)
        if self.card.family == "posterior":
            return latent, _standard_normal_log_prob(latent) + log_det
        _, log_area = self._run(self._jacobian_session, latent, y, condition, JACOBIAN_CHUNK_ROWS, _log_area)
        latent = np.ascontiguousarray(latent[..., :MANIFOLD_LATENT_SIZE])
        return latent, _standard_normal_log_prob(latent) - log_area

    def _checked(
        self, name: str, values: np.ndarray, size: int, y: np.ndarray, condition: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if values.ndim != 3 or values.shape[2] != size:
            raise InputError(f"expected {name} of shape (pictures, hypotheses, {size}), got {values.shape}")
        return (
            _as_float32(name, values, values.shape),
            _as_float32("y", y, (len(values), JOINTS_2D_SIZE)),
            _as_float32("condition", condition, (len(values), CONDITION_SIZE)),
        )

    def _run(
        self,
        session: Any,
        values: np.ndarray,
        y: np.ndarray,
        condition: np.ndarray,
        chunk_rows: int,
        finish: Callable[[np.ndarray], np.ndarray] = lambda second: second,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Both outputs of `session`, the second per row after `finish`, for every picture and hypothesis."""
        pictures, hypotheses, _ = values.shape
        input_name, first_output = session.get_inputs()[0].name, session.get_outputs()[0]
        first = np.empty((pictures * hypotheses, first_output.shape[1]), np.float32)
        second = np.empty(pictures * hypotheses, np.float64)
        for start in range(0, pictures, PICTURES_AT_ONCE):
            block = slice(start, min(start + PICTURES_AT_ONCE, pictures))
            shares = self._shares(y[block], condition[block])
            rows = slice(block.start * hypotheses, block.stop * hypotheses)
            flat = values[block].reshape(-1, values.shape[2])
            self._run_block(
                session, input_name, flat, shares, hypotheses, chunk_rows, finish, first[rows], second[rows]
            )
        return first.reshape(pictures, hypotheses, first.shape[1]), second.reshape(pictures, hypotheses)

    def _run_block(
        self,
        session: Any,
        input_name: str,
        values: np.ndarray,
        shares: np.ndarray,
        hypotheses: int,
        chunk_rows: int,
        finish: Callable[[np.ndarray], np.ndarray],
        first: np.ndarray,
        second: np.ndarray,
    ) -> None:
        def run(chunk: _Chunk) -> None:
            feed = {input_name: values[chunk.rows], "shares": shares[:, chunk.pictures]}
            out = session.run(None, feed)
            first[chunk.rows], second[chunk.rows] = out[0], finish(out[1])

        chunks = list(_chunks(shares.shape[1], hypotheses, chunk_rows, self._num_threads))
        if self._pool is None or len(chunks) == 1:
            for chunk in chunks:
                run(chunk)
        else:
            list(self._pool.map(run, chunks))

    def _shares(self, y: np.ndarray, condition: np.ndarray) -> np.ndarray:
        given = {"y": y, "condition": condition}
        return self._condition_session.run(None, {name: given[name] for name in self.card.config.inputs})[0]


def _chunks(pictures: int, hypotheses: int, chunk_rows: int, threads: int) -> Iterator[_Chunk]:
    rows = pictures * hypotheses
    if pictures > 1 and hypotheses < FEW_HYPOTHESES:
        picture_of_row = np.repeat(np.arange(pictures), hypotheses)
        for part in _even_slices(rows, chunk_rows, threads):
            yield _Chunk(part, picture_of_row[part])
        return
    for picture in range(pictures):
        for part in _even_slices(hypotheses, chunk_rows, threads if pictures == 1 else 1):
            offset = picture * hypotheses
            yield _Chunk(slice(part.start + offset, part.stop + offset), slice(picture, picture + 1))


def _even_slices(rows: int, at_most: int, threads: int) -> Iterator[slice]:
    """Slices of nearly equal length, one per thread at least unless that makes them very short."""
    parts = max(-(-rows // at_most), min(threads, 16 * rows // at_most), 1)
    bounds = [rows * part // parts for part in range(parts + 1)]
    for start, stop in itertools.pairwise(bounds):
        if stop > start:
            yield slice(start, stop)


def _as_float32(name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if array.shape != shape:
        raise InputError(f"expected {name} of shape {shape}, got {array.shape}")
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(single).all():
        raise InputError(f"{name} holds NaN or infinite values; expected numbers that are finite in float32")
    return single


def _joined(latent: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[z, y] for every hypothesis."""
    repeated = np.broadcast_to(y[:, None], (*latent.shape[:2], y.shape[1]))
    return np.concatenate([latent, repeated], axis=-1)


def _standard_normal_log_prob(values: np.ndarray) -> np.ndarray:
    exact = values.astype(np.float64)
    return -0.5 * (exact * exact).sum(axis=-1) - 0.5 * values.shape[-1] * np.log(2 * np.pi)


def _log_area(jacobian: np.ndarray) -> np.ndarray:
    """1/2 log det(J^T J) of (rows, 16, 48), from QR so that the condition number is not squared."""
    triangle = np.linalg.qr(jacobian.astype(np.float64).swapaxes(-1, -2), mode="r")
    return np.log(np.abs(np.diagonal(triangle, axis1=-2, axis2=-1))).sum(axis=-1)


def _session(path: Path) -> Any:
    # read when the library loads: without it, some builds leave an identifier and a log in the user's home
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # chunks run side by side, so that a thread of its own inside each call would only compete
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"ONNX Runtime cannot open the model graph {path}: {reason}") from None


def _available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
