"""The weights that did best on validation, kept beside the checkpoint (torch)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from torch import nn

from poseterior.errors import ModelError
from poseterior.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

_GROUP = "flow"


class BestWeights:
    """A file with the weights of the step at which a metric was lowest.

    A run that was killed after its last checkpoint does some steps again, to the same weights: the file may then
    already be of a later step, and stays, with what was measured there.
    """

    def __init__(self, path: Path, metric: str, resumed_step: int) -> None:
        """Goes on with the file at `path`, unless the run begins.

        Raises:
            ModelError: the file is damaged or was kept by another metric.
        """
        self._path, self._metric = path, metric
        self._value = float("inf")
        if resumed_step > 0 and path.is_file():
            self._value = _values(load_checkpoint(path), metric, path)[metric]

    def offer(self, flow: nn.Module, step: int, values: dict[str, float]) -> None:
        """Keeps the weights if they are better than all before; raises OutputError where the disk refuses."""
        value = values[self._metric]
        if value < self._value:
            facts = {"metric": self._metric, "values": values}
            save_checkpoint(self._path, Checkpoint(step, {_GROUP: flow.state_dict()}, facts))
            self._value = value


class Best(NamedTuple):
    """What is known of the kept weights."""

    step: int
    values: dict[str, float]
    """All that was measured there, `metric` among it."""


def load_best(path: Path, flow: nn.Module, metric: str) -> Best:
    """Puts the kept weights into `flow`.

    Raises:
        ModelError: there are none, or they are of another flow or metric.
    """
    best = load_checkpoint(path)
    values = _values(best, metric, path)
    try:
        flow.load_state_dict(best.tensors[_GROUP])
    except (KeyError, RuntimeError):
        raise ModelError(f"{path} does not hold the weights of this run") from None
    return Best(best.step, values)


def _values(best: Checkpoint, metric: str, path: Path) -> dict[str, float]:
    if best.facts.get("metric") != metric:
        raise ModelError(
            f"{path} was kept by {best.facts.get('metric')}; expected {metric}, as validation.choose says"
        )
    # runs that began with an earlier version kept the metric alone
    return best.facts.get("values") or {metric: float(best.facts["value"])}
