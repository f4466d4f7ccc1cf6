"""Detectors: a picture goes in, one Gaussian per joint comes out."""
