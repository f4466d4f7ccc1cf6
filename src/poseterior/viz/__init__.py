"""Pictures of posteriors."""

from poseterior.viz.figure import draw_posterior, save_figure

__all__ = ["draw_posterior", "save_figure"]
