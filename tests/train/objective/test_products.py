import pytest
import torch

from poseterior.train.objective import products


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("onednn", [False, True])
def test_products_of_rows_and_of_transposed_views(dtype, relu, onednn, monkeypatch) -> None:
    if onednn and not products._ONEDNN:
        pytest.skip("this PyTorch has no oneDNN")
    monkeypatch.setattr(products, "_ONEDNN", onednn)
    torch.manual_seed(0)
    x, weight, bias = torch.randn(40, 30).to(dtype), torch.randn(7, 30).to(dtype), torch.randn(7).to(dtype)
    tolerance = {torch.float32: 1e-5, torch.float64: 1e-13}[dtype]
    for b in (None, bias):
        exact = x.double() @ weight.double().T + (0 if b is None else b.double())
        expected = exact.clamp_min(0) if relu else exact
        padded = torch.cat([weight, weight], dim=1)[:, :30]
        for left, right in ((x, weight), (x.T.contiguous().T, weight.T.contiguous().T), (x, padded)):
            found = products.linear(left, right, b, relu=relu)
            assert found.dtype == dtype
            torch.testing.assert_close(found.double(), expected, rtol=tolerance, atol=tolerance)


def test_product_is_twice_differentiable() -> None:
    torch.manual_seed(0)
    a = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    b = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(products.Product.apply, (a, b))
    assert torch.autograd.gradgradcheck(products.Product.apply, (a, b))


def test_quick_layer_is_the_linear_layer_up_to_rounding() -> None:
    torch.manual_seed(0)
    quick, plain = products.QuickLinear(30, 7), torch.nn.Linear(30, 7).double()
    plain.load_state_dict(quick.state_dict())
    x, weight = torch.randn(9, 30), torch.randn(9, 7)
    found = []
    for layer, dtype in ((quick, torch.float32), (plain, torch.float64)):
        value = x.to(dtype).requires_grad_()
        (slope,) = torch.autograd.grad(
            (layer(value).tanh() * weight.to(dtype)).sum(), value, create_graph=True
        )
        gradients = torch.autograd.grad(slope.square().sum(), [value, *layer.parameters()])
        found.append([gradient.double() for gradient in gradients])
    for ours, exact in zip(*found, strict=True):
        torch.testing.assert_close(ours, exact, rtol=1e-4, atol=1e-4)
