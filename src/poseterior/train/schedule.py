"""The learning rate as a function of the step."""

from __future__ import annotations

import math

from poseterior.train.config import ScheduleConfig


def learning_rate_factor(config: ScheduleConfig, step: int) -> float:
    """What the learning rate is multiplied by in `step` (counted from 0).

    "halved": 1, and 1/2 from `halved_from` on (METHOD section 4: after epoch 150 of 155).
    "cosine": half a cosine from 1 down to `final_factor`. Both rise linearly over `warmup_steps` first.
    """
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    if config.shape == "halved":
        return 0.5 if step >= config.halved_from * config.steps else 1.0
    part = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    swing = (1 + math.cos(math.pi * min(part, 1.0))) / 2
    return config.final_factor + (1 - config.final_factor) * swing
