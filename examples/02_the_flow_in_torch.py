"""The bundled flow in torch, for research: exact log-densities and their gradients.

Needs the extra `train` (torch): `python examples/02_the_flow_in_torch.py`.
"""

import numpy as np
import torch

from poseterior import Lifter
from poseterior.assets import asset_path
from poseterior.flow.export import load_flow
from poseterior.geometry.normalise import vector_from_pose
from poseterior.heatmaps.condition import condition_of
from poseterior.weights import DEFAULT_MODEL, model_folder

lifter = Lifter.load()
hypotheses = lifter(asset_path("astronaut.png"), num_samples=200, seed=0)
detection = hypotheses.detection
y, condition = condition_of(detection.gaussians, detection.profile, lifter.flow.card.condition_variant)
y, condition = (torch.from_numpy(values[None]).float() for values in (y, condition))

flow = load_flow(model_folder(DEFAULT_MODEL))
x = torch.from_numpy(vector_from_pose(hypotheses.poses_m.astype(np.float64))).float()[None].requires_grad_()
log_prob = flow.log_prob(x, y, condition)

difference = np.abs(log_prob[0].detach().numpy() - hypotheses.log_prob)
print(f"log-densities of 200 poses: torch and ONNX Runtime differ by at most {difference.max():.1e} nats")

(score,) = torch.autograd.grad(log_prob.sum(), x)
print(
    f"score (gradient of the log-density): {tuple(score.shape)}, norm {score.norm(dim=-1).median():.0f} nats/m"
)
