"""f^-1 and its gradient in the flow's weights, written out: far less memory traffic than autograd's (torch).

Autograd keeps the hidden layer of every sub-network for every hypothesis and reads it back from main memory.
Here rows are worked on in pieces that stay in the cache: of each sub-network only its input, its output and
the state that it changed are kept, and the hidden layer is computed once more on the way back.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from poseterior.flow.clamp import soft_clamp, soft_clamp_slope
from poseterior.flow.coupling import CouplingBlock, Shares
from poseterior.flow.permutation import FixedPermutation
from poseterior.flow.subnet import CouplingSubnet
from poseterior.models.wehrbein import WehrbeinFlow
from poseterior.train.objective.products import linear

Rows = Float[Tensor, "pictures rows 48"]
Pictures = Int64[Tensor, " pictures"]


class Step(NamedTuple):
    """What back-propagation through one sub-network needs, for every row of every picture."""

    passive: Float[Tensor, "pictures rows in"]
    """The half of the state that it reads."""
    raw: Float[Tensor, "pictures rows out"]
    """The log-scale that it gave, before the clamp."""
    undone: Float[Tensor, "pictures rows out"]
    """The other half, after it was changed."""


Trace = list[Step]
"""The steps of an inverse pass, first to last."""


def rows_of_trace(trace: Trace, rows: Int64[Tensor, "pictures rows"]) -> Trace:
    """The same pass, had it been made with these rows only."""
    return [Step(*(gathered(values, rows) for values in step)) for step in trace]


def joined_traces(traces: list[Trace]) -> Trace:
    """One pass out of several over different pictures, with as many rows each."""
    return [
        Step(*(torch.cat(values) for values in zip(*steps, strict=True)))
        for steps in zip(*traces, strict=True)
    ]


def gathered(
    values: Float[Tensor, "pictures hypotheses size"], rows: Int64[Tensor, "pictures rows"]
) -> Float[Tensor, "pictures rows size"]:
    """The given rows of each picture."""
    return values.gather(1, rows[..., None].expand(-1, -1, values.shape[-1]))


class _Subnet:
    """A sub-network with its part of the condition, and its gradient so far."""

    def __init__(self, net: CouplingSubnet, share: Float[Tensor, "pictures 1 hidden"]) -> None:
        self.net = net
        self.share_with_graph = share
        self.share = share.detach()[:, 0]
        self.share_sum = torch.zeros_like(self.share)
        # transposed, so that one product gives it together with the share's
        self.from_state_sum = torch.zeros_like(net.from_state.weight.detach().T)
        self.output_weight_sum = torch.zeros_like(net.output.weight)
        self.output_bias_sum = torch.zeros_like(net.output.bias)

    def absorb(self, other: _Subnet) -> None:
        self.share_sum += other.share_sum
        self.from_state_sum += other.from_state_sum
        self.output_weight_sum += other.output_weight_sum
        self.output_bias_sum += other.output_bias_sum

    def parameter_sums(self) -> list[tuple[Tensor, Tensor]]:
        """(parameter, gradient) of what the state passes through."""
        return [
            (self.net.from_state.weight, self.from_state_sum.T),
            (self.net.output.weight, self.output_weight_sum),
            (self.net.output.bias, self.output_bias_sum),
        ]


class _Piece:
    """Rows of some pictures on their way through the sub-networks, all flat: picture by picture."""

    def __init__(self, like: Float[Tensor, "pictures rows size"], pictures: Pictures) -> None:
        count, self.rows = like.shape[:2]
        self.pictures = pictures
        # beside the state, it brings each row its picture's share in the same product
        self.picture_of_row = torch.eye(count, dtype=like.dtype, device=like.device).repeat_interleave(
            self.rows, dim=0
        )

    def by_picture(self, values: Tensor) -> Tensor:
        return values.unflatten(0, (-1, self.rows))

    def undo(self, subnet: _Subnet, passive: Tensor, active: Tensor, trace: Trace) -> Tensor:
        """The other half, by the scale and translation that `passive` says."""
        hidden = self._hidden_layer(subnet, self._inputs(passive))
        output = linear(hidden, subnet.net.output.weight, subnet.net.output.bias)
        raw, translation = output.chunk(2, dim=1)
        log_scale = soft_clamp(raw, subnet.net.clamp_alpha, subnet.net.clamp_variant)
        undone = (active - translation) * (-log_scale).exp()
        trace.append(Step(*(self.by_picture(values) for values in (passive, raw, undone))))
        return undone

    def back(self, subnet: _Subnet, step: Step, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of `active` and `passive` from that of `undone`; adds those of the weights."""
        passive, raw, undone = (values.flatten(0, 1) for values in step)
        alpha, variant = subnet.net.clamp_alpha, subnet.net.clamp_variant
        of_active = gradient * (-soft_clamp(raw, alpha, variant)).exp()
        of_raw = -(gradient * undone) * soft_clamp_slope(raw, alpha, variant)
        of_output = torch.cat([of_raw, -of_active], dim=1)
        inputs = self._inputs(passive)
        hidden = self._hidden_layer(subnet, inputs)
        subnet.output_weight_sum.add_(linear(of_output.T, hidden.T))
        subnet.output_bias_sum.add_(of_output.sum(dim=0))
        of_hidden = linear(of_output, subnet.net.output.weight.T)
        # the hidden layer is not negative: its sign is the ReLU's slope
        of_hidden.mul_(hidden.sign_())
        of_first_layer, size = linear(inputs.T, of_hidden.T), passive.shape[1]
        subnet.from_state_sum.add_(of_first_layer[:size])
        subnet.share_sum.index_add_(0, self.pictures, of_first_layer[size:])
        return of_active, linear(of_hidden, subnet.net.from_state.weight.T)

    def _inputs(self, passive: Tensor) -> Tensor:
        return torch.cat([passive, self.picture_of_row], dim=1)

    def _hidden_layer(self, subnet: _Subnet, inputs: Tensor) -> Tensor:
        weight = torch.cat([subnet.net.from_state.weight, subnet.share[self.pictures].T], dim=1)
        return linear(inputs, weight, relu=True)


class InversePass:
    """f^-1 of a batch in pieces, and the gradient in the weights of sums of its values.

    Exact up to rounding, whatever the pieces; no graph is kept of them. `shares` is the condition's part of the
    flow's layers (`flow.body.shares`), one row per picture of the batch, with its graph.
    """

    def __init__(self, flow: WehrbeinFlow, shares: list[Shares]) -> None:
        self.parameters = [parameter for parameter in flow.parameters() if parameter.requires_grad]
        permutations = [step for step in flow.body.permutations if isinstance(step, FixedPermutation)]
        blocks = flow.body.coupling_blocks()
        self._steps: list[tuple[CouplingBlock, _Subnet, _Subnet, FixedPermutation]] = [
            (
                block,
                _Subnet(block.from_second, share.from_second),
                _Subnet(block.from_first, share.from_first),
                permutation,
            )
            for block, share, permutation in zip(blocks, shares, permutations, strict=True)
        ]

    @torch.no_grad()
    def inverse(self, vectors: Rows, pictures: Pictures) -> tuple[Rows, Trace]:
        """x (metres) from [z, y] of the given pictures of the batch, and what `add_gradient` wants of it."""
        piece = _Piece(vectors, pictures)
        state = vectors.flatten(0, 1)
        trace: Trace = []
        for block, from_second, from_first, permutation in reversed(self._steps):
            state = permutation.inverse(state)
            first, second = state[:, : block.first_size], state[:, block.first_size :]
            second = piece.undo(from_first, first, second, trace)
            first = piece.undo(from_second, second, first, trace)
            state = torch.cat([first, second], dim=1)
        return piece.by_picture(state), trace

    @torch.no_grad()
    def add_gradient(self, trace: Trace, gradient: Rows, pictures: Pictures) -> None:
        """Adds the gradient of the sum of `gradient` * x over the rows of `trace`."""
        piece = _Piece(gradient, pictures)
        flat, later = gradient.flatten(0, 1), list(trace)
        for block, from_second, from_first, permutation in self._steps:
            of_first, of_second = flat[:, : block.first_size], flat[:, block.first_size :]
            of_first, more = piece.back(from_second, later.pop(), of_first)
            of_second, more = piece.back(from_first, later.pop(), of_second + more)
            flat = permutation(torch.cat([of_first + more, of_second], dim=1))

    def absorb(self, other: InversePass) -> None:
        """Adds the gradient that another pass over the same batch has summed."""
        for own, others in zip(self._subnets(), other._subnets(), strict=True):
            own.absorb(others)

    def parameter_gradients(self) -> list[Tensor]:
        """The sum so far, one tensor for each of `parameters`; to be called once."""
        subnets = self._subnets()
        sums = {parameter: total for subnet in subnets for parameter, total in subnet.parameter_sums()}
        behind_shares = [parameter for parameter in self.parameters if parameter not in sums]
        if behind_shares:
            gradients = torch.autograd.grad(
                [subnet.share_with_graph for subnet in subnets],
                behind_shares,
                [subnet.share_sum[:, None] for subnet in subnets],
            )
            sums.update(zip(behind_shares, gradients, strict=True))
        return [sums[parameter] for parameter in self.parameters]

    def _subnets(self) -> list[_Subnet]:
        return [subnet for step in self._steps for subnet in (step[1], step[2])]
