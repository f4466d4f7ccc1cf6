"""Everything that is told of a run on its way: metrics, display, figure (torch)."""

from __future__ import annotations

from poseterior.train.batch import Batch
from poseterior.train.best import BestWeights
from poseterior.train.config import TrainConfig
from poseterior.train.display import Display
from poseterior.train.figure import HypothesesFigure
from poseterior.train.runs import BEST_FILE, METRICS_FILE, TENSORBOARD_FOLDER, Run
from poseterior.train.schedule import learning_rate_factor
from poseterior.train.tracker import JsonlTracker, TensorBoardTracker, Tracker
from poseterior.train.validation import validate

_SHOWN = {"wehrbein": ("total", "2d", "mmd", "gen", "det", "mb", "hm"), "likelihood": ("nll_nats",)}
"""Losses that fit a line."""


class Watcher:
    """Of one run, in the process that speaks for all of them."""

    def __init__(self, run: Run, validation: Batch, display: Display) -> None:
        """Goes on with the files of the run's folder from `run.step`.

        Args:
            run: at the step where it begins.
            validation: pairs to measure on, on the run's device.
            display: where a person looks.
        """
        config = run.config
        self._config, self._display = config, display
        self._validation = Batch(*(values[: config.validation.pictures] for values in validation))
        self._trackers = _trackers(config, run.step)
        choose = config.validation.choose
        self._best = None if choose == "last" else BestWeights(config.out / BEST_FILE, choose, run.step)
        self._figure = (
            HypothesesFigure(config.out, validation, config.seed, run.step)
            if config.validation.figure
            else None
        )

    def report(self, run: Run, means: dict[str, float]) -> None:
        """Tells the means of the losses."""
        factor = learning_rate_factor(self._config.schedule, run.step - 1)
        rate = self._config.optimiser.learning_rate * factor
        for tracker in self._trackers:
            tracker.log(run.step, "train", {**means, "learning_rate": rate, "seconds": run.seconds})
        shown = {name: means[name] for name in _SHOWN[self._config.kind] if name in means}
        self._display.show(run.step, shown)

    def validate(self, run: Run) -> dict[str, float]:
        """Measures, tells and draws; raises ModelError where the flow gives numbers that are not finite."""
        config = self._config
        flow = run.flow
        values = validate(flow, self._validation, config.validation.hypotheses, config.seed)
        for tracker in self._trackers:
            tracker.log(run.step, "validation", values)
        self._display.note(validation_text(run.step, values))
        if self._best is not None:
            self._best.offer(flow, run.step, values)
        if self._figure is not None:
            self._figure.add(flow, run.step)
        return values

    def close(self) -> None:
        """Closes the files."""
        for tracker in self._trackers:
            tracker.close()


def validation_text(step: int, values: dict[str, float]) -> str:
    """The few numbers that fit a line."""
    said = (
        f"validation at step {step:,}: MPJPE best {values['mpjpe_oracle_best_mm']:.1f}, "
        f"mean pose {values['mpjpe_mean_mm']:.1f}, z0 {values['mpjpe_z0_mm']:.1f}, "
        f"worst {values['mpjpe_oracle_worst_mm']:.1f} mm; std x {values['std_x_mm']:.0f}, "
        f"y {values['std_y_mm']:.0f}, depth {values['std_depth_mm']:.0f} mm; coordinates in their 50 % interval "
        f"{values['central_coverage_50']:.0%}, 90 % {values['central_coverage_90']:.0%}"
    )
    if "coverage_50" in values:
        said += f"; poses in their 50 % region {values['coverage_50']:.0%}, 90 % {values['coverage_90']:.0%}"
    return said


def _trackers(config: TrainConfig, resumed_step: int) -> list[Tracker]:
    trackers: list[Tracker] = [JsonlTracker(config.out / METRICS_FILE, resumed_step)]
    if config.watch.tensorboard:
        trackers.append(TensorBoardTracker(config.out / TENSORBOARD_FOLDER, resumed_step))
    return trackers
