"""`poseterior evaluate`: every number of a model on a set, with intervals."""

from __future__ import annotations

import os
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import arg

from poseterior.cli.exits import DONE
from poseterior.cli.streams import complain, one_line, say

if TYPE_CHECKING:
    from poseterior.evaluate.measure import OnProgress

_REPORT_EVERY_S = 30.0


@dataclass(frozen=True)
class Evaluate:
    """Measure a model on a set of pictures with truth: errors, scores, calibration, with 95 % intervals.

    The numbers do not depend on --batch and --threads.
    """

    model: str
    """Name of a bundled model, or the folder of a trained one."""
    data: Annotated[str, arg(metavar="DATA")]
    """FOLDER[:SPLIT] made by poseterior synth (SPLIT: test if not said); h36m:FOLDER[:SPLIT], h36ma:FOLDER[:FRAMELIST],
    h36m-videopose:FOLDER[:SPLIT], h36m-mmpose:FOLDER[:SPLIT], mpi-inf-3dhp:FOLDER[:detector|truth]; or
    pose2sim-balancing[:STEP]."""
    samples: int = 200
    """Hypotheses per picture."""
    seed: int = 0
    """Seed of hypotheses and bootstrap."""
    json: Path | None = None
    """File for the whole report."""
    markdown: Path | None = None
    """File for the report as tables."""
    figures: Path | None = None
    """Folder for reliability.png, error-by-hypotheses.png and sigma-and-error.png; made if it does not exist."""
    subset: Literal["all", "ambiguous", "both"] = "both"
    """Which pictures are summed up; ambiguous lifts no others."""
    max_pictures: int | None = None
    """Take only so many, at even distances through the set."""
    batch: int = 64
    """Pictures held in memory at a time."""
    threads: int = 0
    """0: all cores of this process."""

    def run(self) -> int:
        """Evaluate, write what was asked for, print a summary."""
        from poseterior.errors import InputError
        from poseterior.evaluate.datasets import open_data
        from poseterior.evaluate.measure import Settings
        from poseterior.evaluate.models import open_model
        from poseterior.evaluate.report import evaluate, write_report

        if self.threads < 0:
            raise InputError(f"threads is {self.threads}; expected 0 or more")
        self._check_outputs()
        threads = self.threads or _processors()
        settings = Settings(self.samples, self.seed, self.batch, overlap=threads > 1)
        settings.check()
        # measuring takes a thread of its own
        model = open_model(self.model, num_threads=max(threads - 1, 1))
        data = open_data(self.data)
        started = time.perf_counter()
        report = evaluate(
            model,
            data,
            settings,
            subset=self.subset,
            max_pictures=self.max_pictures,
            on_progress=_progress(),
        ).report
        report["run"] = self._run_of(started, threads)
        if self.json is not None:
            write_report(report, self.json)
        if self.markdown is not None:
            from poseterior.evaluate.tables import write_markdown

            write_markdown(report, self.markdown)
        if self.figures is not None:
            from poseterior.evaluate.figures import write_figures

            write_figures(report, self.figures)
        for line in summary_lines(report):
            say(one_line(line))
        for warning in report["warnings"]:
            complain(warning)
        return DONE

    def _check_outputs(self) -> None:
        """What cannot be written is said before the work, not after it."""
        from poseterior.errors import OutputError
        from poseterior.export.atomic import writable_folder

        for path in (self.json, self.markdown):
            if path is not None:
                writable_folder(path.parent)
                if path.is_dir():
                    raise OutputError(f"cannot write {path}: it is a folder; expected a file name")
        if self.figures is not None:
            writable_folder(self.figures)

    def _run_of(self, started: float, threads: int) -> dict[str, Any]:
        """What differs from run to run though the numbers do not."""
        from poseterior.evaluate.provenance import date

        return {
            "command": shlex.join(["poseterior", *self._arguments()]),
            "date": date(),
            "seconds": round(time.perf_counter() - started, 1),
            "batch": self.batch,
            "threads": threads,
        }

    def _arguments(self) -> list[str]:
        """The command line again, with what was left out left out."""
        given = ["evaluate", "--model", self.model, "--data", self.data]
        for name in ("samples", "seed", "subset", "max_pictures", "json", "markdown", "figures"):
            value = getattr(self, name)
            if value is not None:
                given += [f"--{name.replace('_', '-')}", str(value)]
        return given


def summary_lines(report: dict[str, Any]) -> list[str]:
    """The most important numbers, a line for each subset and kind."""
    from poseterior.evaluate.tables import estimate_text

    samples = report["settings"]["samples"]
    lines = []
    for name, summary in report["subsets"].items():
        if summary is None:
            lines.append(f"{name}: no pictures")
            continue
        lines.append(f"{name}: {summary['num_pictures']:,} pictures, {summary['num_sequences']:,} sequences")
        for metric, title in (("mpjpe_mm", "MPJPE"), ("pmpjpe_mm", "PMPJPE")):
            poses = summary["poses"][metric]
            said = [
                f"{answer} {estimate_text(poses[key], 1)}"
                for key, answer in (
                    ("z0", "z0"),
                    ("mean_pose", "mean pose"),
                    ("oracle_best", f"oracle best of {samples}"),
                )
            ]
            lines.append(f"  {title}, mm: {', '.join(said)}")
        scores = []
        if summary["density"] is not None:
            density = summary["density"]
            scores.append(f"NLL {estimate_text(density['nll_nats_mm'], 1)} nats")
            if "hdr_calibration_error" in density:
                scores.append(f"HDR calibration error {estimate_text(density['hdr_calibration_error'], 3)}")
        if summary["samples"] is not None:
            scores.append(f"energy score {estimate_text(summary['samples']['energy_score_mm'], 1)} mm")
            scores.append(f"ECE {estimate_text(summary['samples']['ece'], 3)}")
        if scores:
            lines.append(f"  {', '.join(scores)}")
    return lines


def _progress() -> OnProgress:
    """A line on stderr now and then, once the work turns out to be long."""
    first: tuple[float, int] | None = None
    said = time.perf_counter()

    def on_progress(done: int, total: int) -> None:
        nonlocal first, said
        now = time.perf_counter()
        if first is None:
            # single answers were worked out before it, which says nothing of the rate
            first = (now, done)
        elif now - said >= _REPORT_EVERY_S and done < total:
            said = now
            left_s = (now - first[0]) * (total - done) / (done - first[1])
            complain(f"{done:,} of {total:,} pictures, about {left_s:.0f} s left")

    return on_progress


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
