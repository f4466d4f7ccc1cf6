"""The torch-free runtime against the torch modules that it was exported from."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from poseterior.errors import InputError
from poseterior.flow import runtime as runtime_module
from poseterior.flow.config import ConditionInput
from poseterior.flow.export import Flow
from poseterior.flow.runtime import FlowRuntime
from poseterior.models.posterior_flow import PosteriorFlow

LATENT = {"posterior": 45, "bijective": 16}
families = pytest.mark.parametrize("family", ["posterior", "bijective"])


def given(pictures: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.standard_normal((pictures, 32)), rng.standard_normal((pictures, 78))


def latents(family: str, pictures: int, hypotheses: int) -> np.ndarray:
    return np.random.default_rng(2).standard_normal((pictures, hypotheses, LATENT[family]))


def torch_inverse(flow: Flow, latent: np.ndarray, y: np.ndarray, condition: np.ndarray):
    """Poses and log-density in float64, from the torch module."""
    flow = flow.double()
    u, y_t, c_t = (torch.from_numpy(array) for array in (latent, y, condition))
    with torch.no_grad():
        if isinstance(flow, PosteriorFlow):
            x = flow.inverse(u, y_t, c_t)[0]
            return x.numpy(), flow.log_prob(x, y_t, c_t).numpy()
        vectors = torch.cat([u, y_t[:, None].expand(-1, u.shape[1], -1)], dim=-1)
        return flow.inverse(vectors, c_t)[0].numpy(), flow.log_prob(u, y_t, c_t).numpy()


def assert_log_prob_close(family: str, log_prob: np.ndarray, expected: np.ndarray) -> None:
    """All within 1e-4; but where a ReLU is at its kink to within rounding, the manifold density may jump."""
    errors = np.abs(log_prob - expected)
    if family == "posterior":
        assert errors.max() <= 1e-4
    else:
        assert np.mean(errors > 1e-4) <= 0.01
        assert errors.max() <= 0.05


@families
@pytest.mark.parametrize("clamp", ["paper", "official"])
@pytest.mark.parametrize(("pictures", "hypotheses"), [(1, 1), (1, 300), (5, 2), (3, 140)])
def test_inverse_equals_torch(exported, family: str, clamp: str, pictures: int, hypotheses: int) -> None:
    # 301 hidden units are summed in pieces of unequal length
    flow, folder = exported(family, clamp=clamp, hidden=40 if clamp == "paper" else 301, std=None)
    latent, (y, condition) = latents(family, pictures, hypotheses), given(pictures)
    vectors, log_prob = FlowRuntime.load(folder).inverse(latent, y, condition)
    expected, expected_log_prob = torch_inverse(flow, latent, y, condition)
    assert vectors.shape == (pictures, hypotheses, 48)
    np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-4)
    assert_log_prob_close(family, log_prob, expected_log_prob)


def torch_forward(flow: Flow, x: np.ndarray, y: np.ndarray, condition: np.ndarray):
    """Latents and log-density in float64, from the torch module."""
    flow = flow.double()
    x_t, y_t, c_t = (torch.from_numpy(array) for array in (x, y, condition))
    with torch.no_grad():
        if isinstance(flow, PosteriorFlow):
            return flow(x_t, y_t, c_t)[0].numpy(), flow.log_prob(x_t, y_t, c_t).numpy()
        # every pose has a 2D pose of its own: as if each came from its own picture
        single = flow(x_t, c_t)[0].reshape(-1, 1, 48)
        repeated = c_t.repeat_interleave(x.shape[1], dim=0)
        log_prob = flow.log_prob(single[..., :16], single[:, 0, 16:], repeated)
        return single[..., :16].reshape(*x.shape[:2], 16).numpy(), log_prob.reshape(x.shape[:2]).numpy()


@families
@pytest.mark.parametrize(("pictures", "hypotheses"), [(1, 150), (4, 3)])
def test_forward_equals_torch(exported, family: str, pictures: int, hypotheses: int) -> None:
    flow, folder = exported(family)
    y, condition = given(pictures)
    x = np.random.default_rng(3).standard_normal((pictures, hypotheses, 48)) * 0.2
    latent, log_prob = FlowRuntime.load(folder).forward(x, y, condition)
    expected, expected_log_prob = torch_forward(flow, x, y, condition)
    np.testing.assert_allclose(latent, expected, rtol=0, atol=1e-4)
    assert_log_prob_close(family, log_prob, expected_log_prob)


@families
def test_forward_returns_what_inverse_started_from(exported, family: str) -> None:
    _, folder = exported(family)
    latent, (y, condition) = latents(family, 2, 30), given(2)
    runtime = FlowRuntime.load(folder)
    vectors, log_prob = runtime.inverse(latent, y, condition)
    again, log_prob_again = runtime.forward(vectors, y, condition)
    np.testing.assert_allclose(again, latent, rtol=0, atol=1e-4)
    np.testing.assert_allclose(log_prob_again, log_prob, rtol=0, atol=1e-3)


@families
def test_vectors_are_those_of_inverse(exported, family: str) -> None:
    _, folder = exported(family)
    latent, (y, condition) = latents(family, 2, 30), given(2)
    runtime = FlowRuntime.load(folder)
    np.testing.assert_allclose(
        runtime.vectors(latent, y, condition), runtime.inverse(latent, y, condition)[0], rtol=0, atol=1e-6
    )


@families
def test_results_do_not_depend_on_batch_chunks_or_threads(exported, family: str, monkeypatch) -> None:
    _, folder = exported(family)
    latent, (y, condition) = latents(family, 6, 50), given(6)
    vectors, log_prob = FlowRuntime.load(folder, num_threads=2).inverse(latent, y, condition)
    single = FlowRuntime.load(folder, num_threads=1)
    for picture in (0, 5):
        one = slice(picture, picture + 1)
        alone, alone_log_prob = single.inverse(latent[one, 7:9], y[one], condition[one])
        np.testing.assert_allclose(alone, vectors[one, 7:9], rtol=0, atol=2e-6)
        np.testing.assert_allclose(alone_log_prob, log_prob[one, 7:9], rtol=0, atol=2e-5)
    monkeypatch.setattr(runtime_module, "CHUNK_ROWS", 7)
    monkeypatch.setattr(runtime_module, "JACOBIAN_CHUNK_ROWS", 3)
    monkeypatch.setattr(runtime_module, "PICTURES_AT_ONCE", 4)
    monkeypatch.setattr(runtime_module, "FEW_HYPOTHESES", 1000)
    other, other_log_prob = single.inverse(latent, y, condition)
    np.testing.assert_allclose(other, vectors, rtol=0, atol=2e-6)
    np.testing.assert_allclose(other_log_prob, log_prob, rtol=0, atol=2e-5)


def test_encoder_inputs_follow_the_config(exported) -> None:
    inputs: tuple[ConditionInput, ...] = ("condition", "y")
    flow, folder = exported("posterior", inputs=inputs, permutation="reverse", blocks=3)
    latent, (y, condition) = latents("posterior", 2, 5), given(2)
    vectors, _ = FlowRuntime.load(folder).inverse(latent, y, condition)
    np.testing.assert_allclose(vectors, torch_inverse(flow, latent, y, condition)[0], rtol=0, atol=1e-5)


def test_error_against_float64_is_no_larger_than_the_layer_by_layer_route(exported) -> None:
    flow, folder = exported("bijective", hidden=256, std=None)
    latent, (y, condition) = latents("bijective", 1, 500), given(1)
    vectors = FlowRuntime.load(folder).vectors(latent, y, condition)
    with torch.no_grad():
        repeated = torch.from_numpy(np.repeat(condition, 500, axis=0)).float()
        joined = np.concatenate([latent[0], np.repeat(y, 500, axis=0)], axis=1)
        layerwise = flow.float().inverse(torch.from_numpy(joined).float()[:, None], repeated)[0][:, 0].numpy()
    exact, _ = torch_inverse(flow, latent, y, condition)

    def error(values: np.ndarray) -> float:
        return float(np.sqrt(np.mean((values - exact[0]) ** 2)))

    assert 0 < error(vectors[0]) < 1.05 * error(layerwise)


@pytest.mark.parametrize(
    ("latent", "y", "condition", "message"),
    [
        ((1, 5, 44), (1, 32), (1, 78), "latent of shape .*45"),
        ((1, 5, 45), (2, 32), (1, 78), "y of shape"),
        ((1, 5, 45), (1, 32), (1, 77), "condition of shape"),
    ],
)
def test_wrong_shapes_are_named(exported, latent, y, condition, message: str) -> None:
    _, folder = exported("posterior")
    runtime = FlowRuntime.load(folder)
    inverse = getattr(FlowRuntime.inverse, "__wrapped__", FlowRuntime.inverse)
    with pytest.raises(InputError, match=message):
        inverse(runtime, np.zeros(latent), np.zeros(y), np.zeros(condition))


@families
@pytest.mark.parametrize(("pictures", "hypotheses"), [(0, 3), (2, 0)])
def test_nothing_to_do_gives_empty_arrays(exported, family: str, pictures: int, hypotheses: int) -> None:
    _, folder = exported(family)
    y, condition = given(pictures)
    vectors, log_prob = FlowRuntime.load(folder).inverse(latents(family, pictures, hypotheses), y, condition)
    assert vectors.shape == (pictures, hypotheses, 48)
    assert log_prob.shape == (pictures, hypotheses)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e39])
def test_values_that_are_not_finite_in_float32_are_refused(exported, bad: float) -> None:
    _, folder = exported("posterior")
    y, condition = given(1)
    condition[0, 3] = bad
    with pytest.raises(InputError, match="condition holds NaN"):
        FlowRuntime.load(folder).inverse(latents("posterior", 1, 2), y, condition)


def test_inference_needs_neither_torch_nor_onnx_nor_safetensors(exported) -> None:
    _, folder = exported("bijective")
    program = f"""
import sys
for name in ("torch", "onnx", "safetensors"):
    sys.modules[name] = None
from pathlib import Path
import numpy as np
from poseterior.flow.runtime import FlowRuntime
runtime = FlowRuntime.load(Path({str(folder)!r}))
rng = np.random.default_rng(0)
vectors, log_prob = runtime.inverse(
    rng.standard_normal((1, 4, 16)), rng.standard_normal((1, 32)), rng.standard_normal((1, 78))
)
print(vectors.shape, np.isfinite(log_prob).all())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(1, 4, 48) True", done.stderr
