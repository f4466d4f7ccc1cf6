"""The 16 joints of MPII-16, which detectors see, among the 17 of Human3.6M-17."""

from __future__ import annotations

from poseterior.skeleton import H36M_17, MPII_16, indices_of

MPII_IN_H36M = indices_of(MPII_16, H36M_17)
"""[3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13] (METHOD section 1)."""
