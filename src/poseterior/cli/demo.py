"""`poseterior demo`: the main job on a real picture, with nothing to prepare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from poseterior.cli.exits import DONE

DEMO_FRAME = 100
"""A frame of the sample video in which the person is whole and walks across the picture."""
COVERED_PX = (1035, 775, 150, 165)
"""x, y, width, height of the grey box over the trailing shin and foot in that frame."""


@dataclass(frozen=True)
class Demo:
    """Lift a frame of the sample video, then the same frame with a leg covered, and say where to look."""

    samples: int = 200
    """How many 3D poses to draw for each picture."""
    seed: int = 0
    """Seed of the draw."""
    out: Path = Path("demo-output")
    """Folder for the results; made if it does not exist."""

    def run(self) -> int:
        """Fetch the assets, lift both pictures, print where the results are."""
        from PIL import Image

        from poseterior.assets import fetch
        from poseterior.cli.lift import Lift
        from poseterior.export.atomic import writable_folder
        from poseterior.sources.video import read_frame

        folder = writable_folder(self.out)
        print("Detector and sample video: from the cache, or fetched once (poseterior assets list) ...")
        image = read_frame(fetch()["demo.mp4"], DEMO_FRAME)
        covered = image.copy()
        x, y, width, height = COVERED_PX
        covered[y : y + height, x : x + width] = 128
        pictures = folder / "pictures"
        writable_folder(pictures)
        for name, pixels in (("walking", image), ("walking-leg-covered", covered)):
            Image.fromarray(pixels).save(pictures / f"{name}.png")
        code = Lift(sources=(str(pictures),), samples=self.samples, seed=self.seed, out=folder).run()
        if code == DONE:
            print(f"Look at {folder / 'walking.png'} and {folder / 'walking-leg-covered.png'};")
            print(f"the poses are in {folder / 'walking.npz'} (numpy) and {folder / 'walking.json'}.")
        return code
