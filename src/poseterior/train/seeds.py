"""Random numbers that depend on nothing but the seed and where they are used, so that a run can stop anywhere.

Every step seeds its own generators; what a resumed run draws needs no stored state but the step.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import torch


class Stream(IntEnum):
    """What a stream of random numbers is for; streams of different uses never meet."""

    ORDER = 0
    CRITIC_ORDER = 1
    AUGMENTATION = 2
    OBJECTIVE = 3
    CRITIC = 4
    VALIDATION = 5
    GLOBAL = 6


def stream_seed(seed: int, stream: Stream, *numbers: int) -> int:
    """A 63-bit seed for `stream` at `numbers` (step, rank, epoch, ...; each at least 0)."""
    words = np.random.SeedSequence([seed, int(stream), *numbers]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))


def stream_generator(device: torch.device | str, seed: int, stream: Stream, *numbers: int) -> torch.Generator:
    """A generator on `device`, seeded with `stream_seed`."""
    return torch.Generator(device).manual_seed(stream_seed(seed, stream, *numbers))
