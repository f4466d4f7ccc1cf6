"""A network's answers as ONNX graphs whose weights are byte ranges of the weights file (torch, onnx)."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from torch import Tensor, nn

from poseterior.errors import ModelError
from poseterior.flow.config import INPUT_SIZES
from poseterior.flow.tensor_file import TensorSpan
from poseterior.models.network_lifter import NetworkLifter

Answer = Literal["single", "draw"]
OPSET = 17
_PREFIX = "lifter."
_PICTURES, _HYPOTHESES = 3, 4
"""Of the example that is traced; the graph takes any number."""


class _Answer(nn.Module):
    """One method of a network as the forward pass of a module, which is what can be exported."""

    def __init__(self, lifter: NetworkLifter, answer: Answer) -> None:
        super().__init__()
        self.lifter = lifter
        self._answer = answer

    def forward(self, *inputs: Tensor) -> Tensor:
        return getattr(self.lifter, self._answer)(*inputs)


def network_graph(
    network: NetworkLifter, answer: Answer, spans: dict[str, TensorSpan], weights_file: str
) -> bytes:
    """The serialised graph of `answer`: y, condition (and noise for draw) -> vectors, in metres.

    An input that the method does not read is no input of the graph.

    Args:
        network: in eval mode, float32, on the CPU.
        answer: which method of it.
        spans: where the tensors of its state lie in the weights file; the graph refers to them.
        weights_file: name of that file, beside the graph.

    Raises:
        ModelError: the network uses an operation that ONNX does not know.
    """
    inputs: dict[str, Tensor] = {name: torch.randn(_PICTURES, size) for name, size in INPUT_SIZES.items()}
    axes = {name: {0: "pictures"} for name in (*inputs, "vectors")}
    if answer == "draw":
        inputs["noise"] = torch.randn(_PICTURES, _HYPOTHESES, network.noise_size)
        axes["noise"] = axes["vectors"] = {0: "pictures", 1: "hypotheses"}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings(), torch.no_grad():
        path = Path(scratch) / "graph.onnx"
        # by tracing: torch's newer exporter takes minutes for the networks that repeat a step
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                _Answer(network, answer).eval(),
                tuple(inputs.values()),
                path,
                dynamo=False,
                dynamic_axes=axes,
                input_names=list(inputs),
                output_names=["vectors"],
                opset_version=OPSET,
                do_constant_folding=False,
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{answer} of {network.method} cannot be written as ONNX: {reason}") from error
        model = onnx.load(path)
    _refer_to_weights(model, network, spans, weights_file)
    return model.SerializeToString(deterministic=True)


def _refer_to_weights(
    model: onnx.ModelProto, network: NetworkLifter, spans: dict[str, TensorSpan], weights_file: str
) -> None:
    """Replaces every initialiser that equals a stored tensor by a reference to it."""
    state = network.state_dict()
    for tensor in model.graph.initializer:
        name = tensor.name.removeprefix(_PREFIX)
        if name not in spans or not np.array_equal(numpy_helper.to_array(tensor), state[name].numpy()):
            continue
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        where = {"location": weights_file, "offset": spans[name].offset, "length": spans[name].length}
        for key, value in where.items():
            tensor.external_data.add(key=key, value=str(value))
