"""A run's whole state as a checkpoint and back (torch)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from poseterior.errors import ModelError
from poseterior.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from poseterior.train.learner import Learner
from poseterior.train.optimiser_state import optimiser_tensors, restore_optimiser

_KIND = "poseterior train"
_OPTIMISER = "optimiser of "


class Facts(NamedTuple):
    """What tells runs apart, and what a run knows of its past."""

    settings: dict[str, Any]
    """ "section.key" -> value, as JSON gives it back."""
    data_sha256: str
    """Of the training pairs."""
    seconds: float
    """Spent in the loop."""


def save_state(
    path: Path,
    step: int,
    learners: dict[str, Learner],
    average: nn.Module | None,
    window: dict[str, Tensor],
    facts: Facts,
) -> None:
    """Writes the state after `step` steps, atomically; raises OutputError where it cannot be written.

    Random numbers need no place in it: they follow from seed and step (`train.seeds`), as do the learning rate
    (`train.schedule`) and the position in the data (`train.source`).
    """
    tensors = {"window": window}
    if average is not None:
        tensors["average"] = average.state_dict()
    for name, learner in learners.items():
        tensors[name] = learner.module.state_dict()
        tensors[_OPTIMISER + name] = optimiser_tensors(learner.optimiser)
    save_checkpoint(path, Checkpoint(step, tensors, {"kind": _KIND, **facts._asdict()}))


class Restored(NamedTuple):
    """What `restore_state` does not put into modules."""

    step: int
    window: dict[str, Tensor]
    seconds: float


def restore_state(
    path: Path, learners: dict[str, Learner], average: nn.Module | None, expected: Facts
) -> Restored:
    """Puts the state in `path` into modules and optimisers.

    Raises:
        ModelError: it is missing or damaged, or of another run than `expected`: the sentence names the setting.
    """
    checkpoint = load_checkpoint(path)
    _check_same_run(path, checkpoint.facts, expected)
    try:
        if average is not None:
            average.load_state_dict(checkpoint.tensors["average"])
        for name, learner in learners.items():
            learner.module.load_state_dict(checkpoint.tensors[name])
            state = checkpoint.tensors.get(_OPTIMISER + name, {})
            restore_optimiser(learner.optimiser, state, stepped=checkpoint.step > 0)
        seconds = float(checkpoint.facts["seconds"])
    except (KeyError, RuntimeError, ValueError, TypeError, IndexError):
        raise ModelError(f"the checkpoint {path} does not hold the weights of this run") from None
    return Restored(checkpoint.step, checkpoint.tensors.get("window", {}), seconds)


def _check_same_run(path: Path, facts: dict[str, Any], expected: Facts) -> None:
    settings = facts.get("settings")
    if facts.get("kind") != _KIND or not isinstance(settings, dict):
        raise ModelError(f"{path} was not written by poseterior train; expected the checkpoint of such a run")
    for key in (*settings, *expected.settings):
        then, now = settings.get(key), expected.settings.get(key)
        if then != now:
            raise ModelError(
                f"the checkpoint {path} was written with {key} = {then}, not {now}; expected the same settings, "
                "or another folder for another run"
            )
    if facts.get("data_sha256") != expected.data_sha256:
        raise ModelError(
            f"the checkpoint {path} was written by a run on other training pairs; expected the same data"
        )
