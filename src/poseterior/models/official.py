"""The authors' checkpoints (Wehrbein et al., ICCV 2021, released code) to and from `WehrbeinFlow` (torch).

Their file is `{"net": state_dict}` with the names that FrEIA gave at the commit that they pinned (December
2020):

    cond_net.0, cond_net.2              the encoder's two layers
    inn.module_list.{1 + 2 k}.s1.0, .2  block k: reads the first half (and the condition), acts on the second
    inn.module_list.{1 + 2 k}.s2.0, .2  block k: reads the second half, acts on the first, before s1 does

Entry 0 of module_list is the input node, the even ones are permutations without stored values.
"""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from poseterior.errors import ModelError
from poseterior.flow.config import CONDITION_SIZE, POSE_SIZE, FlowConfig
from poseterior.flow.subnet import CouplingSubnet
from poseterior.models.wehrbein import OFFICIAL_CONFIG, WehrbeinFlow

_TEMPORARY = "tmp_var"
_EXPECTED = (
    "expected the authors' checkpoint, {'net': state_dict} with keys like inn.module_list.1.s1.0.weight"
)


def load_official(path: Path) -> WehrbeinFlow:
    """The flow of an authors' checkpoint, in eval mode, fp32, on the CPU; hidden sizes are taken from it.

    Raises:
        ModelError: the file is missing, damaged, needs unpickling of code, or is no such checkpoint.
    """
    state = _read_state(path)
    config = _config_of(state, path)
    flow = WehrbeinFlow(config)
    expected = {name: tensor.shape for name, tensor in official_state_dict(flow).items()}
    if state.keys() != expected.keys():
        odd = sorted(state.keys() ^ expected.keys())
        raise ModelError(f"{path} lacks or has unexpected weights, {odd[0]} for one; {_EXPECTED}")
    for name, shape in expected.items():
        if state[name].shape != shape:
            raise ModelError(f"{path}: {name} is {tuple(state[name].shape)}; expected {tuple(shape)}")
        if not torch.isfinite(state[name]).all():
            raise ModelError(f"{path}: {name} holds NaN or infinite values")
    _copy_into(flow, state)
    return flow.eval()


def official_state_dict(flow: WehrbeinFlow) -> dict[str, Tensor]:
    """The flow's weights under the authors' names, first layers joined as theirs are."""
    encoder = flow.body.encoder
    state = {
        "cond_net.0.weight": encoder.hidden.weight,
        "cond_net.0.bias": encoder.hidden.bias,
        "cond_net.2.weight": encoder.output.weight,
        "cond_net.2.bias": encoder.output.bias,
    }
    for prefix, subnet in _subnets(flow):
        weight, bias = subnet.joined_first_layer()
        state[f"{prefix}.0.weight"], state[f"{prefix}.0.bias"] = weight, bias
        state[f"{prefix}.2.weight"], state[f"{prefix}.2.bias"] = subnet.output.weight, subnet.output.bias
    return {name: tensor.detach().clone() for name, tensor in state.items()}


def _subnets(flow: WehrbeinFlow) -> list[tuple[str, CouplingSubnet]]:
    named = []
    for index, block in enumerate(flow.body.coupling_blocks()):
        prefix = f"inn.module_list.{1 + 2 * index}"
        named += [(f"{prefix}.s1", block.from_first), (f"{prefix}.s2", block.from_second)]
    return named


@torch.no_grad()
def _copy_into(flow: WehrbeinFlow, state: dict[str, Tensor]) -> None:
    encoder = flow.body.encoder
    for layer, name in ((encoder.hidden, "cond_net.0"), (encoder.output, "cond_net.2")):
        layer.weight.copy_(state[f"{name}.weight"])
        layer.bias.copy_(state[f"{name}.bias"])
    for prefix, subnet in _subnets(flow):
        subnet.load_joined_first_layer(state[f"{prefix}.0.weight"], state[f"{prefix}.0.bias"])
        subnet.output.weight.copy_(state[f"{prefix}.2.weight"])
        subnet.output.bias.copy_(state[f"{prefix}.2.bias"])


def _read_state(path: Path) -> dict[str, Tensor]:
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"cannot read the checkpoint {path}: {error.strerror}") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, IndexError):
        raise ModelError(f"{path} is damaged or holds more than tensors; {_EXPECTED}") from None
    net = checkpoint.get("net") if isinstance(checkpoint, dict) else None
    if not isinstance(net, dict) or not all(_is_entry(name, value) for name, value in net.items()):
        raise ModelError(f"{path} has no state dict under 'net'; {_EXPECTED}")
    return {name: value for name, value in net.items() if _TEMPORARY not in name}


def _is_entry(name: Any, value: Any) -> bool:
    return isinstance(name, str) and (isinstance(value, Tensor) or _TEMPORARY in name)


def _config_of(state: dict[str, Tensor], path: Path) -> FlowConfig:
    """Hidden sizes as in the checkpoint, the rest as in the authors' release."""
    try:
        encoder_hidden, inputs = state["cond_net.0.weight"].shape
        encoder_size, _ = state["cond_net.2.weight"].shape
        hidden, joined = state["inn.module_list.1.s1.0.weight"].shape
    except (KeyError, ValueError):
        raise ModelError(f"{path} holds other weights; {_EXPECTED}") from None
    if inputs != CONDITION_SIZE or joined != POSE_SIZE // 2 + encoder_size:
        raise ModelError(
            f"{path} is for another input: it reads {inputs} condition values and {joined} per sub-network; "
            f"expected {CONDITION_SIZE} and {POSE_SIZE // 2 + encoder_size}"
        )
    return replace(OFFICIAL_CONFIG, hidden=hidden, encoder_hidden=encoder_hidden, encoder_size=encoder_size)
