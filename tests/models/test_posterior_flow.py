import numpy as np
import torch
from scipy.stats import multivariate_normal
from torch import Tensor

from poseterior.flow.centred import centred_basis
from poseterior.flow.config import posterior_config
from poseterior.models.posterior_flow import PosteriorFlow

BASIS = torch.from_numpy(centred_basis())


def small_flow(std: float) -> tuple[PosteriorFlow, Tensor, Tensor]:
    torch.manual_seed(0)
    flow = PosteriorFlow(posterior_config(hidden=32, encoder_hidden=20, encoder_size=10)).double()
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=std)
    return flow, torch.randn(2, 32, dtype=torch.float64), torch.randn(2, 78, dtype=torch.float64)


def test_without_couplings_it_is_the_gaussian_of_the_scale() -> None:
    flow, y, condition = small_flow(std=0.0)
    poses = torch.randn(500, 45, dtype=torch.float64) * torch.linspace(0.02, 0.5, 45) @ BASIS.T
    flow.set_scale_from(poses)
    deviations = (poses @ BASIS).std(dim=0).numpy()
    expected = multivariate_normal(mean=np.zeros(45), cov=np.diag(deviations**2)).logpdf((poses @ BASIS)[:5])
    log_prob = flow.log_prob(poses[None, :5], y[:1], condition[:1])
    np.testing.assert_allclose(log_prob[0].detach(), expected, rtol=1e-6)


def test_the_density_integrates_to_one() -> None:
    flow, y, condition = small_flow(std=0.05)
    generator = torch.Generator().manual_seed(0)
    # importance sampling from a Gaussian a little wider than the flow; the estimate uses log_prob alone
    wide = 1.1
    coordinates = wide * torch.randn(1, 40_000, 45, generator=generator, dtype=torch.float64)
    log_proposal = -0.5 * (coordinates / wide).square().sum(-1) - 45 * (
        0.5 * np.log(2 * np.pi) + np.log(wide)
    )
    with torch.no_grad():
        ratio = (flow.log_prob(coordinates @ BASIS.T, y[:1], condition[:1]) - log_proposal).exp()
    error = float(ratio.std()) / np.sqrt(ratio.numel())
    assert error < 0.05
    assert abs(float(ratio.mean()) - 1) < 4 * error
    assert (
        float(flow.forward(coordinates[:, :10] @ BASIS.T, y[:1], condition[:1])[1].detach().abs().max()) > 0.1
    )


def test_an_offset_of_the_whole_pose_changes_nothing() -> None:
    flow, y, condition = small_flow(std=0.12)
    x = torch.randn(2, 3, 45, dtype=torch.float64) @ BASIS.T
    offset = torch.tensor([0.7, -1.2, 3.0], dtype=torch.float64).repeat_interleave(16)
    torch.testing.assert_close(
        flow.log_prob(x + offset, y, condition), flow.log_prob(x, y, condition), rtol=1e-11, atol=1e-10
    )


def test_samples_are_centred_and_come_with_their_own_log_prob() -> None:
    flow, y, condition = small_flow(std=0.12)
    x, log_prob = flow.sample_and_log_prob(y, condition, 6, torch.Generator().manual_seed(0))
    assert x.reshape(2, 6, 3, 16).mean(dim=-1).abs().max() < 1e-12
    torch.testing.assert_close(flow.log_prob(x, y, condition), log_prob, rtol=1e-10, atol=1e-9)


def test_millimetres_subtract_45_log_1000() -> None:
    flow, y, condition = small_flow(std=0.12)
    x = torch.randn(2, 3, 45, dtype=torch.float64) @ BASIS.T
    in_metres = flow.log_prob(x, y, condition)
    flow.scale.mul_(1000)
    torch.testing.assert_close(flow.log_prob(1000 * x, y, condition), in_metres - 45 * np.log(1000))


def test_likelihood_training_does_not_diverge_on_centred_poses() -> None:
    torch.manual_seed(0)
    flow = PosteriorFlow(posterior_config(hidden=32, encoder_hidden=20, encoder_size=10))
    spread = torch.linspace(0.05, 0.4, 45)
    condition, y = torch.randn(256, 78), torch.randn(256, 32)
    x = (torch.randn(256, 1, 45) + y[:, None, :1]) * spread @ BASIS.T.float()
    flow.set_scale_from(x[:, 0])
    optimizer = torch.optim.Adam(flow.parameters(), lr=2e-3)
    losses = []
    for _ in range(40):
        loss = -flow.log_prob(x, y, condition).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    # the entropy of this toy is finite: 45 Gaussians given y
    floor = 45 * 0.5 * np.log(2 * np.pi * np.e) + float(spread.log().sum())
    assert losses[-1] < losses[0] - 3
    assert losses[-1] > floor - 10
