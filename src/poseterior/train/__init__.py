"""Training; inference never imports this."""
