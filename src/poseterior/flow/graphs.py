"""The flow as ONNX graphs of a few kilobytes, whose weights are byte ranges of the safetensors file.

Two stages, so that what depends on the picture alone is computed once per picture:

    condition.onnx  y (pictures, 32), condition (pictures, 78)   -> shares (2 * blocks, pictures, hidden)
    inverse.onnx    latent (rows, latent), shares                -> pose (rows, 48), log_det (rows)
    forward.onnx    pose (rows, 48), shares                      -> latent (rows, latent), log_det (rows)
    jacobian.onnx   latent (rows, 48), shares                    -> pose (rows, 48), jacobian (rows, 16, 48)

A row is one hypothesis. The second axis of `shares` is 1 (all rows belong to one picture) or as long as rows.
In the bijective family "latent" is the joined vector [z, y] (48) and jacobian[:, k] is dx/dz_k; in the
posterior family it is u (45), and there is no jacobian.onnx. `log_det` belongs to the graph's own direction.
"""

from __future__ import annotations

import numpy as np

from poseterior.flow.centred import centred_basis
from poseterior.flow.config import (
    CENTRED_SIZE,
    INPUT_SIZES,
    MANIFOLD_LATENT_SIZE,
    POSE_SIZE,
    Family,
    FlowConfig,
)
from poseterior.flow.onnx_body import OnnxBody
from poseterior.flow.onnx_writer import GraphWriter
from poseterior.flow.tensor_file import TensorSpan


def flow_graphs(
    family: Family,
    config: FlowConfig,
    spans: dict[str, TensorSpan],
    weights_file: str,
    scale: np.ndarray | None = None,
) -> dict[str, bytes]:
    """File name -> serialised ONNX model; `scale` is the posterior family's, per dimension (45)."""

    def graph() -> GraphWriter:
        return GraphWriter(config, spans, weights_file)

    graphs = {
        "condition.onnx": _condition(graph()),
        "inverse.onnx": _inverse(graph(), family, scale),
        "forward.onnx": _forward(graph(), family, scale),
    }
    if family == "bijective":
        graphs["jacobian.onnx"] = _jacobian(graph())
    return graphs


def _shares_shape(config: FlowConfig, contexts: str) -> list:
    return [2 * config.blocks, contexts, config.hidden]


def _condition(graph: GraphWriter) -> bytes:
    config = graph.config
    values = config.inputs[0] if len(config.inputs) == 1 else graph.op("Concat", *config.inputs, axis=1)
    for layer in ("hidden", "output"):
        name = f"body.encoder.{layer}"
        values = graph.linear(values, f"{name}.weight", graph.weight(f"{name}.bias"))
        values = graph.op("Relu", values) if layer == "hidden" else values
    shares = []
    for block in range(config.blocks):
        for part in ("from_second", "from_first"):
            name = f"body.blocks.{block}.{part}.from_condition"
            share = graph.linear(values, f"{name}.weight", graph.weight(f"{name}.bias"))
            shares.append(graph.op("Unsqueeze", share, graph.integers(0)))
    return graph.finish(
        "condition",
        {name: ["pictures", INPUT_SIZES[name]] for name in config.inputs},
        {"shares": (graph.op("Concat", *shares, axis=0), _shares_shape(config, "pictures"))},
    )


def _inverse(graph: GraphWriter, family: Family, scale: np.ndarray | None) -> bytes:
    if family == "bijective":
        size = POSE_SIZE
        pose, log_det = OnnxBody(graph, size).inverse("latent")
    else:
        size = CENTRED_SIZE
        assert scale is not None
        state, log_det = OnnxBody(graph, size).inverse("latent")
        pose_from_state = (centred_basis() * scale).T.astype(np.float32)
        pose = graph.op("MatMul", state, graph.constant("pose_from_state", pose_from_state))
        log_det = graph.op("Add", log_det, graph.constant("log_scale", np.float32(np.log(scale).sum())))
    return graph.finish(
        "inverse",
        {"latent": ["rows", size], "shares": _shares_shape(graph.config, "contexts")},
        {"pose": (pose, ["rows", POSE_SIZE]), "log_det": (log_det, ["rows"])},
    )


def _forward(graph: GraphWriter, family: Family, scale: np.ndarray | None) -> bytes:
    if family == "bijective":
        size = POSE_SIZE
        latent, log_det = OnnxBody(graph, size).forward("pose")
    else:
        size = CENTRED_SIZE
        assert scale is not None
        state_from_pose = (centred_basis() / scale).astype(np.float32)
        state = graph.op("MatMul", "pose", graph.constant("state_from_pose", state_from_pose))
        latent, log_det = OnnxBody(graph, size).forward(state)
        log_det = graph.op("Sub", log_det, graph.constant("log_scale", np.float32(np.log(scale).sum())))
    return graph.finish(
        "forward",
        {"pose": ["rows", POSE_SIZE], "shares": _shares_shape(graph.config, "contexts")},
        {"latent": (latent, ["rows", size]), "log_det": (log_det, ["rows"])},
    )


def _jacobian(graph: GraphWriter) -> bytes:
    directions = graph.constant("directions", np.eye(MANIFOLD_LATENT_SIZE, POSE_SIZE, dtype=np.float32))
    rows = graph.op("Shape", "latent", start=0, end=1)
    repeats = graph.op("Concat", rows, graph.integers(1), axis=0)
    pose, tangents = OnnxBody(graph, POSE_SIZE).inverse_with_tangents(
        "latent", graph.op("Tile", directions, repeats)
    )
    shape = graph.integers(-1, MANIFOLD_LATENT_SIZE, POSE_SIZE)
    return graph.finish(
        "jacobian",
        {"latent": ["rows", POSE_SIZE], "shares": _shares_shape(graph.config, "contexts")},
        {
            "pose": (pose, ["rows", POSE_SIZE]),
            "jacobian": (graph.op("Reshape", tangents, shape), ["rows", MANIFOLD_LATENT_SIZE, POSE_SIZE]),
        },
    )
