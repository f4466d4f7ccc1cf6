"""How methods are trained whose steps are more than one loss."""
