import numpy as np
import pytest
import torch
from _toy_pairs import toy_batch

from poseterior.train.batch import Batch
from poseterior.train.seeds import Stream
from poseterior.train.source import ArraySource

PAIRS = toy_batch(10, 0)


def _rows_of(batch: Batch) -> list[int]:
    return [int((PAIRS.x == row).all(dim=1).nonzero()) for row in batch.x]


def test_an_epoch_is_every_pair_once_in_an_order_of_its_own():
    source = ArraySource(PAIRS, 4, seed=0)
    rows = np.concatenate([source.rows(step) for step in range(5)])
    assert sorted(rows[:10]) == sorted(rows[10:]) == list(range(10))
    assert list(rows[:10]) != list(rows[10:])
    assert _rows_of(source.batch(2)) == list(source.rows(2))


def test_a_batch_depends_on_seed_and_step_alone():
    noisy = lambda batch, generator: batch._replace(  # noqa: E731
        x=batch.x + torch.randn(batch.x.shape, generator=generator)
    )
    one, other = ArraySource(PAIRS, 4, 3, noisy), ArraySource(PAIRS, 4, 3, noisy)
    for step in range(7):
        one.batch(step)
    for step in (6, 0, 3):
        assert torch.equal(one.batch(step).x, other.batch(step).x)
    assert not torch.equal(one.batch(3).x, ArraySource(PAIRS, 4, 4, noisy).batch(3).x)
    assert list(ArraySource(PAIRS, 4, 3, order=Stream.CRITIC_ORDER).rows(0)) != list(one.rows(0))


def test_the_shares_of_the_processes_make_up_the_joint_batch():
    coins = lambda batch, generator: batch._replace(  # noqa: E731
        x=batch.x * torch.rand(len(batch.x), 1, generator=generator)
    )
    source = ArraySource(PAIRS, 6, 0, coins)
    joint = source.batch(1)
    shares = [source.batch(1, rank, 3) for rank in range(3)]
    for name in Batch._fields:
        assert torch.equal(torch.cat([getattr(share, name) for share in shares]), getattr(joint, name))


def test_a_batch_may_be_larger_than_the_set():
    assert sorted(ArraySource(PAIRS, 25, 0).rows(0)) == sorted(
        [*range(10), *range(10), *ArraySource(PAIRS, 25, 0).rows(0)[20:]]
    )


def test_what_cannot_be_shared_or_drawn_is_refused():
    with pytest.raises(ValueError, match="evenly by 4"):
        ArraySource(PAIRS, 6, 0).batch(0, 0, 4)
    with pytest.raises(ValueError, match="batch size"):
        ArraySource(PAIRS, 0, 0)
