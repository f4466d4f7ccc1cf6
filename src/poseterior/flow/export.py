"""From torch modules to a bundle on disk and back (torch, onnx)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from poseterior.errors import ModelError
from poseterior.flow.bundle import open_bundle, write_bundle
from poseterior.flow.graphs import flow_graphs
from poseterior.flow.model_card import WEIGHTS_FILE, ModelCard
from poseterior.flow.tensor_file import read_spans, read_tensors, tensor_file_bytes
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.models.wehrbein import WehrbeinFlow

Flow = PosteriorFlow | WehrbeinFlow


def export_flow(flow: Flow, folder: Path, card: ModelCard) -> ModelCard:
    """Writes the flow as a bundle: weights in fp32, graphs, card; returns the card with the files' SHA-256.

    Raises:
        ValueError: card and flow name different families or configs, or a weight is not finite.
        OutputError: the folder cannot be written.
    """
    if (card.family, card.config) != (flow.family, flow.config):
        raise ValueError(
            f"the card describes {card.family} {card.config}, the flow is {flow.family} {flow.config}"
        )
    tensors = {
        name: tensor.detach().cpu().to(torch.float32).numpy() for name, tensor in flow.state_dict().items()
    }
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ValueError(f"weight {name} holds NaN or infinite values")
    weights = tensor_file_bytes(tensors)
    scale = tensors["scale"].astype(np.float64) if isinstance(flow, PosteriorFlow) else None
    spans = read_spans(weights, WEIGHTS_FILE)
    graphs = flow_graphs(card.family, card.config, spans, WEIGHTS_FILE, scale)
    return write_bundle(folder, card, {WEIGHTS_FILE: weights, **graphs})


def load_flow(folder: Path) -> Flow:
    """The bundle in `folder` as a torch module in eval mode, fp32, on the CPU.

    Raises:
        ModelError: the bundle is missing or damaged, or its weights do not fit its config.
    """
    card = open_bundle(folder)
    flow = PosteriorFlow(card.config) if card.family == "posterior" else WehrbeinFlow(card.config)
    tensors = read_tensors(folder / WEIGHTS_FILE)
    try:
        flow.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
    except RuntimeError:
        raise ModelError(
            f"{folder / WEIGHTS_FILE} does not hold the weights that the model card describes"
        ) from None
    return flow.eval()
