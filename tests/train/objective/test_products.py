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
        for left, right in ((x, weight), (x.T.contiguous().T, weight.T.contiguous().T)):
            found = products.linear(left, right, b, relu=relu)
            assert found.dtype == dtype
            torch.testing.assert_close(found.double(), expected, rtol=tolerance, atol=tolerance)
