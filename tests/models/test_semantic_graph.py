import math

import torch
from torch import Tensor
from torch.func import functional_call

from poseterior.models.semantic_graph import (
    NonLocalBlock,
    SemanticGraphConvolution,
    SemanticGraphNetwork,
)
from poseterior.skeleton import MPII_16, MPII_BONES, bone_indices

# 0 - 1 - 2, 1 - 3
EDGES = ((0, 1), (1, 2), (1, 3))


def randomised(module: torch.nn.Module, seed: int) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))
    return module


def literal_convolution(layer: SemanticGraphConvolution, features: Tensor) -> Tensor:
    """Zhao et al., equation 2, joint by joint, neighbour by neighbour."""
    learned = {
        (int(row), int(column)): float(weight)
        for row, column, weight in zip(layer.rows, layer.columns, layer.edge_weights.detach(), strict=True)
    }
    result = torch.zeros(*features.shape[:2], layer.self_weights.shape[1], dtype=features.dtype)
    for picture in range(len(features)):
        for node in range(layer.nodes):
            neighbours = [column for row, column in learned if row == node]
            total = sum(math.exp(learned[node, other]) for other in neighbours)
            for other in neighbours:
                weights = layer.self_weights if other == node else layer.neighbour_weights
                share = math.exp(learned[node, other]) / total
                result[picture, node] += share * (features[picture, other] @ weights)
            if layer.bias is not None:
                result[picture, node] += layer.bias
    return result.detach()


def test_convolution_is_the_papers_sum_over_neighbours() -> None:
    layer = randomised(SemanticGraphConvolution(EDGES, nodes=4, inputs=3, outputs=5).double(), seed=0)
    assert isinstance(layer, SemanticGraphConvolution)
    features = torch.randn(2, 4, 3, dtype=torch.float64)
    torch.testing.assert_close(
        layer(features).detach(), literal_convolution(layer, features), rtol=1e-12, atol=1e-12
    )


def test_adjacency_has_edges_loops_and_nothing_else() -> None:
    layer = SemanticGraphConvolution(EDGES, nodes=4, inputs=1, outputs=1)
    expected = [[1 / 2, 1 / 2, 0, 0], [1 / 4] * 4, [0, 1 / 2, 1 / 2, 0], [0, 1 / 2, 0, 1 / 2]]
    torch.testing.assert_close(layer.adjacency().detach(), torch.tensor(expected))


def test_non_local_block_is_the_papers_double_sum() -> None:
    block = randomised(NonLocalBlock(4).double(), seed=1)
    assert isinstance(block, NonLocalBlock)
    block.eval()
    features = torch.randn(2, 3, 4, dtype=torch.float64)
    expected = features.clone()
    with torch.no_grad():
        w = torch.cat([block.theta_score.weight[0], block.phi_score.weight[0]])
        for picture in range(2):
            for i in range(3):
                taken = torch.zeros(2, dtype=torch.float64)
                for j in range(3):
                    pair = torch.cat([block.theta(features[picture, i]), block.phi(features[picture, j])])
                    taken += torch.relu(w @ pair) * block.g(features[picture, j]) / 3
                norm = block.norm.norm
                value = block.output.weight @ taken / math.sqrt(1 + norm.eps)
                expected[picture, i] += value * norm.weight + norm.bias
        torch.testing.assert_close(block(features), expected, rtol=1e-12, atol=1e-12)
        assert (expected - features).abs().max() > 0.1


def test_non_local_update_grows_with_the_square_of_the_features() -> None:
    torch.manual_seed(0)
    block = NonLocalBlock(8).double().eval()
    for layer in (block.theta, block.phi, block.g):
        torch.nn.init.zeros_(layer.bias)
    features = torch.randn(3, 5, 8, dtype=torch.float64)
    once, twice = (block(scale * features) - scale * features for scale in (1, 2))
    assert once.abs().max() > 1e-3
    torch.testing.assert_close(twice, 4 * once, rtol=1e-5, atol=1e-9)


def test_one_block_reaches_four_edges_and_the_non_local_block_every_joint() -> None:
    chain = tuple((node, node + 1) for node in range(7))
    network = SemanticGraphNetwork(chain, nodes=8, inputs=1, outputs=1, channels=6, blocks=1).double()
    randomised(network, seed=2).eval()
    with torch.no_grad():
        # a joint whose affinities are all behind the ReLU would take nothing
        network.non_local.theta_score.weight.fill_(1.0)
        network.non_local.theta.bias.fill_(20.0)
    features = torch.randn(1, 8, 1, dtype=torch.float64)

    def influence_on_first_joint() -> Tensor:
        return torch.autograd.functional.jacobian(network, features)[0, 0, 0, 0, :, 0].abs()

    assert (influence_on_first_joint() > 1e-9).all()
    with torch.no_grad():
        for block in (network.non_local, network.blocks[0].non_local):
            block.output.weight.zero_()
    influence = influence_on_first_joint()
    assert (influence[:5] > 1e-9).all()
    assert (influence[5:] == 0).all()


def test_sem_gcn_has_the_papers_number_of_parameters() -> None:
    network = SemanticGraphNetwork(
        bone_indices(MPII_BONES, MPII_16), nodes=16, inputs=2, outputs=3, channels=128, blocks=4
    )
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6, 2) == 0.43


def test_gradients_are_right_by_finite_differences() -> None:
    network = SemanticGraphNetwork(EDGES, nodes=4, inputs=2, outputs=2, channels=3, blocks=1).double()
    randomised(network, seed=3)
    names, values = zip(*network.named_parameters(), strict=True)
    features = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)

    def output(features: Tensor, *parameters: Tensor) -> Tensor:
        return functional_call(network, dict(zip(names, parameters, strict=True)), (features,))

    assert torch.autograd.gradcheck(output, (features, *values))
    gradients = torch.autograd.grad(output(features, *values).square().sum(), values)
    assert all(gradient.abs().max() > 1e-8 for gradient in gradients)
