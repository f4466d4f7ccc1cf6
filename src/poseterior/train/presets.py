"""Named configurations to start from; free of torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from poseterior.flow.config import FlowConfig, posterior_config
from poseterior.train.config import (
    CardConfig,
    DataConfig,
    NoiseConfig,
    OptimiserConfig,
    ScheduleConfig,
    TrainConfig,
    ValidationConfig,
    WatchConfig,
)
from poseterior.train.objective.config import official_objective

Preset = Literal["tiny", "wehrbein2021", "wehrbein2021-official", "posterior"]


def tiny() -> TrainConfig:
    """Minutes on two CPU cores, on the tiny set: to see that everything works."""
    return TrainConfig(
        kind="likelihood",
        out=Path("runs/tiny"),
        averaging=0.99,
        data=DataConfig(batch_size=64, mirrored=True, heatmap_metres="geometry"),
        flow=posterior_config(blocks=6, hidden=128, encoder_hidden=128, encoder_size=32),
        noise=NoiseConfig(joint_m=0.02, detection_share=0.3),
        optimiser=OptimiserConfig(
            learning_rate=2e-3, betas=(0.9, 0.99), weight_decay=1e-2, clipping="norm", clip_at=100.0
        ),
        schedule=ScheduleConfig(steps=800, shape="cosine", warmup_steps=100),
        validation=ValidationConfig(every=200, pictures=64),
        watch=WatchConfig(report_every=20, checkpoint_every=200),
        card=CardConfig(name="tiny", stand_in=True, description="A trial of the training, not to be used."),
    )


def wehrbein2021() -> TrainConfig:
    """The paper's training (Wehrbein et al., ICCV 2021, section 4)."""
    return TrainConfig(out=Path("runs/wehrbein2021"), card=CardConfig(name="wehrbein2021"))


def wehrbein2021_official() -> TrainConfig:
    """The same as in the authors' released code, where that differs (METHOD sections 2 to 4)."""
    return TrainConfig(
        out=Path("runs/wehrbein2021-official"),
        initialisation="official",
        data=DataConfig(condition_variant="official"),
        flow=FlowConfig(hidden=1028, clamp="official"),
        objective=official_objective(),
        card=CardConfig(name="wehrbein2021-official"),
    )


def posterior() -> TrainConfig:
    """The posterior family by maximum likelihood (METHOD section 9)."""
    return TrainConfig(
        kind="likelihood",
        out=Path("runs/posterior"),
        averaging=0.9995,
        data=DataConfig(batch_size=512, mirrored=True, rotated_degrees=12.0, heatmap_metres="geometry"),
        # with the paper's clamp of 2 a few hypotheses in 200 fly off by metres
        flow=posterior_config(hidden=512, encoder_hidden=512, encoder_size=112, clamp_alpha=1.0),
        noise=NoiseConfig(joint_m=0.005, detection_share=0.1, gaussian_share=0.15),
        optimiser=OptimiserConfig(
            learning_rate=3e-3, betas=(0.9, 0.99), weight_decay=1e-2, clipping="norm", clip_at=100.0
        ),
        schedule=ScheduleConfig(steps=40_000, shape="cosine", warmup_steps=500),
        validation=ValidationConfig(pictures=1000, choose="nll_nats"),
        card=CardConfig(name="posterior"),
    )


PRESETS: dict[str, Callable[[], TrainConfig]] = dict(
    zip(get_args(Preset), (tiny, wehrbein2021, wehrbein2021_official, posterior), strict=True)
)
