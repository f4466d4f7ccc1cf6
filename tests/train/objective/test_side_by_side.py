import threading

import pytest
import torch

from poseterior.train.objective.side_by_side import _workers, side_by_side


@pytest.fixture(autouse=True)
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("begun", [False, True], ids=["new threads", "threads that had nothing to do yet"])
def test_results_come_in_order_from_threads_of_their_own(begun) -> None:
    barrier = threading.Barrier(3, timeout=20)

    def task(number):
        barrier.wait()
        return number, threading.get_ident(), torch.get_num_threads()

    _workers.cache_clear()
    if begun:
        side_by_side([barrier.wait] * 3)
    found = side_by_side([lambda n=n: task(n) for n in range(3)])
    assert [number for number, _, _ in found] == [0, 1, 2]
    assert len({thread for _, thread, _ in found}) == 3
    assert [threads for _, _, threads in found] == [1, 1, 1]


def test_the_callers_threads_stay_as_they_were() -> None:
    side_by_side([lambda: None, lambda: None])
    assert torch.get_num_threads() == 3
    seen = []
    later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert seen == [3]


def test_a_single_task_runs_here() -> None:
    assert side_by_side([threading.get_ident]) == [threading.get_ident()]


def test_errors_come_through() -> None:
    def fail():
        raise ValueError("as it was raised")

    with pytest.raises(ValueError, match="as it was raised"):
        side_by_side([lambda: None, fail])
