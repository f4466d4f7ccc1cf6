import subprocess
import sys

import numpy as np
import pytest
import torch
from _density_lifters import pictures, small_density_lifter
from _toy_linear_gaussian import BASIS, examine, fit, linear_gaussian_toy
from scipy.stats import norm

from poseterior.errors import ModelError
from poseterior.models.spline_flow import SplineFlow, SplineFlowConfig

SMALL = {"layers": 3, "bins": 4, "hidden": 12, "encoder_hidden": 10, "encoder_size": 6}


def small():
    return small_density_lifter("spline_flow", **SMALL)


def test_log_prob_and_loss_follow_from_the_jacobian_of_the_draws():
    lifter = small()
    y, condition = pictures(2)
    noise = torch.randn(2, 45, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected, poses = [], []
    for row in range(2):

        def pose(code, row=row):
            return lifter.draw(y[row : row + 1], condition[row : row + 1], code[None, None])[0, 0] @ BASIS

        jacobian = torch.autograd.functional.jacobian(pose, noise[row])
        log_det = np.linalg.slogdet(jacobian.numpy())[1]
        # the splines' part is not lost in the standardisation's
        assert abs(log_det + float(lifter.coordinates.log_det())) > 0.1
        expected.append(norm.logpdf(noise[row].numpy()).sum() - log_det)
        poses.append(pose(noise[row]).detach() @ BASIS.T)
    x = torch.stack(poses)
    log_prob = lifter.log_prob(x[:, None], y, condition)
    np.testing.assert_allclose(log_prob[:, 0].detach(), expected, rtol=0, atol=1e-8)
    loss = lifter.losses(x, y, condition, torch.Generator())["total"]
    assert loss.item() == pytest.approx(-np.mean(expected), abs=1e-8)


def test_far_poses_have_a_finite_density():
    lifter = small()
    y, condition = pictures()
    assert lifter.log_prob(torch.full((3, 1, 48), 50.0).double().cumsum(-1), y, condition).isfinite().all()


def test_weights_are_all_there_is_to_store():
    lifter = small()
    y, condition = pictures()
    noise = torch.randn(3, 2, 45, dtype=torch.float64)
    weights = lifter.state_dict()
    assert {tensor.dtype for tensor in weights.values()} == {torch.float64}
    torch.manual_seed(9)
    other = SplineFlow(lifter.config).double()
    other.load_state_dict(weights)
    torch.testing.assert_close(other.draw(y, condition, noise), lifter.draw(y, condition, noise))


def test_the_default_has_about_the_size_of_the_posterior_flow():
    pytest.importorskip("zuko", reason="the optional package zuko is not installed")
    assert sum(parameter.numel() for parameter in SplineFlow().parameters()) == 2_190_202


def test_a_missing_package_is_said_in_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "zuko", None)
    with pytest.raises(ModelError, match=r"needs the package zuko.*poseterior\[zuko\]"):
        SplineFlow()


def test_the_module_is_importable_without_the_package():
    code = "import sys; sys.modules['zuko'] = None; import poseterior.models.spline_flow"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_linear_gaussian_posterior_is_recovered():
    pytest.importorskip("zuko", reason="the optional package zuko is not installed")
    torch.manual_seed(0)
    toy = linear_gaussian_toy()
    sizes = SplineFlowConfig(layers=3, bins=3, hidden=96, encoder_hidden=64, encoder_size=8)
    lifter = fit(SplineFlow(sizes), toy, steps=500, pairs=192, learning_rate=4e-3)
    found = examine(lifter, toy)
    # nine tenths of what the truth has over independent coordinates without a picture, 27 nats
    assert -1.0 < found.nll - toy.entropy < 0.1 * (toy.marginal_nll - toy.entropy)
    assert found.mean_error.square().mean().sqrt() < 0.15
    difference = found.covariance - torch.eye(45)
    assert difference.square().mean().sqrt() < 0.1
