"""Datasets and motion."""
