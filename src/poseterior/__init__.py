"""Poseterior: one picture of a person in, the posterior distribution of 3D poses out."""

__version__ = "0.1.0"
