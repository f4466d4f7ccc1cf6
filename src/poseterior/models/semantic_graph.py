"""Semantic graph convolutions and non-local blocks over a skeleton's joints (torch).

Reference: Zhao, Peng, Tian, Kapadia, Metaxas, "Semantic Graph Convolutional Networks for 3D Human Pose
Regression", CVPR 2019 (arXiv 1904.03345), sections 3 and 4: semantic graph convolution (equation 2), non-local
block (equation 4, after Wang et al., "Non-local Neural Networks", CVPR 2018), and the network of figure 3:
one convolution in, four blocks of two convolutions of 128 channels with a residual, a non-local block after
each, one convolution out; batch norm and ReLU after every convolution but the last.

Read into it, where the paper leaves room: the learned edge weights M are shared by all channels; a joint itself
and its neighbours have a transformation each; a non-local block follows the first convolution too. These
readings give the 0.43 million parameters that the paper states. Joints are not pooled inside the non-local
block. Its last batch norm starts at one and not at zero, so that gradients reach all of it from the first step.
Biases that a batch norm would take away again are left out.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

Edges = tuple[tuple[int, int], ...]


class SemanticGraphConvolution(nn.Module):
    """X' = (R * I) X W_self + (R * (1 - I)) X W_neighbour + b, with R = softmax over each joint's edges of M.

    M holds one learned number per directed edge and per joint itself; all other entries of R are zero.
    """

    rows: Tensor
    columns: Tensor
    loops: Tensor

    def __init__(self, edges: Edges, nodes: int, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__()
        self.nodes = nodes
        own = [(node, node) for node in range(nodes)]
        pairs = [*own, *edges, *((second, first) for first, second in edges)]
        self.register_buffer("rows", torch.tensor([row for row, _ in pairs]), persistent=False)
        self.register_buffer("columns", torch.tensor([column for _, column in pairs]), persistent=False)
        self.register_buffer("loops", torch.eye(nodes), persistent=False)
        self.edge_weights = nn.Parameter(torch.ones(len(pairs)))
        self.self_weights = nn.Parameter(nn.init.xavier_uniform_(torch.empty(inputs, outputs)))
        self.neighbour_weights = nn.Parameter(nn.init.xavier_uniform_(torch.empty(inputs, outputs)))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def adjacency(self) -> Float[Tensor, "nodes nodes"]:
        """R: rows add up to one, zero where there is no edge."""
        absent = self.edge_weights.new_full((self.nodes, self.nodes), -torch.inf)
        return absent.index_put((self.rows, self.columns), self.edge_weights).softmax(dim=-1)

    def forward(
        self, features: Float[Tensor, "pictures nodes inputs"]
    ) -> Float[Tensor, "pictures nodes outputs"]:
        """New features of every joint from its own and its neighbours'."""
        adjacency = self.adjacency()
        own = (adjacency * self.loops) @ (features @ self.self_weights)
        neighbours = (adjacency * (1 - self.loops)) @ (features @ self.neighbour_weights)
        return own + neighbours if self.bias is None else own + neighbours + self.bias


class JointBatchNorm(nn.Module):
    """Batch norm of each channel over pictures and joints."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def forward(
        self, features: Float[Tensor, "pictures nodes channels"]
    ) -> Float[Tensor, "pictures nodes channels"]:
        """Normalised features."""
        return self.norm(features.transpose(1, 2)).transpose(1, 2)


class GraphLayer(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, edges: Edges, nodes: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = SemanticGraphConvolution(edges, nodes, inputs, outputs, bias=False)
        self.norm = JointBatchNorm(outputs)

    def forward(
        self, features: Float[Tensor, "pictures nodes inputs"]
    ) -> Float[Tensor, "pictures nodes outputs"]:
        """New features of every joint."""
        return self.norm(self.convolution(features)).relu()


class NonLocalBlock(nn.Module):
    """x_i + norm(W (1/N) sum_j f(x_i, x_j) g(x_j)), f = ReLU(w . [theta(x_i), phi(x_j)]), half the channels inside.

    f is not normalised: the update grows with the square of the features. A trained stack of these blocks can
    answer a 2D pose that lies far outside of what it was trained on with joints metres off.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inside = max(channels // 2, 1)
        self.theta = nn.Linear(channels, inside)
        self.phi = nn.Linear(channels, inside)
        self.g = nn.Linear(channels, inside)
        self.theta_score = nn.Linear(inside, 1, bias=False)
        self.phi_score = nn.Linear(inside, 1, bias=False)
        self.output = nn.Linear(inside, channels, bias=False)
        self.norm = JointBatchNorm(channels)

    def forward(
        self, features: Float[Tensor, "pictures nodes channels"]
    ) -> Float[Tensor, "pictures nodes channels"]:
        """Features with what every joint takes from all others added."""
        # w . [theta, phi] is a sum of two dot products, so that no pair of joints is ever concatenated
        rows = self.theta_score(self.theta(features))
        columns = self.phi_score(self.phi(features)).transpose(1, 2)
        affinity = (rows + columns).relu() / features.shape[1]
        return features + self.norm(self.output(affinity @ self.g(features)))


class ResidualGraphBlock(nn.Module):
    """Two layers with a residual, then a non-local block."""

    def __init__(self, edges: Edges, nodes: int, channels: int) -> None:
        super().__init__()
        self.first = GraphLayer(edges, nodes, channels, channels)
        self.second = GraphLayer(edges, nodes, channels, channels)
        self.non_local = NonLocalBlock(channels)

    def forward(
        self, features: Float[Tensor, "pictures nodes channels"]
    ) -> Float[Tensor, "pictures nodes channels"]:
        """New features of every joint."""
        return self.non_local(features + self.second(self.first(features)))


class SemanticGraphNetwork(nn.Module):
    """The whole SemGCN: numbers per joint in, numbers per joint out."""

    def __init__(
        self, edges: Edges, nodes: int, inputs: int, outputs: int, channels: int, blocks: int
    ) -> None:
        super().__init__()
        self.input = GraphLayer(edges, nodes, inputs, channels)
        self.non_local = NonLocalBlock(channels)
        self.blocks = nn.ModuleList(ResidualGraphBlock(edges, nodes, channels) for _ in range(blocks))
        self.output = SemanticGraphConvolution(edges, nodes, channels, outputs)

    def forward(
        self, features: Float[Tensor, "pictures nodes inputs"]
    ) -> Float[Tensor, "pictures nodes outputs"]:
        """One row per joint."""
        state = self.non_local(self.input(features))
        for block in self.blocks:
            state = block(state)
        return self.output(state)
