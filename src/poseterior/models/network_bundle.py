"""A compared network on disk: a folder with card, weights and, optionally, ONNX graphs (torch).

The graphs take their weights from the weights file, so that there is one copy of them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from poseterior.errors import ModelError
from poseterior.flow.bundle_folder import check_files, checksums, write_folder
from poseterior.flow.stored_card import CARD_FILE, WEIGHTS_FILE
from poseterior.flow.tensor_file import read_spans, read_tensors, tensor_file_bytes
from poseterior.models.network_card import NetworkCard, read_network_card
from poseterior.models.network_config import config_as_json, config_from_json
from poseterior.models.network_lifter import NetworkLifter
from poseterior.models.network_methods import build_network, network_method
from poseterior.models.torch_lifter import ModelFacts, TorchLifter


def save_network(
    network: NetworkLifter, folder: Path, card: NetworkCard, *, graphs: bool = False
) -> NetworkCard:
    """Writes the network as a folder; returns the card with the files' SHA-256.

    Args:
        network: its weights are written in fp32; it is left in eval mode.
        folder: an older model there is replaced.
        card: of this method and config.
        graphs: also write single.onnx and draw.onnx (needs onnx).

    Raises:
        ValueError: the card describes another method or config, or a weight is not finite.
        ModelError: the network cannot be written as ONNX.
        OutputError: the folder cannot be written.
    """
    config = config_as_json(network.config)
    if (card.method, card.config) != (network.method, config):
        raise ValueError(
            f"the card describes {card.method} {card.config}, the network is {network.method} {config}"
        )
    tensors = {
        name: tensor.detach().cpu().to(torch.float32).numpy()
        for name, tensor in network.state_dict().items()
        if tensor.is_floating_point()
    }
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ValueError(f"weight {name} holds NaN or infinite values")
    contents = {WEIGHTS_FILE: tensor_file_bytes(tensors)}
    if graphs:
        contents |= _graphs(network, contents[WEIGHTS_FILE])
    card = replace(card, files=checksums(contents))
    write_folder(folder, card.to_json(), contents)
    return card


def load_network(folder: Path) -> tuple[NetworkLifter, NetworkCard]:
    """The network in `folder` in eval mode, fp32, on the CPU, and its card; every file's SHA-256 was checked.

    Raises:
        ModelError: the folder is missing or damaged, of another format, of a method that is not known or needs a
            missing package, or its weights do not fit its config.
    """
    if not folder.is_dir():
        raise ModelError(f"there is no model folder {folder}")
    card = read_network_card(folder)
    check_files(folder, card.files)
    config = config_from_json(
        network_method(card.method).config_class(), card.config, str(folder / CARD_FILE)
    )
    network = build_network(card.method, config)
    _put(network, folder / WEIGHTS_FILE)
    return network.eval(), card


def open_network_lifter(folder: Path, *, device: str = "cpu", **changes: Any) -> TorchLifter:
    """The network in `folder`, ready to lift by torch on `device`.

    `changes` replace fields of its config that the weights do not depend on (such as `draws` of li2019-mdn).

    Raises:
        ModelError: as `load_network`, or a field of `changes` does not exist.
    """
    network, card = load_network(folder)
    if changes:
        where = f"model {card.name}"
        kind = network_method(card.method).config_class()
        changed = build_network(card.method, config_from_json(kind, card.config | changes, where))
        changed.load_state_dict(network.state_dict())
        network = changed
    facts = ModelFacts(card.name, card.weights_sha256, card.detector_profile, card.condition_variant)
    return TorchLifter(network, facts, device)


def _graphs(network: NetworkLifter, weights: bytes) -> dict[str, bytes]:
    from poseterior.models.network_graphs import network_graph

    network.cpu().float().eval()
    spans = read_spans(weights, WEIGHTS_FILE)
    return {
        "single.onnx": network_graph(network, "single", spans, WEIGHTS_FILE),
        "draw.onnx": network_graph(network, "draw", spans, WEIGHTS_FILE),
    }


def _put(network: NetworkLifter, path: Path) -> None:
    """Puts the stored tensors into the network; whole numbers, such as counts of batches, are not stored."""
    stored = {name: torch.from_numpy(tensor) for name, tensor in read_tensors(path).items()}
    state = network.state_dict()
    if stored.keys() != {name for name, tensor in state.items() if tensor.is_floating_point()}:
        raise ModelError(f"{path} does not hold the weights that the model card describes")
    try:
        network.load_state_dict({**state, **stored})
    except RuntimeError:
        raise ModelError(f"{path} does not hold the weights that the model card describes") from None
