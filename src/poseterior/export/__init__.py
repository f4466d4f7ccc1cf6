"""File formats for results, one file each."""
