import numpy as np
import pytest
import torch
from _density_lifters import pictures, small_density_lifter

SIZES = {
    "flow_matching": {"hidden": 24, "blocks": 2, "encoder_hidden": 10, "frequencies": 2, "steps": 4},
    "spline_flow": {"layers": 3, "bins": 4, "hidden": 12, "encoder_hidden": 10, "encoder_size": 6},
}


@pytest.fixture(params=SIZES)
def small(request):
    return lambda **changes: small_density_lifter(request.param, **SIZES[request.param], **changes)


def test_an_offset_changes_nothing_and_millimetres_subtract_45_log_1000(small):
    lifter = small()
    y, condition = pictures()
    x = 0.2 * torch.randn(3, 2, 48, dtype=torch.float64)
    offset = torch.tensor([0.7, -1.2, 3.0], dtype=torch.float64).repeat_interleave(16)
    in_metres = lifter.log_prob(x, y, condition)
    torch.testing.assert_close(lifter.log_prob(x + offset, y, condition), in_metres)
    lifter.coordinates.spread.mul_(1000)
    lifter.coordinates.mean.mul_(1000)
    torch.testing.assert_close(lifter.log_prob(1000 * x, y, condition), in_metres - 45 * np.log(1000))


def test_draws_are_centred_and_single_is_the_draw_of_no_noise(small):
    lifter = small()
    y, condition = pictures()
    poses = lifter.draw(y, condition, torch.randn(3, 4, 45, dtype=torch.float64))
    assert poses.unflatten(-1, (3, 16)).mean(dim=-1).abs().max() < 1e-12
    still = lifter.draw(y, condition, torch.zeros(3, 2, 45, dtype=torch.float64))
    torch.testing.assert_close(lifter.single(y, condition), still[:, 1])


@pytest.mark.parametrize(("read", "other"), [("y", "condition"), ("condition", "y")])
def test_inputs_that_are_not_chosen_are_not_seen(small, read, other):
    lifter = small(inputs=(read,))
    given = dict(zip(("y", "condition"), pictures(), strict=True))
    noise = torch.randn(3, 2, 45, dtype=torch.float64)
    before = lifter.draw(**given, noise=noise)
    torch.testing.assert_close(lifter.draw(**{**given, other: given[other] + 1}, noise=noise), before)
    assert (lifter.draw(**{**given, read: given[read] + 1}, noise=noise) - before).abs().max() > 1e-3
