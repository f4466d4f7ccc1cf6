"""Whole models: one file per method."""
