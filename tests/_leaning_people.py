"""People who lean towards the camera or away from it, which their 2D pose does not say: two modes per picture."""

import torch

LEAN = torch.linspace(-0.3, 0.3, 16)
"""Depth of the joints of those who lean one way, metres; the others have the opposite."""


def leaning_people(pictures, generator, share, wobble=None):
    """x, y, condition; `share` of the people lean by LEAN.

    `wobble` (45, 48) turns standard normal numbers into offsets of the poses, metres.
    """
    y = torch.randn(pictures, 32, generator=generator)
    sign = torch.where(torch.rand(pictures, 1, generator=generator) < share, 1.0, -1.0)
    flat = 0.2 * y.unflatten(-1, (2, 16))
    x = torch.cat([(flat - flat.mean(-1, keepdim=True)).flatten(-2), sign * LEAN], dim=-1)
    if wobble is not None:
        x = x + torch.randn(pictures, 45, generator=generator) @ wobble
    return x, y, torch.zeros(pictures, 78)


def fit_leaning_people(model, generator, steps, learning_rate, **people):
    """The model after `steps` of Adam on 256 fresh people each, in eval mode."""
    model.set_scale_from(*leaning_people(1000, generator, **people))
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for _ in range(steps):
        loss = model.losses(*leaning_people(256, generator, **people), generator)["total"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def lean_of(poses):
    """1 for LEAN itself, -1 for the opposite, 0 in between."""
    return (poses[..., 32:] @ LEAN) / (LEAN @ LEAN)
