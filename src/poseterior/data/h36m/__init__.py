"""Human3.6M (Ionescu et al., "Human3.6M", TPAMI 2014) in the forms in which licensed researchers have it.

`docs/datasets.md` says where to register and what to put where.
"""

from poseterior.data.h36m.mmpose import load_h36m_mmpose
from poseterior.data.h36m.official import load_h36m, load_h36m_ambiguous
from poseterior.data.h36m.videopose import load_h36m_videopose

__all__ = ["load_h36m", "load_h36m_ambiguous", "load_h36m_mmpose", "load_h36m_videopose"]
