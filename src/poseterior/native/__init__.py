"""What the package's compiled libraries have in common: which sources they are of, and how they are loaded."""
