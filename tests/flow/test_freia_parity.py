"""The same network built with FrEIA 0.2, on random weights, as an independent oracle."""

import numpy as np
import pytest
import torch
from FrEIA.framework import ConditionNode, GraphINN, InputNode, Node, OutputNode
from FrEIA.modules import GLOWCouplingBlock, PermuteRandom
from torch import Tensor, nn

from poseterior.flow.config import ClampVariant, FlowConfig
from poseterior.flow.flow import ConditionalFlow

CLAMPS = {"official": 0.636, "paper": 2 / torch.pi}


def freia_net(size: int, config: FlowConfig) -> GraphINN:
    def subnet(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(inputs, config.hidden), nn.ReLU(), nn.Linear(config.hidden, outputs))

    # FrEIA 0.2 leaves out the division by alpha that eq. 2 and the release used by the authors have
    factor, alpha = CLAMPS[config.clamp], config.clamp_alpha
    coupling = {
        "subnet_constructor": subnet,
        "clamp": alpha,
        "clamp_activation": lambda u: factor * torch.atan(u / alpha),
    }
    condition = ConditionNode(config.encoder_size)
    nodes = [InputNode(size)]
    for block in range(config.blocks):
        nodes.append(Node(nodes[-1], GLOWCouplingBlock, coupling, conditions=condition))
        nodes.append(Node(nodes[-1], PermuteRandom, {"seed": block}))
    return GraphINN([*nodes, OutputNode(nodes[-1]), condition], verbose=False)


def copy_weights(flow: ConditionalFlow, net: GraphINN) -> None:
    blocks = [module for module in net.module_list if isinstance(module, GLOWCouplingBlock)]
    for ours, theirs in zip(flow.coupling_blocks(), blocks, strict=True):
        for subnet, name in ((ours.from_first, "subnet1"), (ours.from_second, "subnet2")):
            first, _, last = getattr(theirs, name)
            subnet.load_joined_first_layer(first.weight, first.bias)
            subnet.output.load_state_dict(last.state_dict())


@pytest.mark.parametrize("size", [48, 45])
@pytest.mark.parametrize("clamp", ["paper", "official"])
def test_both_directions_and_log_det_agree(size: int, clamp: ClampVariant) -> None:
    torch.manual_seed(0)
    config = FlowConfig(hidden=64, clamp=clamp)
    flow, net = ConditionalFlow(size, config).double(), freia_net(size, config).double()
    for parameter in net.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.2)
    copy_weights(flow, net)
    state = torch.randn(2, 3, size, dtype=torch.float64)
    condition = torch.randn(2, 78, dtype=torch.float64)

    def theirs(values: Tensor, rev: bool) -> tuple[Tensor, Tensor]:
        encoded = flow.encoder(condition).repeat_interleave(3, dim=0)
        out, log_det = net(values.reshape(6, size), c=encoded, rev=rev)
        return out.reshape(2, 3, size), log_det.reshape(2, 3)

    for ours, expected in (
        (flow(state, condition), theirs(state, rev=False)),
        (flow.inverse(state, condition), theirs(state, rev=True)),
    ):
        assert (ours[0] - state).abs().max() > 0.5
        torch.testing.assert_close(ours[0], expected[0], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(ours[1], expected[1], rtol=1e-9, atol=1e-9)


def test_numpys_global_generator_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    ConditionalFlow(48, FlowConfig(hidden=4))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
