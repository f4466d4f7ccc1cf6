"""The compared methods and how each was trained when it was published; free of torch."""

from __future__ import annotations

from poseterior.errors import InputError
from poseterior.train.methods.recipe import Recipe

RECIPES = {
    # Martinez et al., ICCV 2017
    "martinez2017": Recipe(),
    # Li & Lee, CVPR 2019
    "li2019-mdn": Recipe(),
    # Li & Lee, BMVC 2020: 64 2D poses and 64 unpaired 3D poses a step
    "li2020": Recipe(
        batch_size=128,
        learning_rate=1e-4,
        betas=(0.5, 0.9),
        decay=0.94,
        decay_every=1.0,
        decay_unit="epochs",
    ),
    # of the network that it builds upon, SemGCN (Zhao et al., CVPR 2019)
    "graphmdn": Recipe(epochs=100.0, clip_norm=1.0),
    # Sharma et al., ICCV 2019
    "cvae": Recipe(batch_size=256, learning_rate=2.5e-4, clip_norm=1.0),
    # no lifter was published; ours
    "flow_matching": Recipe(batch_size=256, shape="cosine", clip_norm=1.0),
    # of the density models of Durkan et al., NeurIPS 2019
    "spline_flow": Recipe(batch_size=512, learning_rate=5e-4, shape="cosine", clip_norm=5.0),
}
"""By `NetworkLifter.method`; what differs from the published training is the epochs of a budget."""


def published_recipe(method: str) -> Recipe:
    """How the method was trained when it was published.

    Raises:
        InputError: there is no such method.
    """
    if method not in RECIPES:
        raise InputError(f"there is no method {method}; expected one of {', '.join(RECIPES)}")
    return RECIPES[method]
