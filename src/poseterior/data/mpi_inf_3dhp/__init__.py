"""The test set of MPI-INF-3DHP (Mehta et al., 3DV 2017), which researchers download after registering.

`docs/datasets.md` says where to register and what to put where.
"""

from poseterior.data.mpi_inf_3dhp.detections import detect_mpi_inf_3dhp
from poseterior.data.mpi_inf_3dhp.loader import load_mpi_inf_3dhp

__all__ = ["detect_mpi_inf_3dhp", "load_mpi_inf_3dhp"]
