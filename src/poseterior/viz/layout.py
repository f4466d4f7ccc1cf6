"""Where each panel of the picture lies: pixels of a 1600 x 900 page, y up as matplotlib has it."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

PAGE_WIDTH, PAGE_HEIGHT = 1600, 900
PIXELS_PER_INCH = 100


@dataclass(frozen=True)
class Rectangle:
    """Lower left corner and size, pixels of the page."""

    x: float
    y: float
    width: float
    height: float

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.y + self.height

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width


PHOTO = Rectangle(28.0, 84.0, 500.0, 722.0)
"""The photo's largest size; its colour bar hangs below it."""
VIEWS = Rectangle(622.0, 72.0, 578.0, 710.0)
"""The three views of the hypotheses together, axis labels outside of it."""
BARS = Rectangle(1322.0, 72.0, 254.0, 688.0)


def add_panel(figure: Figure, rectangle: Rectangle) -> Axes:
    """New axes that fill the rectangle."""
    return figure.add_axes(
        (
            rectangle.x / PAGE_WIDTH,
            rectangle.y / PAGE_HEIGHT,
            rectangle.width / PAGE_WIDTH,
            rectangle.height / PAGE_HEIGHT,
        ),
        facecolor="white",
    )
