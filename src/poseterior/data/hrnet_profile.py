"""The detector whose heatmaps the authors published Gaussian fits of."""

from __future__ import annotations

from poseterior.skeleton import MPII_16
from poseterior.types import DetectorProfile

HRNET_H36M = DetectorProfile(
    name="hrnet-h36m",
    heatmap_height=64,
    heatmap_width=64,
    sigma_confident_cells=2.0,
    joint_names=MPII_16,
)
"""HRNet, trained on MPII and fine-tuned on Human3.6M, sigma_gt = 2 px of 64 x 64 (METHOD section 2)."""
