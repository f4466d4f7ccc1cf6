"""Makes the stand-in weights: maximum likelihood on simulated detections of open motion capture.

    python experiments/train_standin.py --motion FOLDER                  # about an hour on one core
    python experiments/train_standin.py --motion FOLDER --resume         # goes on after an interruption
    python experiments/train_standin.py --motion FOLDER --export-only    # bundle of the last checkpoint

FOLDER holds cmu_30hz.npz and uiprmd_20hz.npz. Log (JSON lines) and checkpoint are kept in --run-dir; the bundle is
written to --out at the end.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import tyro
from standin import (
    CAPTURES,
    TEST,
    VALIDATION,
    Pools,
    StandinConfig,
    batch_at,
    held_out_batch,
    load_pools,
    measure,
    training_batches,
)

from poseterior.detect.blazepose import BLAZEPOSE_FULL
from poseterior.errors import PoseteriorError
from poseterior.flow.export import export_flow
from poseterior.flow.model_card import ModelCard
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.train.likelihood import LikelihoodRun, Progress

log = logging.getLogger("train_standin")

DESCRIPTION = (
    "STAND-IN: these weights hold the place of properly trained ones. They have never seen a picture, only "
    "projections of motion capture through a simulated detector, and the motion holds few sitting, lying or "
    "crouching poses; expect plausible spreads, not state-of-the-art accuracy."
)
DATA = (
    "CMU motion capture, subjects 1-13 without 4 (80 % of draws), and UI-PRMD, subjects 1-9 without 5 (20 %). "
    "The CMU data used in this project was obtained from mocap.cs.cmu.edu; the database was created with "
    "funding from NSF EIA-0196217 (conversion to BVH: cgspeed). UI-PRMD: Vakanski et al., Data 3(1):2, 2018. "
    "Frames next to joints faster than 14 m/s are left out. Poses are drawn with weight (poses in their k-means "
    "cell, 256 cells per capture) ** -0.5; half are mirrored, 20 % take the upper body of one frame and the "
    "legs of another, 3 % are turned over as a whole. Bone lengths, cameras (60 % anybody's: 2-10 m, pitch -35 "
    "to 60 degrees, roll up to 20; 40 % like Human3.6M's) and detections are new with every draw."
)
LICENCE = (
    "Weights: Apache-2.0. Data: CMU, free for all uses (mocap.cs.cmu.edu; not to be resold itself); UI-PRMD, "
    "Open Data Commons Public Domain Dedication and License 1.0."
)
SIMULATED_DETECTOR = (
    "15 landmarks as BlazePose has them; heatmap covariance = blob (1.22 cells) + miscalibrated covariance of "
    "the error; 45 % of pictures with groups of joints hidden (error 1.2 to 5.5 cells), 15 % cut off by the "
    "border, 1 % of joints missing, 1 % of pictures with sides swapped; offset of each joint's definition "
    "0.8 % of the person's extent per picture; pelvis, thorax, spine and head derived as for BlazePose; widths "
    "and amplitudes set by eye after BlazePose on the sample video"
)


@dataclass(frozen=True)
class Arguments:
    """Train the stand-in weights."""

    motion: Path
    """Folder with cmu_30hz.npz and uiprmd_20hz.npz."""
    run_dir: Path = Path("runs/standin")
    """Where the log and the checkpoint are kept."""
    out: Path = Path("src/poseterior/weights/standin")
    """Where the bundle is written."""
    seed: int = 0
    steps: int = 36_000
    resume: bool = False
    """Go on from the checkpoint in the run folder."""
    export_only: bool = False
    """Measure and export the averaged weights of the checkpoint, finished or not; train nothing."""
    validate_every: int = 2000
    checkpoint_every: int = 1000
    test_pairs: int = 4000
    num_threads: int = 1


def main(arguments: Arguments) -> None:
    """Trains, measures, exports."""
    torch.set_num_threads(arguments.num_threads)
    torch.manual_seed(arguments.seed)
    config = _config(arguments)
    pools = load_pools(arguments.motion)
    arguments.run_dir.mkdir(parents=True, exist_ok=True)
    run = make_run(pools, config, arguments.run_dir / "checkpoint.safetensors")
    if arguments.resume or arguments.export_only:
        run.resume()
        log.info("going on from step %d", run.step)
    if not arguments.export_only:
        _train(run, pools, config, arguments)
    card = _card(run, pools, config, arguments)
    export_flow(run.average.eval(), arguments.out, card)
    log.info("%s: step %d, %s", arguments.out, run.step, json.dumps(card.metrics["held_out_test"]))


def make_run(pools: Pools, config: StandinConfig, checkpoint_path: Path) -> LikelihoodRun:
    """The run at step 0."""
    flow = PosteriorFlow(config.flow)
    stream = training_batches(pools, config)
    # a number that no step reaches
    flow.set_scale_from(batch_at(replace(stream, batch_size=20_000), 2**31).x)
    facts = {"seed": config.seed, "batch_size": config.batch_size, "pairs": json.loads(_json(config.pairs))}
    return LikelihoodRun(flow, config.training, lambda step: batch_at(stream, step), checkpoint_path, facts)


def _train(run: LikelihoodRun, pools: Pools, config: StandinConfig, arguments: Arguments) -> None:
    validation = held_out_batch(pools.validation, config, 512, seed=1)
    before = _minutes_before(arguments.run_dir, run.step)
    with (arguments.run_dir / "log.jsonl").open("a", encoding="utf-8") as lines:

        def report(progress: Progress) -> None:
            line: dict[str, Any] = progress._asdict()
            line["minutes"] = round(before + progress.seconds / 60, 2)
            if progress.step % arguments.validate_every == 0:
                line["validation"] = measure(run.average.eval(), validation)
            lines.write(json.dumps(line) + "\n")
            lines.flush()

        run.train(report, checkpoint_every=arguments.checkpoint_every)


def _minutes_before(run_dir: Path, step: int) -> float:
    """Minutes that the steps up to `step` took, by the log."""
    return max((line["minutes"] for line in _log_lines(run_dir) if line["step"] <= step), default=0.0)


def _log_lines(run_dir: Path) -> list[dict[str, Any]]:
    path = run_dir / "log.jsonl"
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )


def _card(run: LikelihoodRun, pools: Pools, config: StandinConfig, arguments: Arguments) -> ModelCard:
    test = held_out_batch(pools.test, config, arguments.test_pairs, seed=2)
    start = time.perf_counter()
    held_out = measure(run.average.eval(), test)
    log.info("measured in %.0f s", time.perf_counter() - start)
    return ModelCard(
        name="standin",
        family="posterior",
        config=config.flow,
        detector_profile=BLAZEPOSE_FULL.name,
        sigma_confident_cells=BLAZEPOSE_FULL.sigma_confident_cells,
        condition_variant=config.pairs.condition_variant,
        stand_in=True,
        description=DESCRIPTION,
        data=DATA,
        licence=LICENCE,
        seed=config.seed,
        command=f"python experiments/train_standin.py --motion MOTION_FOLDER --seed {config.seed} "
        f"--steps {config.training.steps}",
        metrics={
            "held_out_test": {**held_out, "draw_seed": 2},
            "split_by_subject": {
                name: {"validation": VALIDATION[name], "test": TEST[name], "train": "the others"}
                for name in CAPTURES
            },
            "training": {
                "objective": "maximum likelihood, Adam, moving average of the weights",
                "steps_done": run.step,
                "steps_planned": config.training.steps,
                "batch_size": config.batch_size,
                "pairs": run.step * config.batch_size,
                "minutes_on_one_cpu_core": round(_minutes_before(arguments.run_dir, run.step), 1),
                "settings": asdict(config.training),
            },
            "simulated_detector": SIMULATED_DETECTOR,
            "joint_noise_mm": 1000 * config.pairs.joint_noise_m,
            "joint_noise_reason": "dequantisation: without it the density grows without bound on bones of equal "
            "length and joints in line; it is part of the truth that the metrics refer to",
            "date": datetime.now(UTC).date().isoformat(),
        },
    )


def _config(arguments: Arguments) -> StandinConfig:
    config = StandinConfig(seed=arguments.seed)
    return replace(config, training=replace(config.training, steps=arguments.steps))


def _json(settings: Any) -> str:
    return json.dumps(asdict(settings))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        main(tyro.cli(Arguments))
    except PoseteriorError as error:
        sys.exit(f"error: {error}")
