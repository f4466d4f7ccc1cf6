"""Coupling blocks and permutations as ONNX nodes: the counterpart of flow.py and coupling.py (onnx)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from poseterior.flow.clamp import CLAMP_FACTOR
from poseterior.flow.config import MANIFOLD_LATENT_SIZE
from poseterior.flow.onnx_writer import GraphWriter
from poseterior.flow.permutation import permutation_indices

PIECE = 128
"""Hidden units whose products are summed in one go: longer sums in fp32 lose more digits than torch's do."""


class OnnxBody:
    """The coupling blocks and permutations in one graph."""

    def __init__(self, graph: GraphWriter, size: int) -> None:
        self.graph = graph
        self.size = size
        self.first_size = size // 2

    def _indices(self, block: int, inverse: bool) -> np.ndarray:
        indices = permutation_indices(self.graph.config.permutation, self.size, block)
        return np.argsort(indices) if inverse else indices

    def _select(self, state: str, indices: np.ndarray, name: str) -> str:
        # a product with a 0/1 matrix: exact, and several times faster than Gather along the last axis
        columns = self.graph.op(
            "OneHot",
            self.graph.constant(name, indices.astype(np.int64)),
            self.graph.integers(self.size),
            self.graph.constant("zero_one", np.array([0.0, 1.0], dtype=np.float32)),
            axis=0,
        )
        return self.graph.op("MatMul", state, columns)

    def _halves(self, state: str, block: int | None, inverse: bool) -> tuple[str, str]:
        """Both halves of the state after the permutation of `block` (None: as it is)."""
        indices = np.arange(self.size) if block is None else self._indices(block, inverse)
        name = f"permutation_{'none' if block is None else block}"
        return (
            self._select(state, indices[: self.first_size], f"{name}_first"),
            self._select(state, indices[self.first_size :], f"{name}_second"),
        )

    def _share(self, block: int, part: str) -> str:
        index = 2 * block + (0 if part == "from_second" else 1)
        index = self.graph.constant(f"share_{index}", np.int64(index))
        return self.graph.op("Gather", "shares", index, axis=0)

    def _hidden(self, block: int, part: str, half: str) -> str:
        share = self._share(block, part)
        return self.graph.op(
            "Relu", self.graph.linear(half, f"body.blocks.{block}.{part}.from_state.weight", share)
        )

    def _output(self, block: int, part: str, hidden: str) -> tuple[str, str]:
        name = f"body.blocks.{block}.{part}.output"
        out = self.graph.linear(hidden, f"{name}.weight", self.graph.weight(f"{name}.bias"))
        raw, translation = self.graph.op("Split", out, outputs=2, axis=1)
        return raw, translation

    def _subnet(self, block: int, part: str, half: str) -> tuple[str, str]:
        """`_output` of `_hidden`, a piece of the hidden layer at a time."""
        name = f"body.blocks.{block}.{part}"
        weight, share = self.graph.weight(f"{name}.from_state.weight"), self._share(block, part)
        output_weight = self.graph.weight(f"{name}.output.weight")
        out = self.graph.weight(f"{name}.output.bias")
        for into, given, onward in zip(
            self._pieces(weight, axis=0),
            self._pieces(share, axis=1),
            self._pieces(output_weight, axis=1),
            strict=True,
        ):
            hidden = self.graph.op("Relu", self.graph.op("Gemm", half, into, given, transB=1))
            out = self.graph.op("Gemm", hidden, onward, out, transB=1)
        raw, translation = self.graph.op("Split", out, outputs=2, axis=1)
        return raw, translation

    def _pieces(self, tensor: str, axis: int) -> list[str]:
        """`tensor` cut along its hidden axis; weights are cut once, when the graph is loaded."""
        hidden = self.graph.config.hidden
        count = -(-hidden // PIECE)
        if count == 1:
            return [tensor]
        bounds = [hidden * index // count for index in range(count + 1)]
        lengths = self.graph.integers(*(stop - start for start, stop in pairwise(bounds)))
        return self.graph.op("Split", tensor, lengths, outputs=count, axis=axis)

    def _log_scale(self, raw: str, sign: int) -> str:
        alpha = self.graph.config.clamp_alpha
        bent = self.graph.op("Atan", self.graph.op("Mul", raw, self.graph.scalar(1 / alpha)))
        return self.graph.op(
            "Mul", bent, self.graph.scalar(sign * CLAMP_FACTOR[self.graph.config.clamp] * alpha)
        )

    def _couple(self, block: int, part: str, passive: str, active: str, inverse: bool) -> tuple[str, str]:
        """The changed half, and the signed log-scale that it was changed by."""
        raw, translation = self._subnet(block, part, passive)
        log_scale = self._log_scale(raw, sign=-1 if inverse else 1)
        factor = self.graph.op("Exp", log_scale)
        if inverse:
            return self.graph.op("Mul", self.graph.op("Sub", active, translation), factor), log_scale
        return self.graph.op("Add", self.graph.op("Mul", active, factor), translation), log_scale

    def inverse(self, state: str) -> tuple[str, str]:
        """(state, log_det) from latent towards pose."""
        scales: dict[str, list[str]] = {"from_first": [], "from_second": []}
        for block in reversed(range(self.graph.config.blocks)):
            first, second = self._halves(state, block, inverse=True)
            second, on_second = self._couple(block, "from_first", first, second, inverse=True)
            first, on_first = self._couple(block, "from_second", second, first, inverse=True)
            scales["from_first"].append(on_second)
            scales["from_second"].append(on_first)
            state = self.graph.op("Concat", first, second, axis=1)
        return state, self._sum(scales)

    def forward(self, state: str) -> tuple[str, str]:
        """(state, log_det) from pose towards latent."""
        scales: dict[str, list[str]] = {"from_first": [], "from_second": []}
        for block in range(self.graph.config.blocks):
            first, second = self._halves(state, block - 1 if block else None, inverse=False)
            first, on_first = self._couple(block, "from_second", second, first, inverse=False)
            second, on_second = self._couple(block, "from_first", first, second, inverse=False)
            scales["from_first"].append(on_second)
            scales["from_second"].append(on_first)
            state = self.graph.op("Concat", first, second, axis=1)
        last = self.graph.config.blocks - 1
        return self._select(state, self._indices(last, inverse=False), "permutation_last"), self._sum(scales)

    def _sum(self, scales: dict[str, list[str]]) -> str:
        sums = [
            self.graph.op("ReduceSum", self._total(names), self.graph.integers(1), keepdims=0)
            for names in scales.values()
        ]
        return self.graph.op("Add", *sums)

    def _total(self, names: list[str]) -> str:
        return names[0] if len(names) == 1 else self.graph.op("Sum", *names)

    def inverse_with_tangents(self, state: str, tangents: str) -> tuple[str, str]:
        """`inverse` without log_det, and where it takes `tangents` (rows * 16, size)."""
        for block in reversed(range(self.graph.config.blocks)):
            first, second = self._halves(state, block, inverse=True)
            first_tangents, second_tangents = self._halves(tangents, block, inverse=True)
            second, second_tangents = self._undo(
                block, "from_first", (first, first_tangents), (second, second_tangents)
            )
            first, first_tangents = self._undo(
                block, "from_second", (second, second_tangents), (first, first_tangents)
            )
            state = self.graph.op("Concat", first, second, axis=1)
            tangents = self.graph.op("Concat", first_tangents, second_tangents, axis=1)
        return state, tangents

    def _undo(
        self, block: int, part: str, passive: tuple[str, str], active: tuple[str, str]
    ) -> tuple[str, str]:
        graph = self.graph
        name = f"body.blocks.{block}.{part}"
        hidden = self._hidden(block, part, passive[0])
        raw, translation = self._output(block, part, hidden)
        hidden_tangents = self._per_row(
            graph.linear(passive[1], f"{name}.from_state.weight"), graph.op("Sign", hidden)
        )
        raw_tangents, translation_tangents = graph.op(
            "Split", graph.linear(hidden_tangents, f"{name}.output.weight"), outputs=2, axis=1
        )
        shrink = graph.op("Exp", self._log_scale(raw, sign=-1))
        undone = graph.op("Mul", graph.op("Sub", active[0], translation), shrink)
        moved = self._per_row(graph.op("Sub", active[1], translation_tangents), shrink)
        bend = graph.op("Mul", undone, self._slope(raw))
        return undone, graph.op("Sub", moved, self._per_row(raw_tangents, bend))

    def _slope(self, raw: str) -> str:
        """factor / (1 + (raw / alpha)^2)."""
        graph = self.graph
        ratio = graph.op("Mul", raw, graph.scalar(1 / graph.config.clamp_alpha))
        below = graph.op("Add", graph.op("Mul", ratio, ratio), graph.scalar(1.0))
        return graph.op("Div", graph.scalar(CLAMP_FACTOR[graph.config.clamp]), below)

    def _per_row(self, tangents: str, factor: str) -> str:
        """Multiplies all tangents of a row by the row's own factors."""
        grouped = self.graph.op("Unsqueeze", factor, self.graph.integers(1))
        width = self.graph.op("Shape", factor, start=1)
        shape = self.graph.op("Concat", self.graph.integers(-1, MANIFOLD_LATENT_SIZE), width, axis=0)
        product = self.graph.op("Mul", self.graph.op("Reshape", tangents, shape), grouped)
        flat = self.graph.op("Concat", self.graph.integers(-1), width, axis=0)
        return self.graph.op("Reshape", product, flat)
