"""Mean-centred poses as the 45-dimensional space that they are, by an isometry; free of torch.

A pose that is centred on each of three axes lies in a 45-dimensional subspace of R^48. A density on R^48 does
not exist for it (its likelihood would grow without bound in training), so the posterior family works in
orthonormal coordinates of that subspace: lengths, volumes and hence log-densities are those of the subspace.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64


def helmert_basis(size: int) -> Float64[np.ndarray, "size size-1"]:
    """Orthonormal columns that span the vectors of mean zero (Helmert's contrasts)."""
    basis = np.zeros((size, size - 1))
    for column in range(size - 1):
        basis[: column + 1, column] = 1.0
        basis[column + 1, column] = -(column + 1.0)
    return basis / np.linalg.norm(basis, axis=0)


def centred_basis(joints: int = 16, axes: int = 3) -> Float64[np.ndarray, "values coordinates"]:
    """`pose = basis @ coordinates` and `coordinates = basis.T @ pose`, axis-major on both sides.

    A constant offset of all joints is orthogonal to the basis: `basis.T` removes it.
    """
    return np.kron(np.eye(axes), helmert_basis(joints))
