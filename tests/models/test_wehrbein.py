import numpy as np
import pytest
import torch
from torch import Tensor

from poseterior.flow.config import FlowConfig, posterior_config
from poseterior.models.wehrbein import OFFICIAL_CONFIG, WehrbeinFlow, join_latent


def small_flow() -> tuple[WehrbeinFlow, Tensor, Tensor]:
    torch.manual_seed(0)
    flow = WehrbeinFlow(FlowConfig(hidden=32, encoder_hidden=20, encoder_size=10)).double()
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.12)
    return flow, torch.randn(2, 32, dtype=torch.float64), torch.randn(2, 78, dtype=torch.float64)


def oracle(flow: WehrbeinFlow, latent: Tensor, y: Tensor, condition: Tensor) -> float:
    """log N(z) - 1/2 log det(J^T J) with J from torch.func, for one hypothesis of one picture."""

    def pose(z: Tensor) -> Tensor:
        return flow.inverse(join_latent(z[None, None], y[None]), condition[None])[0][0, 0]

    jacobian = torch.func.jacfwd(pose)(latent)
    normal = -0.5 * (latent @ latent) - 8 * np.log(2 * np.pi)
    return float((normal - 0.5 * torch.linalg.slogdet(jacobian.T @ jacobian).logabsdet).detach())


def test_log_prob_is_the_manifold_density() -> None:
    flow, y, condition = small_flow()
    latent = torch.randn(2, 3, 16, dtype=torch.float64)
    log_prob = flow.log_prob(latent, y, condition)
    for picture in range(2):
        for hypothesis in range(3):
            expected = oracle(flow, latent[picture, hypothesis], y[picture], condition[picture])
            assert float(log_prob[picture, hypothesis]) == pytest.approx(expected, rel=1e-10)


def test_log_prob_is_not_the_cheap_log_det_term() -> None:
    flow, y, condition = small_flow()
    latent = torch.randn(2, 3, 16, dtype=torch.float64)
    _, log_det = flow.inverse(join_latent(latent, y), condition)
    cheap = -0.5 * latent.square().sum(-1) - 8 * np.log(2 * np.pi) - log_det
    assert ((flow.log_prob(latent, y, condition) - cheap).abs() > 0.1).all()


def test_samples_come_with_their_own_log_prob() -> None:
    flow, y, condition = small_flow()
    x, log_prob = flow.sample_and_log_prob(y, condition, 5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(x, flow.sample(y, condition, 5, torch.Generator().manual_seed(0)))
    vector, _ = flow(x, condition)
    torch.testing.assert_close(vector[..., 16:], y[:, None].expand(-1, 5, -1))
    torch.testing.assert_close(flow.log_prob(vector[..., :16].contiguous(), y, condition), log_prob)


def test_fp32_log_prob_stays_close_to_float64() -> None:
    flow, y, condition = small_flow()
    latent = torch.randn(2, 20, 16, dtype=torch.float64)
    exact = flow.log_prob(latent, y, condition)
    single = flow.float().log_prob(latent.float(), y.float(), condition.float())
    assert (single - exact).abs().max() < 1e-4


def test_parameters_of_the_official_size() -> None:
    flow = WehrbeinFlow(OFFICIAL_CONFIG)
    count = sum(parameter.numel() for parameter in flow.body.blocks.parameters())
    assert count == 2_122_560  # METHOD section 3: the number without the encoder
    assert sum(parameter.numel() for parameter in flow.parameters()) == count + 34_616


def test_y_in_the_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match="bijective family"):
        WehrbeinFlow(posterior_config(hidden=8))
