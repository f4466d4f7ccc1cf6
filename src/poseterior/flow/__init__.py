"""The normalising flow: coupling blocks, permutations, both families, and the torch-free runtime."""
