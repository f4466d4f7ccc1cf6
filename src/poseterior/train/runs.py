"""A training run: what is learnt, how far it is, and its folder (torch)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from lightning_fabric import Fabric

from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.models.wehrbein import WehrbeinFlow
from poseterior.train.averaging import update_average
from poseterior.train.batch import Batch
from poseterior.train.config import TrainConfig, check_processes, identifying_settings
from poseterior.train.data import TrainingData
from poseterior.train.mirroring import randomly_mirrored
from poseterior.train.noise import noisy_batch
from poseterior.train.rotating import randomly_rotated
from poseterior.train.seeds import Stream
from poseterior.train.source import ArraySource, Augmentation
from poseterior.train.state import Facts, restore_state, save_state
from poseterior.train.trainees import Flow, Losses, Sources, build_trainee
from poseterior.train.window import LossWindow

CHECKPOINT_FILE = "checkpoint.safetensors"
BEST_FILE = "best.safetensors"
METRICS_FILE = "metrics.jsonl"
CONFIG_FILE = "config.toml"
MODEL_FOLDER = "model"
TENSORBOARD_FOLDER = "tensorboard"


class Run:
    """A run at step 0, or after `restore` where its checkpoint left it."""

    def __init__(self, config: TrainConfig, fabric: Fabric, data: TrainingData) -> None:
        """Builds everything from configuration, seed and data.

        Raises:
            InputError: the batch cannot be shared by the processes.
        """
        check_processes(config, fabric.world_size)
        self.config, self.fabric = config, fabric
        self.step = 0
        """Steps done."""
        self.seconds = 0.0
        """Spent on them, interruptions not counted."""
        self.window = LossWindow()
        train = on_device(data.train, fabric.device)
        self.trainee = build_trainee(config, fabric, _sources(config, train), train.x)
        self._average = _copy(self.trainee.flow) if config.averaging > 0 else None
        self._data_sha256 = data.fingerprint()

    @property
    def flow(self) -> Flow:
        """What is validated and exported: the moving average of the weights, or the weights themselves."""
        return self.trainee.flow if self._average is None else self._average

    @property
    def checkpoint_path(self) -> Path:
        """Where the run is saved."""
        return self.config.out / CHECKPOINT_FILE

    def one_step(self) -> Losses:
        """Trains one step; the losses of this process."""
        losses = self.trainee.step(self.step)
        self.step += 1
        if self._average is not None:
            update_average(self._average, self.trainee.flow, self.config.averaging, self.step)
        return losses

    def save(self) -> None:
        """Writes the checkpoint, by one process for all; raises OutputError where that fails."""
        if self.fabric.is_global_zero:
            state = self.window.state()
            save_state(
                self.checkpoint_path, self.step, self.trainee.learners, self._average, state, self._facts()
            )
        self.fabric.barrier()

    def restore(self) -> None:
        """Goes on from the checkpoint; raises ModelError as `state.restore_state` does."""
        restored = restore_state(self.checkpoint_path, self.trainee.learners, self._average, self._facts())
        self.step, self.seconds = restored.step, restored.seconds
        self.window.restore(restored.window, self.fabric.device)

    def _facts(self) -> Facts:
        return Facts(identifying_settings(self.config), self._data_sha256, self.seconds)


def on_device(batch: Batch, device: torch.device) -> Batch:
    """The batch, on `device`."""
    return Batch(*(values.to(device) for values in batch))


def _sources(config: TrainConfig, pairs: Batch) -> Sources:
    augment, size = _augmentation(config), config.data.batch_size
    return Sources(
        ArraySource(pairs, size, config.seed, augment),
        ArraySource(pairs, size, config.seed, augment, order=Stream.CRITIC_ORDER),
    )


def _augmentation(config: TrainConfig) -> Augmentation:
    steps: list[Augmentation] = []
    if config.data.mirrored:
        steps.append(randomly_mirrored)
    if config.data.rotated_degrees > 0:
        steps.append(partial(randomly_rotated, sigma_degrees=config.data.rotated_degrees))
    steps.append(partial(noisy_batch, config=config.noise))
    if not config.data.condition_shown:
        steps.append(lambda batch, _: batch._replace(condition=torch.zeros_like(batch.condition)))

    def augmented(batch: Batch, generator: torch.Generator) -> Batch:
        for step in steps:
            batch = step(batch, generator)
        return batch

    return augmented


def _copy(flow: Flow) -> Flow:
    kind = PosteriorFlow if isinstance(flow, PosteriorFlow) else WehrbeinFlow
    copy = kind(flow.config).to(flow_device(flow))
    copy.load_state_dict(flow.state_dict())
    return copy.eval()


def flow_device(flow: Flow) -> torch.device:
    """Where the flow's weights are."""
    return next(flow.parameters()).device
