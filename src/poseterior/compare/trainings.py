"""Each method of a plan to its model folder, at the plan's budget; what is finished is kept (torch)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch

from poseterior.compare.plan import Entry, Plan
from poseterior.flow.config import FlowConfig
from poseterior.models.network_bundle import save_network
from poseterior.models.network_card import NetworkCard
from poseterior.models.network_config import config_as_json
from poseterior.models.network_methods import network_method
from poseterior.train.batch import Batch
from poseterior.train.config import DeviceConfig, TrainConfig
from poseterior.train.data import TrainingData
from poseterior.train.methods.fit import MODEL_FOLDER, Fit, FitConfig, run_fit
from poseterior.train.methods.registry import published_recipe
from poseterior.train.mirroring import randomly_mirrored
from poseterior.train.objective.config import ObjectiveConfig
from poseterior.train.pair_files import made_with
from poseterior.train.presets import PRESETS
from poseterior.train.rotating import randomly_rotated
from poseterior.train.runs import CHECKPOINT_FILE
from poseterior.train.start import start

SayLine = Callable[[str], None]


class Stopped(Exception):  # noqa: N818 - no error, a wish
    """Somebody asked to stop; what is done is saved."""


def trained(
    entry: Entry,
    plan: Plan,
    seed: int,
    data: TrainingData,
    data_folder: Path,
    folder: Path,
    device: DeviceConfig,
    say_line: SayLine,
    stop: Callable[[], bool],
) -> Path:
    """The folder of the entry's model, which is trained first if it is not there.

    Args:
        entry: what is trained.
        plan: budget and variations.
        seed: of everything.
        data: both splits, as in `data_folder`.
        data_folder: where a flow's training reads them.
        folder: of this training.
        device: where, and how exactly.
        say_line: takes what is worth telling.
        stop: asked after each step of a network; flows listen to signals themselves.

    Raises:
        Stopped: before the end; the same call goes on later.
        PoseteriorError: as `run_fit` and `train.start.start`.
    """
    model = folder / MODEL_FOLDER
    if (model / "model.json").is_file():
        return model
    say_line(f"training {entry.title}, seed {seed}")
    if entry.kind == "flow":
        _train_flow(entry, plan, seed, data_folder, folder, device, say_line)
    else:
        _train_network(entry, plan, seed, data, folder, device, stop)
    return model


def _train_network(
    entry: Entry,
    plan: Plan,
    seed: int,
    data: TrainingData,
    folder: Path,
    device: DeviceConfig,
    stop: Callable[[], bool],
) -> None:
    recipe = published_recipe(entry.method)
    if plan.batch_size is not None:
        recipe = replace(recipe, batch_size=plan.batch_size)
    steps = -(-plan.pictures // recipe.batch_size)
    config = FitConfig(
        entry.method,
        folder,
        network=network_method(entry.method).config_class()(**entry.sizes),
        recipe=recipe,
        steps=steps,
        seed=seed,
        device=device.accelerator,
        report_every=max(1, steps // 200),
        validate_every=max(1, steps // 4),
        validation_pictures=100,
        checkpoint_every=max(1, steps // 20),
    )
    fit = Fit(config, data, partial(_varied, mirrored=plan.mirrored, sigma_degrees=plan.rotated_degrees))
    if not run_fit(fit, stop):
        raise Stopped
    card = NetworkCard(
        name=entry.name,
        method=entry.method,
        config=config_as_json(fit.network.config),
        detector_profile=data.detector_profile,
        sigma_confident_cells=data.sigma_confident_cells,
        condition_variant="paper",
        description=f"{entry.title}, trained by poseterior compare.",
        data="",
        licence="",
        seed=seed,
        command="poseterior compare",
        metrics={
            "training": {
                "steps": fit.step,
                "pictures": fit.step * recipe.batch_size,
                "hours": round(fit.seconds / 3600, 4),
                "device": asdict(device),
                "training_pairs": len(data.train.x),
                "training_pairs_sha256": data.fingerprint(),
                "validation": fit.validate(),
            }
        },
    )
    save_network(fit.network, folder / MODEL_FOLDER, card)


def _varied(batch: Batch, generator: torch.Generator, *, mirrored: bool, sigma_degrees: float) -> Batch:
    """The variations that flows are trained with too."""
    if mirrored:
        batch = randomly_mirrored(batch, generator)
    return randomly_rotated(batch, generator, sigma_degrees) if sigma_degrees > 0 else batch


def _train_flow(
    entry: Entry,
    plan: Plan,
    seed: int,
    data_folder: Path,
    folder: Path,
    device: DeviceConfig,
    say_line: SayLine,
) -> None:
    config = flow_training(entry, plan, seed, data_folder, folder, device)
    resume = (folder / CHECKPOINT_FILE).exists()
    if start(config, resume=resume, stream=sys.stderr, say_line=say_line) is not None:
        raise Stopped


def flow_training(
    entry: Entry, plan: Plan, seed: int, data_folder: Path, folder: Path, device: DeviceConfig
) -> TrainConfig:
    """The preset's training, cut to the plan's budget and with its variations."""
    preset: TrainConfig = PRESETS[entry.method]()
    batch_size = preset.data.batch_size if plan.batch_size is None else plan.batch_size
    steps = -(-plan.pictures // batch_size)
    flow: FlowConfig = replace(preset.flow, **entry.sizes)
    objective: ObjectiveConfig = replace(preset.objective, gradient="subset")
    config = replace(
        preset,
        out=folder,
        seed=seed,
        data=replace(
            preset.data,
            folder=data_folder,
            **made_with(data_folder, preset.data.train_split),
            batch_size=batch_size,
            mirrored=plan.mirrored,
            rotated_degrees=plan.rotated_degrees,
        ),
        flow=flow,
        # unbiased, at a third of the cost
        objective=objective,
        schedule=replace(
            preset.schedule, steps=steps, warmup_steps=min(preset.schedule.warmup_steps, steps // 10)
        ),
        validation=replace(
            preset.validation, every=max(1, steps // 10), pictures=256, choose="last", figure=False
        ),
        watch=replace(preset.watch, report_every=max(1, steps // 200), checkpoint_every=max(1, steps // 20)),
        device=device,
        card=replace(preset.card, name=entry.name),
    )
    for option, value in entry.options.items():
        section, _, key = option.partition(".")
        config = replace(config, **{section: replace(getattr(config, section), **{key: value})})
    return config
