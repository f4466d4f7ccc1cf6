"""What every flow must hold to, whatever its family, clamp, permutation and encoder inputs."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from poseterior.flow.centred import centred_basis
from poseterior.flow.config import FlowConfig, posterior_config
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.models.wehrbein import WehrbeinFlow

SMALL = {"hidden": 24, "encoder_hidden": 20, "encoder_size": 10}
CONFIGS = {
    "bijective-paper": FlowConfig(**SMALL),
    "bijective-official": FlowConfig(**SMALL, clamp="official", clamp_alpha=1.5),
    "bijective-reverse": FlowConfig(**SMALL, permutation="reverse", blocks=3),
    "posterior-paper": posterior_config(**SMALL),
    "posterior-official": posterior_config(**SMALL, clamp="official"),
    "posterior-condition-only": posterior_config(**SMALL, inputs=("condition",), blocks=2),
}


@dataclass
class Case:
    flow: PosteriorFlow | WehrbeinFlow
    x: Tensor
    y: Tensor
    condition: Tensor

    def forward(self, x: Tensor, rows: slice = slice(None)) -> tuple[Tensor, Tensor]:
        given = (
            (self.condition[rows],)
            if isinstance(self.flow, WehrbeinFlow)
            else (self.y[rows], self.condition[rows])
        )
        return self.flow(x, *given)

    def inverse(self, latent: Tensor, rows: slice = slice(None)) -> tuple[Tensor, Tensor]:
        given = (
            (self.condition[rows],)
            if isinstance(self.flow, WehrbeinFlow)
            else (self.y[rows], self.condition[rows])
        )
        return self.flow.inverse(latent, *given)


def make(name: str, dtype: torch.dtype = torch.float64) -> Case:
    torch.manual_seed(0)
    config = CONFIGS[name]
    flow = WehrbeinFlow(config) if name.startswith("bijective") else PosteriorFlow(config)
    for parameter in flow.parameters():  # well above the initial values, so that every part has a say
        torch.nn.init.normal_(parameter, std=0.12)
    coordinates = torch.randn(3, 4, 45, dtype=torch.float64) * 0.3
    x = coordinates @ torch.from_numpy(centred_basis()).T
    if isinstance(flow, PosteriorFlow):
        flow.set_scale_from(x.reshape(-1, 48).float())
    y, condition = torch.randn(3, 32, dtype=torch.float64), torch.randn(3, 78, dtype=torch.float64)
    return Case(flow.to(dtype), x.to(dtype), y.to(dtype), condition.to(dtype))


every_flow = pytest.mark.parametrize("name", CONFIGS)


@every_flow
def test_shapes(name: str) -> None:
    case = make(name)
    latent, log_det = case.forward(case.x)
    assert latent.shape == (3, 4, 48 if name.startswith("bijective") else 45)
    assert log_det.shape == (3, 4)
    samples, log_prob = case.flow.sample_and_log_prob(case.y, case.condition, 7)
    assert samples.shape == (3, 7, 48)
    assert log_prob.shape == (3, 7)
    assert samples.dtype == torch.float64


@every_flow
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_inverse_undoes_forward(name: str, dtype: torch.dtype, tolerance: float) -> None:
    case = make(name, dtype)
    latent, log_det = case.forward(case.x)
    x, inverse_log_det = case.inverse(latent)
    assert (x - case.x).abs().max() < tolerance
    # log-determinants add up some 384 terms: relative to their size
    assert (log_det + inverse_log_det).abs().max() < tolerance * max(1, log_det.abs().max())


@every_flow
def test_forward_undoes_inverse(name: str) -> None:
    case = make(name)
    latent = torch.randn_like(case.forward(case.x)[0])
    again, _ = case.forward(case.inverse(latent)[0])
    assert (again - latent).abs().max() < 1e-9


@every_flow
def test_log_det_is_that_of_the_autograd_jacobian(name: str) -> None:
    case = make(name)
    basis = torch.from_numpy(centred_basis())

    def latent_of(state: Tensor) -> Tensor:
        x = state if isinstance(case.flow, WehrbeinFlow) else basis @ state
        return case.forward(x[None, None], slice(1, 2))[0][0, 0]

    x = case.x[1, 2]
    state = x if isinstance(case.flow, WehrbeinFlow) else basis.T @ x
    jacobian = torch.autograd.functional.jacobian(latent_of, state)
    assert isinstance(jacobian, Tensor)
    expected = torch.linalg.slogdet(jacobian).logabsdet
    assert abs(expected) > 0.1
    torch.testing.assert_close(case.forward(case.x)[1][1, 2], expected, rtol=1e-10, atol=1e-10)


@every_flow
def test_inverse_log_det_is_that_of_the_autograd_jacobian(name: str) -> None:
    case = make(name)
    basis = torch.from_numpy(centred_basis())
    latent = case.forward(case.x)[0]

    def state_of(one: Tensor) -> Tensor:
        x = case.inverse(one[None, None], slice(1, 2))[0][0, 0]
        return x if isinstance(case.flow, WehrbeinFlow) else basis.T @ x

    jacobian = torch.autograd.functional.jacobian(state_of, latent[1, 2])
    assert isinstance(jacobian, Tensor)
    torch.testing.assert_close(
        case.inverse(latent)[1][1, 2], torch.linalg.slogdet(jacobian).logabsdet, rtol=1e-9, atol=1e-9
    )


@every_flow
def test_gradients_reach_every_parameter(name: str) -> None:
    case = make(name)
    latent, log_det = case.forward(case.x)
    (latent.square().sum() - log_det.sum()).backward()
    for key, parameter in case.flow.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().max() > 0, key


@every_flow
def test_a_pictures_result_does_not_depend_on_the_others(name: str) -> None:
    case = make(name)
    latent, log_det = case.forward(case.x)
    alone, alone_log_det = case.forward(case.x[1:2, 2:3], slice(1, 2))
    torch.testing.assert_close(latent[1:2, 2:3], alone, rtol=0, atol=1e-12)
    torch.testing.assert_close(log_det[1:2, 2:3], alone_log_det, rtol=0, atol=1e-11)
    moved = case.forward(case.x[[2, 1, 0]], slice(None))[0][1]
    torch.testing.assert_close(moved, latent[1], rtol=0, atol=1e-12)


@every_flow
def test_the_condition_matters(name: str) -> None:
    case = make(name)
    before = case.forward(case.x)[0]
    case.condition = case.condition + 0.1
    assert (case.forward(case.x)[0] - before).abs().max() > 1e-3


@every_flow
def test_samples_follow_the_generator(name: str) -> None:
    case = make(name)

    def draw(seed: int) -> Tensor:
        return case.flow.sample(case.y, case.condition, 5, torch.Generator().manual_seed(seed))

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    together, _ = case.flow.sample_and_log_prob(case.y, case.condition, 5, torch.Generator().manual_seed(1))
    torch.testing.assert_close(together, draw(1), rtol=1e-12, atol=1e-12)


@every_flow
def test_save_and_load(name: str, tmp_path) -> None:
    case = make(name)
    torch.save(case.flow.state_dict(), tmp_path / "weights.pt")
    other = make(name)
    for parameter in other.flow.parameters():
        torch.nn.init.zeros_(parameter)
    assert not torch.equal(other.forward(case.x)[0], case.forward(case.x)[0])
    other.flow.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(other.forward(case.x)[0], case.forward(case.x)[0])
