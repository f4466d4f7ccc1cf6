"""`poseterior demo`: the main job on a real picture, with nothing to prepare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from poseterior.cli.exits import DONE
from poseterior.cli.lift import Lift
from poseterior.cli.streams import say

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
        """Fetch the video and the detector, lift both pictures, print where the results are."""
        from PIL import Image

        from poseterior.assets import asset_path
        from poseterior.export.atomic import atomic_path, writable_folder
        from poseterior.sources.video import read_frame

        say("Detector and sample video: from the cache, or fetched once (poseterior assets list) ...")
        image = read_frame(asset_path("demo.mp4"), DEMO_FRAME)
        covered = image.copy()
        x, y, width, height = COVERED_PX
        covered[y : y + height, x : x + width] = 128
        folder = writable_folder(writable_folder(self.out) / "demo-pictures")
        files = {folder / "walking.png": image, folder / "walking-leg-covered.png": covered}
        for file, pixels in files.items():
            with atomic_path(file) as temporary:
                Image.fromarray(pixels).save(temporary, format="PNG")
        lift = Lift(tuple(map(str, files)), samples=self.samples, seed=self.seed, out=self.out)
        code = lift.run()
        if code == DONE:
            say(f"Look at {self.out / 'walking.png'} and {self.out / 'walking-leg-covered.png'};")
            say(f"the poses are in {self.out / 'walking.npz'} (numpy) and {self.out / 'walking.json'}.")
        return code
