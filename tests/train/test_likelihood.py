from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from poseterior.errors import ModelError
from poseterior.flow.centred import centred_basis
from poseterior.flow.config import posterior_config
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.train.likelihood import Batch, LikelihoodConfig, LikelihoodRun, Progress

FLOW = posterior_config(blocks=4, hidden=32, encoder_hidden=32, encoder_size=16)
SHORT = LikelihoodConfig(steps=30, warmup_steps=5, learning_rate=2e-3)
BASIS = torch.from_numpy(centred_basis())


class LinearGaussian:
    """p(x) = N(0, S), y = A x + noise: the posterior is Gaussian with a mean that is linear in y."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        # a few strong directions in the 45-dimensional space, weak noise in the others
        mixing = torch.randn(45, 4, generator=generator, dtype=torch.float64) * 0.2
        self.prior = mixing @ mixing.T + 0.05**2 * torch.eye(45, dtype=torch.float64)
        self.seen = torch.randn(32, 45, generator=generator, dtype=torch.float64) / 3
        self.noise_std = 0.3
        self.root = torch.linalg.cholesky(self.prior)

    def batch(self, step: int, size: int = 256) -> Batch:
        generator = torch.Generator().manual_seed(1000 + step)
        state = torch.randn(size, 45, generator=generator, dtype=torch.float64) @ self.root.T
        noise = self.noise_std * torch.randn(size, 32, generator=generator, dtype=torch.float64)
        y = state @ self.seen.T + noise
        return Batch((state @ BASIS.T).float(), y.float(), torch.zeros(size, 78))

    def posterior(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Gain (mean = gain @ y) and covariance, in the centred coordinates."""
        observed = self.seen @ self.prior @ self.seen.T + self.noise_std**2 * torch.eye(32)
        gain = torch.linalg.solve(observed, self.seen @ self.prior).T
        return gain, self.prior - gain @ self.seen @ self.prior


def _run(path: Path | None = None, config: LikelihoodConfig = SHORT) -> LikelihoodRun:
    torch.manual_seed(0)
    toy = LinearGaussian()
    flow = PosteriorFlow(FLOW)
    flow.set_scale_from(toy.batch(10**6, 4000).x)
    return LikelihoodRun(flow, config, toy.batch, path, {"toy": 1})


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_gaussian_posterior_is_recovered_in_mean_covariance_and_density():
    toy = LinearGaussian()
    flow = _run(config=LikelihoodConfig(steps=2500, warmup_steps=100, learning_rate=3e-3)).train()
    gain, covariance = toy.posterior()
    test = toy.batch(10**7, 400)
    with torch.no_grad():
        samples = flow.sample(test.y[:20], test.condition[:20], 4000, torch.Generator().manual_seed(0))
        log_prob = flow.log_prob(test.x[:, None], test.y, test.condition)[:, 0].double()
    state = samples.double() @ BASIS
    expected_mean = test.y[:20].double() @ gain.T
    prior_std = toy.prior.diagonal().sqrt()
    posterior_std = covariance.diagonal().sqrt()
    # a posterior that ignored y would be off by the spread of the true means
    ignoring = ((expected_mean - 0) / prior_std).square().mean().sqrt()
    error = ((state.mean(dim=1) - expected_mean) / prior_std).square().mean().sqrt()
    assert error < 0.1
    assert ignoring > 0.5
    std_ratio = state.std(dim=1).mean(dim=0) / posterior_std
    assert float(std_ratio.min()) > 0.9
    assert float(std_ratio.max()) < 1.15

    exact = torch.distributions.MultivariateNormal(test.y.double() @ gain.T, covariance)
    exact_log_prob = exact.log_prob(test.x.double() @ BASIS)
    gap_nats = float((exact_log_prob - log_prob).mean())
    # the Kullback-Leibler divergence to the truth, over 45 dimensions
    assert -0.5 < gap_nats < 3.0


def test_a_resumed_run_ends_with_the_very_weights_of_an_uninterrupted_one(tmp_path: Path):
    through = _run()
    through.train()

    path = tmp_path / "run.safetensors"
    _run(path).train(until=17, checkpoint_every=10)
    resumed = _run(path)
    with torch.no_grad():
        for parameter in resumed.flow.parameters():
            parameter.zero_()
    resumed.resume()
    assert resumed.step == 17
    resumed.train()
    assert resumed.step == 30
    for trained, again in ((through.flow, resumed.flow), (through.average, resumed.average)):
        for name, tensor in trained.state_dict().items():
            assert torch.equal(tensor, again.state_dict()[name]), name


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path):
    path = tmp_path / "run.safetensors"
    _run(path).train(until=5, checkpoint_every=5)
    with pytest.raises(ModelError, match="other settings"):
        _run(path, replace(SHORT, steps=31)).resume()
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="damaged"):
        _run(path).resume()
    with pytest.raises(ModelError, match="no checkpoint"):
        _run().resume()


def test_progress_is_reported_and_the_average_lags_behind(tmp_path: Path):
    reports: list[Progress] = []
    run = _run()
    average = run.train(reports.append, report_every=10)
    assert [report.step for report in reports] == [10, 20, 30]
    assert reports[-1].loss < reports[0].loss
    assert reports[-1].learning_rate < 1e-4 < reports[0].learning_rate
    assert not average.training
    name = "body.blocks.0.from_first.output.weight"
    assert not torch.equal(average.state_dict()[name], run.flow.state_dict()[name])


def test_divergence_is_told_and_no_checkpoint_is_written(tmp_path: Path):
    run = _run(tmp_path / "run.safetensors")
    good = run.batch_of_step
    run.batch_of_step = lambda step: Batch(good(step).x * np.nan, *good(step)[1:])
    with pytest.raises(ModelError, match="diverged"):
        run.train(report_every=5, checkpoint_every=5)
    assert not (tmp_path / "run.safetensors").exists()
