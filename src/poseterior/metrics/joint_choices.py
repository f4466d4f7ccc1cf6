"""Which joints each metric looks at: a choice that changes the number, so it is named and goes into the report."""

from __future__ import annotations

from poseterior.errors import InputError
from poseterior.skeleton import H36M_17

MPJPE_JOINTS = H36M_17
"""All 17, the root included (METHOD section 5): its error of 0 counts in the mean."""

PCK_JOINTS = tuple(name for name in H36M_17 if name not in ("pelvis", "spine", "neck"))
"""The 14 that Human3.6M and MPI-INF-3DHP share (the authors' code; Mehta et al., 3DV 2017)."""

CPS_JOINTS = tuple(name for name in H36M_17 if name != "spine")
"""16 joints (the authors' code; Wandt et al., "CanonPose", CVPR 2021)."""

SPREAD_JOINTS = H36M_17
"""All 17, as in the authors' code: the root, which does not spread, counts in the mean."""


def joint_indices(wanted: tuple[str, ...], joint_names: tuple[str, ...], metric: str) -> list[int]:
    """Where the wanted joints are.

    Raises:
        InputError: some are missing.
    """
    missing = [name for name in wanted if name not in joint_names]
    if missing:
        raise InputError(
            f"joint_names lacks {', '.join(missing)}, which {metric} needs; expected all of {', '.join(wanted)}"
        )
    return [joint_names.index(name) for name in wanted]
