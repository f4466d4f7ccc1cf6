"""Writes one ONNX graph whose weights are byte ranges of the safetensors file (onnx)."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from poseterior.flow.config import FlowConfig
from poseterior.flow.tensor_file import TensorSpan

OPSET = 17
IR_VERSION = 9
"""Old enough for ONNX Runtime 1.20, new enough for every operator used."""


class GraphWriter:
    """Nodes and initialisers of one graph while it is being written."""

    def __init__(self, config: FlowConfig, spans: dict[str, TensorSpan], weights_file: str) -> None:
        self.config = config
        self._spans = spans
        self._weights_file = weights_file
        self._nodes: list[onnx.NodeProto] = []
        self._initialisers: dict[str, onnx.TensorProto] = {}

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Adds a node; returns the name of its output, or the list of them if it has several."""
        names = [f"{kind.lower()}_{len(self._nodes)}_{index}" for index in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, name: str, values: np.ndarray | np.generic) -> str:
        """A small constant inside the graph; the same name is stored once."""
        if name not in self._initialisers:
            self._initialisers[name] = numpy_helper.from_array(np.asarray(values), name)
        return name

    def weight(self, name: str) -> str:
        """A tensor of the weights file, by reference."""
        if name not in self._initialisers:
            span = self._spans[name]
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=span.shape)
            tensor.data_location = TensorProto.EXTERNAL
            where = {"location": self._weights_file, "offset": span.offset, "length": span.length}
            for key, value in where.items():
                tensor.external_data.add(key=key, value=str(value))
            self._initialisers[name] = tensor
        return name

    def scalar(self, value: float) -> str:
        """A float32 constant."""
        return self.constant(f"scalar_{value!r}", np.float32(value))

    def integers(self, *values: int) -> str:
        """A vector of int64 constants."""
        return self.constant("integers_" + "_".join(map(str, values)), np.array(values, dtype=np.int64))

    def linear(self, values: str, weight: str, bias: str | None = None) -> str:
        """values @ weight.T + bias, with torch's (out, in) weight from the weights file."""
        inputs = [values, self.weight(weight)] + ([bias] if bias else [])
        return self.op("Gemm", *inputs, transB=1)

    def finish(self, name: str, inputs: dict[str, list], outputs: dict[str, tuple[str, list]]) -> bytes:
        """The serialised model; `outputs` maps each public name to (internal name, shape)."""
        for public, (internal, _) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [internal], [public]))
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in inputs.items()],
            [helper.make_tensor_value_info(key, TensorProto.FLOAT, s) for key, (_, s) in outputs.items()],
            list(self._initialisers.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="poseterior",
        )
        return model.SerializeToString(deterministic=True)
