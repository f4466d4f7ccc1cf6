"""Everything that a training run depends on, as frozen dataclasses; free of torch.

The same classes are read from TOML (`config_file`) and from the command line.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, Literal

from poseterior.errors import InputError
from poseterior.flow.config import FlowConfig
from poseterior.heatmaps.condition import ConditionVariant
from poseterior.train.objective.config import ObjectiveConfig

Kind = Literal["wehrbein", "likelihood"]
"""The two families of METHOD section 9: eq. 9 for the bijective one, maximum likelihood for the posterior one."""
Initialisation = Literal["default", "official"]
ScheduleShape = Literal["halved", "cosine"]
Clipping = Literal["none", "value", "norm"]
HeatmapMetres = Literal["geometry", "paper"]
MatmulPrecision = Literal["highest", "high", "medium"]
Precision = Literal["32-true", "bf16-mixed"]
Choose = Literal["last", "nll_nats", "mpjpe_oracle_best_mm", "mpjpe_mean_mm"]
Accelerator = Literal["auto", "cpu", "cuda"]
""""auto": a GPU if there is one."""


@dataclass(frozen=True)
class DataConfig:
    """Which pairs are trained on, and how they are varied."""

    folder: Path | None = None
    """A set made by `poseterior synth`, or a folder with train.npz and validation.npz (`train.pair_files`)."""
    train_split: str = "train"
    validation_split: str = "validation"
    batch_size: int = 64
    """Pairs in a step, of all processes together."""
    mirrored: bool = False
    """Half of the pairs as a mirror shows them."""
    rotated_degrees: float = 0.0
    """Standard deviation of the roll of the camera by which each pair is turned (`train.rotating`)."""
    condition_shown: bool = True
    """False: the flow learns without the heatmaps' Gaussians, from 2D joints alone ("no condition" of Table 4)."""
    condition_variant: ConditionVariant = "paper"
    heatmap_metres: HeatmapMetres = "paper"
    """How the Gaussians of L_HM become metres: by the paper's constant, or by the true camera ("geometry")."""
    uncertain_from: float = 1.05
    """sigma_t: from how many confident sigmas of the detector on L_HM asks a joint's hypotheses to spread."""


@dataclass(frozen=True)
class NoiseConfig:
    """Noise on the pairs, new in every step, which keeps a density from growing spikes (`train.noise`)."""

    joint_m: float = 0.0
    """Standard deviation of Gaussian noise on the true joints' coordinates, metres."""
    detection_share: float = 0.0
    """2D joints are drawn from their heatmaps' Gaussians, of which the standard deviations are taken times this."""
    gaussian_share: float = 0.0
    """Standard deviation of the logarithm by which the condition's amplitudes and sigmas are scaled."""


@dataclass(frozen=True)
class OptimiserConfig:
    """Adam with decoupled weight decay; the defaults are the paper's, for flow and critic alike."""

    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.9)
    weight_decay: float = 0.0
    """Of weight matrices, not of biases."""
    clipping: Clipping = "value"
    """Of the flow's gradient: to [-clip_at, clip_at] element by element, or to the norm clip_at."""
    clip_at: float = 15.0


@dataclass(frozen=True)
class ScheduleConfig:
    """How long, and the learning rate on the way (`train.schedule`)."""

    steps: int = 74_710
    """Steps of the flow (the paper: 155 epochs of 482)."""
    shape: ScheduleShape = "halved"
    halved_from: float = 150 / 155
    """Share of the steps after which "halved" halves."""
    warmup_steps: int = 0
    final_factor: float = 0.003
    """Where "cosine" ends, as a share of the learning rate."""


@dataclass(frozen=True)
class CriticConfig:
    """The critic of the kind "wehrbein"."""

    steps: int = 5
    """Steps of the critic before each step of the flow."""


@dataclass(frozen=True)
class ValidationConfig:
    """What is measured on the way; it changes nothing in what is learnt, only which step's weights are exported."""

    every: int = 1000
    """Steps between two validations; there is one at the start and one at the end in any case."""
    pictures: int = 256
    """The first pairs of the validation split; all of them if they are fewer."""
    hypotheses: int = 200
    choose: Choose = "last"
    """Which weights become the model: the last ones, or those with the lowest value of a metric of `validate`."""
    figure: bool = True
    """Draw hypotheses of fixed pictures over time."""


@dataclass(frozen=True)
class WatchConfig:
    """How a run is reported and saved."""

    report_every: int = 50
    """Steps of which a line of metrics is the mean."""
    checkpoint_every: int = 1000
    tensorboard: bool = False


@dataclass(frozen=True)
class DeviceConfig:
    """Where a run is computed; several processes are started by torchrun."""

    accelerator: Accelerator = "auto"
    precision: Precision = "32-true"
    matmul_precision: MatmulPrecision = "highest"
    """Of float32 matrix products, as PyTorch names it: on a GPU "high" rounds their factors to 10 bits of mantissa,
    and "medium" to 7. On a CPU "medium" goes through oneDNN, which rounds only where the processor has units for
    that (Intel's AMX), and takes about half as long as the default on AMD's."""
    num_threads: int = 0
    """Of PyTorch on the CPU; 0 leaves it to PyTorch."""


@dataclass(frozen=True)
class CardConfig:
    """What the model card says beyond what the run knows."""

    name: str = "untitled"
    stand_in: bool = False
    description: str = ""
    data: str = ""
    """Where the pairs come from, in words."""
    licence: str = ""


@dataclass(frozen=True)
class TrainConfig:
    """A training run."""

    kind: Kind = "wehrbein"
    out: Path = Path("runs/untitled")
    """Folder of the run: checkpoint, metrics, figure, and at the end the model."""
    seed: int = 0
    initialisation: Initialisation = "default"
    """"official": all weights of the coupling blocks from N(0, 0.05^2), as in the authors' code."""
    averaging: float = 0.0
    """Decay of the moving average of the weights, which is validated and exported; 0: the weights themselves."""
    data: DataConfig = field(default_factory=DataConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    """Of the kind "wehrbein"."""
    critic: CriticConfig = field(default_factory=CriticConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    device: DeviceConfig = field(default_factory=DeviceConfig)
    card: CardConfig = field(default_factory=CardConfig)


def flat_settings(config: Any) -> dict[str, Any]:
    """ "section.key" -> value, of a dataclass of dataclasses."""
    flat: dict[str, Any] = {}
    for name, value in vars(config).items():
        if is_dataclass(value):
            flat |= {f"{name}.{key}": inner for key, inner in flat_settings(value).items()}
        else:
            flat[name] = value
    return flat


_FREE = ("out", "data.folder", "data.validation_split", "validation.", "watch.", "card.")
_FREE_DEVICE = ("device.accelerator", "device.num_threads")


def identifying_settings(config: TrainConfig) -> dict[str, Any]:
    """The settings that the weights depend on, as JSON gives them back: a run is resumed under the same ones.

    The place of the data is not among them, its content is the business of `train.data`.
    """
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in flat_settings(config).items()
        if not key.startswith((*_FREE, *_FREE_DEVICE))
    }


def check_config(config: TrainConfig) -> None:
    """Raises InputError, naming the first field whose value cannot be used."""
    values = flat_settings(config)
    positive = (
        "data.batch_size",
        "schedule.steps",
        "validation.every",
        "validation.pictures",
        "watch.report_every",
        "watch.checkpoint_every",
        "flow.blocks",
        "flow.hidden",
        "flow.encoder_hidden",
        "flow.encoder_size",
    )
    for key in positive:
        _expect(values, key, values[key] >= 1, "1 or more")
    # torch takes no more than 64 bits
    _expect(values, "seed", 0 <= config.seed < 2**63, "0 to 2^63 - 1")
    for key in ("schedule.warmup_steps", "device.num_threads"):
        _expect(values, key, values[key] >= 0, "0 or more")
    for key in (
        "data.rotated_degrees",
        "noise.joint_m",
        "noise.detection_share",
        "noise.gaussian_share",
        "optimiser.weight_decay",
    ):
        _expect(values, key, 0 <= values[key] < float("inf"), "a number that is not negative")
    for key in ("optimiser.learning_rate", "optimiser.clip_at", "flow.clamp_alpha"):
        _expect(values, key, 0 < values[key] < float("inf"), "a positive number")
    for key in ("schedule.halved_from", "schedule.final_factor"):
        _expect(values, key, 0 <= values[key] <= 1, "a share between 0 and 1")
    _expect(values, "averaging", 0 <= config.averaging < 1, "0 or more and less than 1")
    betas = config.optimiser.betas
    _expect(values, "optimiser.betas", all(0 <= beta < 1 for beta in betas), "two numbers in [0, 1)")
    _expect(values, "validation.hypotheses", config.validation.hypotheses >= 2, "2 or more")
    _expect(values, "critic.steps", config.critic.steps >= 1, "1 or more")
    if config.kind == "wehrbein":
        without = config.validation.choose != "nll_nats"
        _expect(values, "validation.choose", without, 'another one than "nll_nats" for the kind "wehrbein"')
        expected = '["condition"] for the kind "wehrbein"'
        _expect(values, "flow.inputs", config.flow.inputs == ("condition",), expected)
        sizes = config.data.batch_size >= 2
        _expect(values, "data.batch_size", sizes, '2 or more for the kind "wehrbein"')
    sigma_t = math.isfinite(config.data.uncertain_from) and config.data.uncertain_from > 0
    _expect(values, "data.uncertain_from", sigma_t, "a positive number")
    if not config.data.condition_shown:
        blind = config.kind == "wehrbein"
        expected = 'true for the kind "likelihood"; its flow.inputs say what is read'
        _expect(values, "data.condition_shown", blind, expected)
    _expect(values, "flow.inputs", len(config.flow.inputs) > 0, "at least one of y, condition")


def check_processes(config: TrainConfig, world_size: int) -> None:
    """Raises InputError if `world_size` processes cannot share a batch evenly."""
    size = config.data.batch_size
    if size % world_size:
        raise InputError(
            f"data.batch_size is {size}; expected a multiple of the number of processes, {world_size}"
        )


def _expect(values: dict[str, Any], key: str, valid: bool, expected: str) -> None:
    if not valid:
        value = values[key]
        raise InputError(
            f"{key} is {list(value) if isinstance(value, tuple) else value}; expected {expected}"
        )


def as_json(config: TrainConfig) -> dict[str, Any]:
    """The settings by section, as JSON can hold them."""
    return {
        name: {key: _json(inner) for key, inner in value.items()} if isinstance(value, dict) else _json(value)
        for name, value in asdict(config).items()
    }


def _json(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
