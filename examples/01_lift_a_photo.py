"""Lift one photo and ask the posterior questions: `python examples/01_lift_a_photo.py [PHOTO]`."""

import sys

import numpy as np

from poseterior import Lifter
from poseterior.assets import asset_path

photo = sys.argv[1] if len(sys.argv) > 1 else asset_path("astronaut.png")

lifter = Lifter.load()
hypotheses = lifter(photo, num_samples=500, seed=0)

print(f"{len(hypotheses)} poses of {hypotheses.image_name}, camera frame, metres: {hypotheses.poses_m.shape}")

print("\njoint            spread x, y, depth (mm)")
for name, (x, y, depth) in zip(hypotheses.joint_names, hypotheses.spread_mm(), strict=True):
    print(f"{name:15s} {x:6.0f} {y:6.0f} {depth:6.0f}")

# A question that one answer could not answer: which hand is nearer to the camera, and how sure is that?
left, right = (hypotheses.joint_names.index(f"{side}_wrist") for side in ("left", "right"))
nearer = np.mean(hypotheses.poses_m[:, left, 2] < hypotheses.poses_m[:, right, 2])
print(f"\nthe left hand is nearer to the camera with probability {nearer:.2f}")

best = hypotheses.top(1)
print(f"log-density of the most likely sample: {best.log_prob[0]:.1f} nats")
