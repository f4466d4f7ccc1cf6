"""f^-1 and its gradient in the flow's weights, written out: far less memory traffic than autograd's (torch).

Autograd keeps the hidden layer of every sub-network for every hypothesis and reads it back from main memory.
Here rows are worked on in chunks that stay in the cache: of each sub-network only its input, its output and
the state that it changed are kept, and the hidden layer is computed once more on the way back.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from poseterior.flow.clamp import soft_clamp, soft_clamp_slope
from poseterior.flow.coupling import CouplingBlock
from poseterior.flow.permutation import FixedPermutation
from poseterior.flow.subnet import CouplingSubnet
from poseterior.models.wehrbein import WehrbeinFlow

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
    return [Step(*(_gathered(values, rows) for values in step)) for step in trace]


def joined_traces(traces: list[Trace]) -> Trace:
    """One pass out of several over different pictures, with as many rows each."""
    return [
        Step(*(torch.cat(values) for values in zip(*steps, strict=True)))
        for steps in zip(*traces, strict=True)
    ]


def _gathered(values: Tensor, rows: Tensor) -> Tensor:
    return values.gather(1, rows[..., None].expand(-1, -1, values.shape[-1]))


class _Sums:
    """The gradient of one sub-network so far."""

    def __init__(self, subnet: CouplingSubnet, pictures: int) -> None:
        self.from_state = torch.zeros_like(subnet.from_state.weight.T)
        self.share = subnet.from_condition.weight.new_zeros(pictures, subnet.from_condition.out_features)
        self.output_weight = torch.zeros_like(subnet.output.weight)
        self.output_bias = torch.zeros_like(subnet.output.bias)


class InversePass:
    """f^-1 of one batch in pieces, and the sum over pieces of the gradient of <gradient_of_rows, f^-1>.

    Exact up to rounding, whatever the pieces. Everything but `parameter_gradients` is free of graphs.
    """

    def __init__(self, flow: WehrbeinFlow, condition: Float[Tensor, "pictures 78"]) -> None:
        self._parameters = [parameter for parameter in flow.parameters() if parameter.requires_grad]
        permutations = [step for step in flow.body.permutations if isinstance(step, FixedPermutation)]
        self._blocks = list(zip(flow.body.coupling_blocks(), permutations, strict=True))
        with torch.enable_grad():
            shares = flow.body.shares(condition)
        subnets: list[tuple[CouplingSubnet, Tensor]] = []
        for (block, _), share in zip(self._blocks, shares, strict=True):
            subnets += [(block.from_second, share.from_second), (block.from_first, share.from_first)]
        self._shares = {subnet: share for subnet, share in subnets}
        self._sums = {subnet: _Sums(subnet, len(condition)) for subnet, _ in subnets}
        self._buffers = [condition.new_empty(0), condition.new_empty(0)]

    @torch.no_grad()
    def inverse(self, vectors: Rows, pictures: Pictures) -> tuple[Rows, Trace]:
        """x from [z, y] of the given pictures of the batch, metres, and what `add` wants to know of it."""
        state, trace = vectors.flatten(0, 1), []
        with _Chunk(self, vectors.shape[1], pictures) as chunk:
            for block, permutation in reversed(self._blocks):
                first, second = _halves(block, permutation.inverse(state))
                second = chunk.undo(block.from_first, first, second, trace)
                first = chunk.undo(block.from_second, second, first, trace)
                state = torch.cat([first, second], dim=1)
        return state.view_as(vectors), trace
