"""Frames, cameras and alignments."""
