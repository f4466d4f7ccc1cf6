"""People who never were: random bodies, and poses drawn from motion."""
