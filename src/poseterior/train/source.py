"""Where batches come from: a function of the step alone, the same for any number of processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int64

from poseterior.train.batch import Batch
from poseterior.train.seeds import Stream, stream_generator, stream_seed

Augmentation = Callable[[Batch, torch.Generator], Batch]
"""A changed copy of a batch; whatever is random comes from the generator."""


@runtime_checkable
class BatchSource(Protocol):
    """Gives every step its batch, always the same one: with this, a run can be resumed from its step."""

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> Batch:
        """The share of process `rank` of the batch of `step`; the shares make up the joint batch, in order."""
        ...


class ArraySource:
    """Pairs in memory in a new order each epoch; an epoch ends where the pairs end, also amid a batch."""

    def __init__(
        self,
        arrays: Batch,
        batch_size: int,
        seed: int,
        augment: Augmentation | None = None,
        *,
        order: Stream = Stream.ORDER,
    ) -> None:
        """Takes all pairs, on the device where the batches are wanted.

        Args:
            arrays: all pairs.
            batch_size: pairs in the joint batch of all processes.
            seed: of the order and of what `augment` draws.
            augment: changes each joint batch before it is shared out.
            order: sources over the same pairs with different streams go through them in different orders.
        """
        if len(arrays.x) == 0 or batch_size < 1:
            raise ValueError(
                f"expected pairs and a batch size of 1 or more; got {len(arrays.x)}, {batch_size}"
            )
        self._arrays = arrays
        self._batch_size = batch_size
        self._seed = seed
        self._augment = augment
        self._stream = order
        self._orders: dict[int, Int64[np.ndarray, " pairs"]] = {}

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> Batch:
        """See `BatchSource`; raises ValueError where the batch cannot be shared out evenly."""
        if self._batch_size % world_size:
            raise ValueError(
                f"a batch of {self._batch_size} cannot be shared evenly by {world_size} processes"
            )
        device = self._arrays.x.device
        rows = torch.from_numpy(self.rows(step)).to(device)
        joint = Batch(*(values[rows] for values in self._arrays))
        if self._augment is not None:
            # for the joint batch, so that the number of processes changes nothing
            generator = stream_generator(device, self._seed, Stream.AUGMENTATION, int(self._stream), step)
            joint = self._augment(joint, generator)
        share = self._batch_size // world_size
        return Batch(*(values[rank * share : (rank + 1) * share] for values in joint))

    def rows(self, step: int) -> Int64[np.ndarray, " batch"]:
        """Which pairs are in the joint batch of `step`."""
        places = np.arange(step * self._batch_size, (step + 1) * self._batch_size)
        epochs, within = np.divmod(places, len(self._arrays.x))
        needed = range(int(epochs[0]), int(epochs[-1]) + 1)
        self._orders = {epoch: self._order(epoch) for epoch in needed}
        return np.concatenate([self._orders[epoch][within[epochs == epoch]] for epoch in needed])

    def _order(self, epoch: int) -> Int64[np.ndarray, " pairs"]:
        if epoch in self._orders:
            return self._orders[epoch]
        seed = stream_seed(self._seed, self._stream, epoch)
        return np.random.default_rng(seed).permutation(len(self._arrays.x))
