"""From heatmaps to Gaussians to the flow's condition."""
