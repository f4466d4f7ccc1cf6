"""The training loop of the compared networks; stops and resumes anywhere (torch)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from poseterior.errors import InputError, ModelError
from poseterior.export.atomic import writable_folder
from poseterior.models.network_config import config_as_json
from poseterior.models.network_lifter import NetworkLifter
from poseterior.models.network_methods import build_network
from poseterior.train.batch import Batch
from poseterior.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from poseterior.train.data import TrainingData
from poseterior.train.methods.fitters import fitter_for
from poseterior.train.methods.recipe import Recipe
from poseterior.train.methods.registry import published_recipe
from poseterior.train.methods.validation import validate_network
from poseterior.train.optimiser_state import optimiser_tensors, restore_optimiser
from poseterior.train.seeds import Stream, stream_generator, stream_seed
from poseterior.train.source import ArraySource, Augmentation
from poseterior.train.tracker import JsonlTracker, Tracker

CHECKPOINT_FILE = "checkpoint.safetensors"
METRICS_FILE = "metrics.jsonl"
MODEL_FOLDER = "model"
_KIND = "poseterior compare"
_OPTIMISER = "optimiser of "


@dataclass(frozen=True)
class FitConfig:
    """A training of one network."""

    method: str
    """By `models.network_methods`."""
    out: Path
    """Folder of the run: checkpoint and metrics."""
    network: Any = None
    """The method's config; None takes the published sizes."""
    recipe: Recipe | None = None
    """None takes the published one."""
    steps: int | None = None
    """None takes as many as the recipe's epochs are."""
    seed: int = 0
    device: str = "cpu"
    report_every: int = 50
    """Steps of which a line of metrics is the mean."""
    validate_every: int = 1000
    validation_pictures: int = 256
    validation_hypotheses: int = 200
    checkpoint_every: int = 1000


@dataclass
class Fit:
    """A training at step 0, or after `restore` where its checkpoint left it."""

    config: FitConfig
    data: TrainingData
    augment: Augmentation | None = None
    """Changes every batch; what is random in it comes from the seed and the step."""
    step: int = 0
    """Steps done."""
    seconds: float = 0.0
    """Spent on them, interruptions and validations not counted."""
    network: NetworkLifter = field(init=False)

    def __post_init__(self) -> None:
        config = self.config
        self.recipe = config.recipe or published_recipe(config.method)
        pairs = len(self.data.train.x)
        self.steps = self.recipe.steps(pairs) if config.steps is None else config.steps
        if self.steps < 1 or min(config.report_every, config.validate_every, config.checkpoint_every) < 1:
            raise InputError(f"the training of {config.method}: expected 1 or more steps everywhere")
        torch.manual_seed(config.seed)
        self.network = build_network(config.method, config.network)
        self.network.set_scale_from(self.data.train.x, self.data.train.y, self.data.train.condition)
        self.network.to(config.device)
        self._fitter = fitter_for(self.network, self.recipe)
        arrays = Batch(*(values.to(config.device) for values in self.data.train))
        self._source = ArraySource(arrays, self.recipe.batch_size, config.seed, self.augment)
        self._held_out = Batch(
            *(values[: config.validation_pictures].to(config.device) for values in self.data.validation)
        )
        self._data_sha256 = self.data.fingerprint()

    @property
    def checkpoint_path(self) -> Path:
        """Where the run is saved."""
        return self.config.out / CHECKPOINT_FILE

    def one_step(self) -> dict[str, Tensor]:
        """Trains one step; its losses."""
        config, start = self.config, time.perf_counter()
        # dropout draws from the global generator
        torch.manual_seed(stream_seed(config.seed, Stream.GLOBAL, self.step))
        batch = self._source.batch(self.step)
        generator = stream_generator(config.device, config.seed, Stream.OBJECTIVE, self.step)
        factor = self.recipe.rate_factor(self.step, self.steps, len(self.data.train.x))
        self.network.train()
        losses = self._fitter.step(batch.x, batch.y, batch.condition, generator, factor)
        self.step += 1
        self.seconds += time.perf_counter() - start
        return losses

    def validate(self) -> dict[str, float]:
        """See `validate_network`."""
        config = self.config
        return validate_network(self.network, self._held_out, config.validation_hypotheses, config.seed)

    def save(self) -> None:
        """Writes the checkpoint; raises OutputError where that fails."""
        tensors = {name: module.state_dict() for name, module in self._fitter.modules.items()}
        for name, optimiser in self._fitter.optimisers.items():
            tensors[_OPTIMISER + name] = optimiser_tensors(optimiser)
        facts = {"kind": _KIND, "settings": self._settings(), "seconds": self.seconds}
        save_checkpoint(self.checkpoint_path, Checkpoint(self.step, tensors, facts))

    def restore(self) -> None:
        """Goes on from the checkpoint.

        Raises:
            ModelError: it is missing, damaged, or of a training with other settings or data.
        """
        path = self.checkpoint_path
        checkpoint = load_checkpoint(path)
        then = checkpoint.facts.get("settings")
        if checkpoint.facts.get("kind") != _KIND or not isinstance(then, dict):
            raise ModelError(f"{path} was not written by poseterior compare; expected such a checkpoint")
        for key, now in self._settings().items():
            if then.get(key) != now:
                raise ModelError(
                    f"the checkpoint {path} was written with {key} = {then.get(key)}, not {now}; expected the "
                    "same settings, or another folder for another run"
                )
        try:
            for name, module in self._fitter.modules.items():
                module.load_state_dict(checkpoint.tensors[name])
            for name, optimiser in self._fitter.optimisers.items():
                state = checkpoint.tensors.get(_OPTIMISER + name, {})
                restore_optimiser(optimiser, state, stepped=checkpoint.step > 0)
            self.seconds = float(checkpoint.facts["seconds"])
        except (KeyError, RuntimeError, ValueError, TypeError):
            raise ModelError(f"the checkpoint {path} does not hold the weights of this run") from None
        self.step = checkpoint.step

    def _settings(self) -> dict[str, Any]:
        """What the weights depend on, as JSON gives it back."""
        recipe = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self.recipe).items()}
        return {
            "method": self.config.method,
            "network": config_as_json(self.network.config),
            "recipe": recipe,
            "steps": self.steps,
            "seed": self.config.seed,
            "data_sha256": self._data_sha256,
        }


def run_fit(fit: Fit, stop: Callable[[], bool] = lambda: False) -> bool:
    """Steps to the end, or until `stop()`; goes on from a checkpoint that is there, and saves one in either case.

    Returns:
        Whether the end was reached.

    Raises:
        ModelError: the checkpoint is of another training, or a loss is no longer finite; what was saved last stays.
        OutputError: the run's folder cannot be written.
    """
    config = fit.config
    writable_folder(config.out)
    if fit.checkpoint_path.exists():
        fit.restore()
    tracker = JsonlTracker(config.out / METRICS_FILE, fit.step)
    try:
        return _run(fit, tracker, stop)
    finally:
        tracker.close()


def _run(fit: Fit, tracker: Tracker, stop: Callable[[], bool]) -> bool:
    config, window = fit.config, _Window()

    def due(every: int) -> bool:
        return fit.step % every == 0 or fit.step == fit.steps

    while fit.step < fit.steps:
        window.add(fit.one_step())
        stopping = stop()
        if due(config.report_every) or stopping:
            tracker.log(fit.step, "train", {**window.take(fit), "seconds": fit.seconds})
        if due(config.validate_every):
            tracker.log(fit.step, "validation", fit.validate())
        if due(config.checkpoint_every) or stopping:
            fit.save()
        if stopping and fit.step < fit.steps:
            return False
    return True


class _Window:
    """The losses since the last line of metrics."""

    def __init__(self) -> None:
        self._losses: list[dict[str, Tensor]] = []

    def add(self, losses: dict[str, Tensor]) -> None:
        self._losses.append(losses)

    def take(self, fit: Fit) -> dict[str, float]:
        """Their means; raises ModelError where one is not finite."""
        stacked = {name: torch.stack([step[name] for step in self._losses]) for name in self._losses[0]}
        means = {name: float(values.mean()) for name, values in stacked.items()}
        self._losses.clear()
        for name, mean in means.items():
            if not torch.isfinite(torch.tensor(mean)):
                raise ModelError(
                    f"training of {fit.config.method} diverged before step {fit.step}: {name} is not finite"
                )
        return means
