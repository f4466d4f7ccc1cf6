import pytest
import torch

from poseterior.flow.config import FlowConfig
from poseterior.models.wehrbein import WehrbeinFlow, join_latent
from poseterior.train.objective.inverse_pass import InversePass, joined_traces, rows_of_trace


def pieces_gradient(flow, batch, vectors, weight, parts):
    inverse_pass = InversePass(flow, flow.body.shares(batch.condition))
    for pictures in parts:
        x, trace = inverse_pass.inverse(vectors[pictures], pictures)
        torch.testing.assert_close(x, flow.inverse(vectors, batch.condition)[0][pictures], rtol=0, atol=1e-13)
        inverse_pass.add_gradient(trace, weight[pictures], pictures)
    return torch.cat([value.flatten() for value in inverse_pass.parameter_gradients()])


@pytest.mark.parametrize("parts", [[[0, 1, 2, 3, 4, 5]], [[4], [0, 5], [2, 1, 3]]])
@pytest.mark.parametrize("clamp", ["paper", "official"])
def test_gradient_is_autograds_whatever_the_pieces(batch, tools, parts, clamp) -> None:
    torch.manual_seed(1)
    flow = WehrbeinFlow(FlowConfig(blocks=3, hidden=17, encoder_size=5, clamp=clamp)).double()
    vectors = join_latent(torch.randn(6, 4, 16, dtype=torch.float64), batch.y)
    weight = torch.randn(6, 4, 48, dtype=torch.float64)
    expected = tools.flat_gradient((flow.inverse(vectors, batch.condition)[0] * weight).sum(), flow)
    found = pieces_gradient(flow, batch, vectors, weight, [torch.tensor(part) for part in parts])
    assert (found - expected).norm() < 1e-12 * expected.norm()


def test_chosen_rows_of_joined_pieces(flow, batch, tools) -> None:
    vectors = join_latent(torch.randn(6, 5, 16, dtype=torch.float64), batch.y)
    rows = torch.tensor([[0, 3], [4, 4], [1, 2], [2, 0], [3, 1], [0, 1]])
    weight = torch.randn(6, 2, 48, dtype=torch.float64)
    x = flow.inverse(vectors, batch.condition)[0]
    chosen = torch.stack([x[picture, rows[picture]] for picture in range(6)])
    expected = tools.flat_gradient((chosen * weight).sum(), flow)
    inverse_pass = InversePass(flow, flow.body.shares(batch.condition))
    parts = [torch.tensor([5, 0]), torch.tensor([1, 2, 3, 4])]
    traces = [rows_of_trace(inverse_pass.inverse(vectors[part], part)[1], rows[part]) for part in parts]
    pictures = torch.cat(parts)
    inverse_pass.add_gradient(joined_traces(traces), weight[pictures], pictures)
    found = torch.cat([value.flatten() for value in inverse_pass.parameter_gradients()])
    assert (found - expected).norm() < 1e-12 * expected.norm()


def test_frozen_parameters_get_no_gradient(flow, batch) -> None:
    flow.body.encoder.requires_grad_(False)
    inverse_pass = InversePass(flow, flow.body.shares(batch.condition))
    pictures = torch.arange(6)
    vectors = join_latent(torch.randn(6, 2, 16, dtype=torch.float64), batch.y)
    _, trace = inverse_pass.inverse(vectors, pictures)
    inverse_pass.add_gradient(trace, torch.ones_like(vectors), pictures)
    trained = [parameter for parameter in flow.parameters() if parameter.requires_grad]
    assert [gradient.shape for gradient in inverse_pass.parameter_gradients()] == [p.shape for p in trained]
