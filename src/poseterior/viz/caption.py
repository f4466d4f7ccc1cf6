"""The words above the picture: which one it is, what was drawn, and by which model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from poseterior.hypotheses import Hypotheses
from poseterior.types import JointGaussians
from poseterior.viz.colours import FAINT_INK, INK, WARNING
from poseterior.viz.gaussians import is_placed
from poseterior.viz.layout import BARS, PAGE_HEIGHT, PAGE_WIDTH, PHOTO
from poseterior.viz.skeleton3d import MAX_DRAWN

_LONGEST_NAME = 50
_LONGEST_MODEL = 24
_MOST_NAMED = 2
_STAND_IN = "stand-in weights: see the model card"
_TITLE_Y, _SUBTITLE_Y = 860, 828


def draw_caption(figure: Figure, hypotheses: Hypotheses) -> None:
    """Adds title and subtitle, and a warning if the weights are a stand-in."""
    left, right = PHOTO.x / PAGE_WIDTH, BARS.right / PAGE_WIDTH
    title_y, subtitle_y = _TITLE_Y / PAGE_HEIGHT, _SUBTITLE_Y / PAGE_HEIGHT
    # Names are the user's: a dollar sign in them is no mathematics.
    words = {"parse_math": False, "va": "baseline"}
    name = _short(Path(hypotheses.image_name).name, _LONGEST_NAME)
    figure.text(left, title_y, name, fontsize=16, fontweight="bold", color=INK, **words)
    figure.text(left, subtitle_y, _subtitle(hypotheses), fontsize=11, color=FAINT_INK, **words)
    if hypotheses.settings.get("stand_in"):
        figure.text(right, title_y, _STAND_IN, fontsize=11, color=WARNING, ha="right", **words)


def _subtitle(hypotheses: Hypotheses) -> str:
    settings, detection, count = hypotheses.settings, hypotheses.detection, len(hypotheses)
    parts = [f"{count} hypothes{'is' if count == 1 else 'es'}"]
    if count > MAX_DRAWN:
        parts.append(f"the first {MAX_DRAWN} drawn")
    if "seed" in settings:
        parts.append(f"seed {settings['seed']}")
    if "model" in settings:
        parts.append(f"model {_short(Path(str(settings['model'])).name, _LONGEST_MODEL)}")
    if detection.num_candidates > 1:
        parts.append(f"the most prominent of {detection.num_candidates} candidates")
    return "  ·  ".join(parts + _unseen(detection.gaussians))


def _unseen(gaussians: JointGaussians) -> list[str]:
    """What to say of joints that the detector did not see: their names, or how many if they are many."""
    names = [gaussians.joint_names[joint] for joint in np.flatnonzero(~is_placed(gaussians))]
    if not names:
        return []
    if len(names) > _MOST_NAMED:
        return [f"{len(names)} joints not seen"]
    return ["not seen: " + ", ".join(name.replace("_", " ") for name in names)]


def _short(name: str, longest: int) -> str:
    """The name on one line, its middle left out if it is too long, with boxes for what the font lacks."""
    font = get_font(findfont(FontProperties()))
    name = "".join(c if font.get_char_index(ord(c)) else "□" for c in " ".join(name.split()))
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[:half]}…{name[-half:]}"
