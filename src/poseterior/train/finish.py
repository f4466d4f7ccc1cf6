"""The end of a run: its flow as a bundle with a model card (torch, onnx)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from poseterior.errors import InputError
from poseterior.flow.export import export_flow
from poseterior.flow.model_card import ModelCard
from poseterior.train.best import Best, load_best
from poseterior.train.config import TrainConfig, as_json
from poseterior.train.data import TrainingData
from poseterior.train.runs import BEST_FILE, METRICS_FILE, MODEL_FOLDER, Run
from poseterior.train.tracker import MetricLine, read_metrics

_KEPT_POINTS = 50
"""Of each curve in the card."""


def export_run(run: Run, data: TrainingData) -> ModelCard:
    """Writes the flow of the chosen step to the folder "model" in the run's folder; returns the card.

    Raises:
        ModelError: the weights that `validation.choose` kept cannot be read.
        OutputError: the folder cannot be written.
    """
    choose = run.config.validation.choose
    best = None if choose == "last" else load_best(run.config.out / BEST_FILE, run.flow, choose)
    card = model_card(run, data, best)
    return export_flow(run.flow, run.config.out / MODEL_FOLDER, card)


def model_card(run: Run, data: TrainingData, best: Best | None) -> ModelCard:
    """What the run knows of its flow, with what `config.card` adds; of the last weights where `best` is None."""
    config = run.config
    return ModelCard(
        name=config.card.name,
        family=run.flow.family,
        config=run.flow.config,
        detector_profile=data.detector_profile,
        sigma_confident_cells=data.sigma_confident_cells,
        condition_variant=config.data.condition_variant,
        stand_in=config.card.stand_in,
        description=config.card.description,
        data=config.card.data,
        licence=config.card.licence,
        seed=config.seed,
        command="poseterior train CONFIG.toml, with metrics.training.configuration as CONFIG.toml",
        metrics=_metrics(run, data, best),
    )


def _metrics(run: Run, data: TrainingData, best: Best | None) -> dict[str, Any]:
    path = run.config.out / METRICS_FILE
    train, validation = read_metrics(path, "train"), read_metrics(path, "validation")
    step, known = (run.step, {}) if best is None else best
    of_step = [line for line in validation if line["step"] == step]
    if not (of_step or known):
        raise InputError(f"{path} holds no validation of step {step}; expected one")
    return {
        "validation": {
            "step": step,
            # a kill may have cost the line of the best step, and another `validation.every` skips it
            **(of_step[-1] if of_step else known),
            "pictures": min(run.config.validation.pictures, len(data.validation.x)),
            "hypotheses": run.config.validation.hypotheses,
        },
        "training": {
            "steps_done": run.step,
            "chosen_step": step,
            "chosen_by": run.config.validation.choose,
            "hours": round(run.seconds / 3600, 3),
            "processes": run.fabric.world_size,
            "device": run.fabric.device.type,
            "training_pairs": len(data.train.x),
            "training_pairs_sha256": data.fingerprint(),
            "configuration": public_settings(run.config),
            "curve": _thinned([_rounded(line) for line in train]),
            "validation_curve": _thinned([_rounded(line) for line in validation]),
            "date": datetime.now(UTC).date().isoformat(),
        },
    }


def public_settings(config: TrainConfig) -> dict[str, Any]:
    """The settings without paths, which say nothing on another machine."""
    settings = as_json(config)
    del settings["out"], settings["data"]["folder"]
    return settings


def _thinned(lines: list[MetricLine]) -> list[MetricLine]:
    """At most about `_KEPT_POINTS` of them, the last one among them."""
    every = max(1, len(lines) // _KEPT_POINTS)
    return lines[::-1][::every][::-1]


def _rounded(line: MetricLine) -> MetricLine:
    return {
        name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in line.items()
    }
