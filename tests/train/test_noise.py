import math

import pytest
import torch
from _toy_pairs import toy_batch

from poseterior.skeleton import CONDITION_13, FLOW_16, MPII_16, indices_of
from poseterior.train.batch import Batch
from poseterior.train.config import NoiseConfig
from poseterior.train.noise import noisy_batch

COPIES = 20_000


def _copies() -> Batch:
    """One pair many times, in float64, with a proper y."""
    one = toy_batch(1, 5)
    y = one.y.double().reshape(1, 2, 16)
    y = (y - y.mean(dim=2, keepdim=True)).flatten(1)
    one = one._replace(y=y / y.std(correction=0))
    return Batch(
        *(values.expand(COPIES, *values.shape[1:]).to(torch.float64) for values in one[:4]),
        one[4].expand(COPIES, -1),
    )


def _noisy(**strength: float) -> tuple[Batch, Batch]:
    batch = _copies()
    return batch, noisy_batch(batch, torch.Generator().manual_seed(0), NoiseConfig(**strength))


def test_without_strength_nothing_changes():
    batch, same = _noisy()
    assert same is batch


def test_noise_on_the_joints_is_white_but_for_the_mean_which_stays_zero():
    batch, noisy = _noisy(joint_m=0.01)
    moved = noisy.x - batch.x
    assert float(noisy.x.reshape(-1, 3, 16).mean(dim=2).abs().max()) < 1e-12
    # centring takes one sixteenth of the variance
    assert float(moved.std()) == pytest.approx(0.01 * math.sqrt(15 / 16), rel=0.01)
    assert torch.equal(noisy.y, batch.y)
    assert torch.equal(noisy.condition, batch.condition)


def test_2d_joints_move_as_a_share_of_their_heatmap_s_gaussian():
    share = 0.02
    batch, noisy = _noisy(detection_share=share)
    assert torch.equal(noisy.x, batch.x)
    assert float(noisy.y.std(dim=1, correction=0).sub(1).abs().max()) < 1e-12
    assert float(noisy.y.reshape(-1, 2, 16).mean(dim=2).abs().max()) < 1e-12

    # to first order: centre the offsets, and take away what changes the scale
    names = tuple(name for name in MPII_16 if name != "pelvis")
    plane = batch.x[0].reshape(3, 16)[:2]
    pelvis = plane[:, indices_of(("right_hip", "left_hip"), FLOW_16)].mean(dim=1, keepdim=True)
    seen = torch.cat([plane[:, indices_of(names, FLOW_16)], pelvis], dim=1)
    metres = (seen - seen.mean(dim=1, keepdim=True)).square().mean().sqrt()
    full = torch.zeros(32, 32, dtype=torch.float64)
    for joint, covariance in enumerate(batch.heatmap_covariance_m2[0]):
        at = [joint, 16 + joint]
        full[torch.tensor(at)[:, None], torch.tensor(at)] = covariance * (share / metres) ** 2
    centring = torch.block_diag(*[torch.eye(16, dtype=torch.float64) - 1 / 16] * 2)
    y = batch.y[0]
    projection = (torch.eye(32, dtype=torch.float64) - torch.outer(y, y) / 32) @ centring
    expected = projection @ full @ projection.T
    found = torch.cov((noisy.y - batch.y).T)
    assert float((found - expected).abs().max()) < 0.05 * float(expected.abs().max())


def test_the_condition_s_means_move_with_the_joints_and_nothing_else_does():
    batch, noisy = _noisy(detection_share=0.3)
    kept = indices_of(CONDITION_13, MPII_16)
    moved = (noisy.y - batch.y).reshape(-1, 2, 16)[:, :, kept].mT
    before = batch.condition.reshape(-1, 13, 6)
    after = noisy.condition.reshape(-1, 13, 6)
    torch.testing.assert_close(after[:, :, 1:3] - before[:, :, 1:3], moved)
    assert torch.equal(after[:, :, [0, 3, 4, 5]], before[:, :, [0, 3, 4, 5]])
    assert float(moved.std()) > 0.01


def test_amplitudes_and_sigmas_are_scaled_partly_together_and_nothing_else_changes():
    share = 0.1
    batch = _copies()
    quiet = batch.condition.reshape(COPIES, 13, 6).clone()
    quiet[..., 0], quiet[..., 3:] = 0.5, torch.tensor([0.02, 0.005, 0.01])
    batch = batch._replace(condition=quiet.flatten(1))
    noisy = noisy_batch(batch, torch.Generator().manual_seed(0), NoiseConfig(gaussian_share=share))
    for name in ("x", "y", "heatmap_covariance_m2", "uncertain"):
        assert torch.equal(getattr(noisy, name), getattr(batch, name)), name
    ratio = noisy.condition.reshape(COPIES, 13, 6) / quiet
    assert torch.equal(noisy.condition.reshape(COPIES, 13, 6)[..., 1:3], quiet[..., 1:3])
    # the whole covariance grows by the square of what each sigma grows
    torch.testing.assert_close(ratio[..., 3], ratio[..., 4])
    torch.testing.assert_close(ratio[..., 3], ratio[..., 5])
    for logs in (ratio[..., 0].log(), ratio[..., 3].log() / 2):
        assert float(logs.mean()) == pytest.approx(0, abs=0.004)
        assert float(logs.std()) == pytest.approx(share, rel=0.02)
        assert float(torch.corrcoef(logs[:, :2].T)[0, 1]) == pytest.approx(0.5, abs=0.03)
    amplitudes_and_sigmas = torch.stack([ratio[:, 0, 0].log(), ratio[:, 0, 3].log()])
    assert abs(float(torch.corrcoef(amplitudes_and_sigmas)[0, 1])) < 0.03


def test_an_amplitude_is_scaled_to_1_2_at_most():
    batch = _copies()
    full = batch.condition.reshape(COPIES, 13, 6).clone()
    full[..., 0] = 1.15
    noisy = noisy_batch(
        batch._replace(condition=full.flatten(1)),
        torch.Generator().manual_seed(0),
        NoiseConfig(gaussian_share=0.1),
    )
    assert float(noisy.condition.reshape(COPIES, 13, 6)[..., 0].max()) == pytest.approx(1.2)
