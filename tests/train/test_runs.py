import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from _toy_pairs import BASIS, toy_batch, toy_config, toy_data, toy_posterior
from lightning_fabric import Fabric

from poseterior.errors import ModelError
from poseterior.flow.config import posterior_config
from poseterior.flow.export import load_flow
from poseterior.flow.model_card import read_card
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.train.batch import Batch
from poseterior.train.config import (
    CriticConfig,
    DataConfig,
    NoiseConfig,
    OptimiserConfig,
    ScheduleConfig,
    TrainConfig,
    ValidationConfig,
)
from poseterior.train.data import TrainingData
from poseterior.train.finish import export_run
from poseterior.train.loop import train
from poseterior.train.optimiser_state import optimiser_tensors
from poseterior.train.runs import Run
from poseterior.train.tracker import read_metrics
from poseterior.train.watcher import Watcher

KINDS = ("likelihood", "wehrbein")


class Silent:
    def show(self, step: int, losses: dict[str, float]) -> None:
        pass

    def note(self, text: str) -> None:
        pass


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    return fabric


def _trained(
    config: TrainConfig, fabric: Fabric, data: TrainingData, *, resume: bool = False, until: int | None = None
) -> Run:
    config.out.mkdir(exist_ok=True)
    run = Run(config, fabric, data)
    if resume:
        run.restore()
    watcher = Watcher(run, data.validation, Silent())
    finished = train(run, watcher, lambda: run.step == until)
    watcher.close()
    assert finished == (until is None)
    return run


def _weights(run: Run) -> dict[str, torch.Tensor]:
    modules = {name: learner.module for name, learner in run.trainee.learners.items()} | {"average": run.flow}
    return {
        f"{module} {name}": tensor.clone()
        for module, weights in modules.items()
        for name, tensor in weights.state_dict().items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_and_resumed_run_is_the_uninterrupted_one_to_the_bit(
    tmp_path: Path, fabric: Fabric, kind: str
):
    data = toy_data()
    through = _trained(toy_config(tmp_path / "through", kind), fabric, data)
    stopped = toy_config(tmp_path / "stopped", kind)
    # inside of a window of losses, between two checkpoints
    assert _trained(stopped, fabric, data, until=7).step == 7
    # what a process draws before must not matter
    torch.manual_seed(123)
    resumed = _trained(stopped, fabric, data, resume=True)
    assert resumed.step == through.step == 12
    expected = _weights(through)
    assert set(_weights(resumed)) == set(expected)
    for name, tensor in _weights(resumed).items():
        assert torch.equal(tensor, expected[name]), name

    def told(run: Run, series: str) -> list[dict]:
        lines = read_metrics(run.config.out / "metrics.jsonl", series)
        return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]

    for series in ("train", "validation"):
        assert told(resumed, series) == told(through, series)
    assert [line["step"] for line in told(through, "train")] == [4, 8, 12]
    assert [line["step"] for line in told(through, "validation")] == [0, 6, 12]


@pytest.mark.parametrize("kind", KINDS)
def test_everything_learns_and_the_average_lags_behind(tmp_path: Path, fabric: Fabric, kind: str):
    config = toy_config(tmp_path, kind)
    before = _weights(Run(config, fabric, toy_data()))
    run = _trained(config, fabric, toy_data())
    after = _weights(run)
    for name, tensor in after.items():
        # a constant added to all scores changes no difference between them
        still = name in ("critic score.bias", "flow scale", "average scale") or not tensor.is_floating_point()
        assert torch.equal(tensor, before[name]) <= still, name
    name = "body.blocks.0.from_first.output.weight"
    assert not torch.equal(after[f"average {name}"], after[f"flow {name}"])


def test_the_paper_s_loop_lowers_its_objective_and_the_best_hypothesis_s_error(
    tmp_path: Path, fabric: Fabric
):
    config = toy_config(
        tmp_path,
        "wehrbein",
        averaging=0.0,
        critic=CriticConfig(steps=1),
        noise=NoiseConfig(),
        optimiser=OptimiserConfig(learning_rate=2e-3),
        schedule=ScheduleConfig(steps=50),
    )
    config = replace(config, watch=replace(config.watch, report_every=10, checkpoint_every=1000))
    _trained(config, fabric, toy_data())
    lines = read_metrics(tmp_path / "metrics.jsonl", "train")
    for name in ("total", "mmd", "det", "mb", "hm"):
        assert lines[-1][name] < 0.85 * lines[0][name], name
    validation = read_metrics(tmp_path / "metrics.jsonl", "validation")
    assert validation[-1]["mpjpe_oracle_best_mm"] < 0.75 * validation[0]["mpjpe_oracle_best_mm"]


def test_a_flow_that_is_not_shown_the_condition_ignores_it(tmp_path: Path, fabric: Fabric):
    noise = NoiseConfig(joint_m=0.01, detection_share=0.2, gaussian_share=0.2)
    moved = {}
    for shown in (True, False):
        data = DataConfig(batch_size=16, condition_shown=shown)
        config = toy_config(tmp_path / str(shown), "wehrbein", data=data, noise=noise)
        flow = _trained(config, fabric, toy_data()).flow
        batch = toy_batch(4, 7)
        vector = torch.zeros(4, 1, 48)
        with torch.no_grad():
            poses = [
                flow.inverse(vector, condition)[0] for condition in (batch.condition, batch.condition + 1)
            ]
        moved[shown] = float((poses[1] - poses[0]).abs().max())
    assert moved[False] == 0.0
    assert moved[True] > 1e-3


def test_without_its_weight_there_is_no_critic(tmp_path: Path, fabric: Fabric):
    config = toy_config(tmp_path, "wehrbein")
    config = replace(config, objective=replace(config.objective, weight_gen=0.0))
    run = Run(config, fabric, toy_data())
    assert set(run.trainee.learners) == {"flow"}
    assert "gen" not in run.one_step()


def test_a_gaussian_posterior_is_recovered_in_mean_covariance_and_density(tmp_path: Path, fabric: Fabric):
    """By the very loop and configuration that users have."""
    config = toy_config(
        tmp_path,
        flow=posterior_config(blocks=3, hidden=32, encoder_hidden=32, encoder_size=16),
        averaging=0.99,
        noise=NoiseConfig(),
        optimiser=OptimiserConfig(learning_rate=5e-3, betas=(0.9, 0.99), clipping="norm", clip_at=100.0),
        schedule=ScheduleConfig(steps=1200, shape="cosine", warmup_steps=50),
    )
    config = replace(
        config,
        data=replace(config.data, batch_size=192, mirrored=False),
        watch=replace(config.watch, report_every=500, checkpoint_every=5000),
        validation=replace(config.validation, every=5000),
    )
    run = _trained(config, fabric, TrainingData(toy_batch(80_000, 0), toy_batch(8, 1), "toy", 1.5))
    gain, covariance = toy_posterior()
    test = toy_batch(20, 2)
    generator = torch.Generator().manual_seed(0)
    assert isinstance(run.flow, PosteriorFlow)
    with torch.no_grad():
        samples = run.flow.sample(test.y, test.condition, 4000, generator)
    state = samples.double() @ BASIS
    expected = test.y.double() @ gain.T
    # in units of the posterior's standard deviation; ignoring y would be off by much more
    posterior_std = covariance.diagonal().sqrt()
    assert ((state.mean(dim=1) - expected) / posterior_std).square().mean().sqrt() < 0.25
    assert (expected / posterior_std).square().mean().sqrt() > 0.8
    found = torch.stack([torch.cov(of_picture.T) for of_picture in state]).mean(dim=0)
    # whitened by the truth, the covariance found is the identity
    root = torch.linalg.inv(torch.linalg.cholesky(covariance))
    eigenvalues = torch.linalg.eigvalsh(root @ found @ root.T)
    assert float(eigenvalues.min()) > 0.8
    assert float(eigenvalues.max()) < 1.5

    others = toy_batch(400, 3)
    with torch.no_grad():
        log_prob = run.flow.log_prob(others.x[:, None], others.y, others.condition)[:, 0].double()
    exact = torch.distributions.MultivariateNormal(others.y.double() @ gain.T, covariance)
    # the Kullback-Leibler divergence from the truth, nats, over 45 dimensions
    assert -0.5 < float((exact.log_prob(others.x.double() @ BASIS) - log_prob).mean()) < 2.0


def test_checkpoints_of_other_runs_are_refused_in_one_sentence(tmp_path: Path, fabric: Fabric):
    config, data = toy_config(tmp_path), toy_data()
    _trained(config, fabric, data, until=5)
    path = tmp_path / "checkpoint.safetensors"

    def refused(words: str, config: TrainConfig = config, data: TrainingData = data) -> None:
        with pytest.raises(ModelError, match=words) as error:
            Run(config, fabric, data).restore()
        assert "checkpoint.safetensors" in str(error.value)

    rate = replace(config, optimiser=replace(config.optimiser, learning_rate=1e-3))
    refused(r"optimiser\.learning_rate = 0\.002, not 0\.001", rate)
    refused("other training pairs", data=toy_data(train=95))
    refused("kind = likelihood, not wehrbein", toy_config(tmp_path, "wehrbein"))
    moved = replace(config, watch=replace(config.watch, report_every=3))
    Run(moved, fabric, data).restore()

    whole = path.read_bytes()
    path.write_bytes(whole[:-50])
    refused("damaged")
    path.unlink()
    refused("there is no checkpoint")
    _foreign(path)
    refused("not written by poseterior train")
    path.write_bytes(whole)
    _without_optimiser(path)
    refused("does not hold the weights")


def _foreign(path: Path) -> None:
    from poseterior.train.checkpoint import Checkpoint, save_checkpoint

    save_checkpoint(path, Checkpoint(3, {"flow": {"a": torch.ones(2)}}, {"training": {}}))


def _without_optimiser(path: Path) -> None:
    from poseterior.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

    whole = load_checkpoint(path)
    tensors = {name: group for name, group in whole.tensors.items() if not name.startswith("optimiser")}
    save_checkpoint(path, Checkpoint(whole.step, tensors, whole.facts))


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_of_the_optimiser_without_the_fused_kernel_is_resumed(
    tmp_path: Path, fabric: Fabric, kind: str
):
    """Earlier versions wrote such checkpoints."""
    config, data = toy_config(tmp_path, kind), toy_data()
    run = Run(config, fabric, data)
    for learner in run.trainee.learners.values():
        for group in learner.optimiser.param_groups:
            group["fused"] = False
    for _ in range(6):
        run.one_step()
    run.save()
    resumed = Run(config, fabric, data)
    resumed.restore()
    for name, learner in resumed.trainee.learners.items():
        old, new = (optimiser_tensors(each.trainee.learners[name].optimiser) for each in (run, resumed))
        assert all(group["fused"] for group in learner.optimiser.param_groups)
        assert old.keys() == new.keys()
        for key, tensor in old.items():
            assert torch.equal(new[key], tensor), f"{name} {key}"
    # one goes on without the kernel and one with it: the same weights, but for rounding
    begun = _weights(run)
    for each in (run, resumed):
        for _ in range(3):
            each.one_step()
    for name, tensor in _weights(run).items():
        torch.testing.assert_close(_weights(resumed)[name], tensor, rtol=1e-3, atol=1e-4, msg=name)
    moved = [not torch.allclose(begun[name], tensor, atol=1e-3) for name, tensor in _weights(run).items()]
    assert sum(moved) > len(moved) / 2


def test_divergence_is_told_and_the_last_good_state_stays(tmp_path: Path, fabric: Fabric):
    config = toy_config(tmp_path)
    _trained(config, fabric, toy_data(), until=9)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    run = Run(config, fabric, toy_data())
    run.restore()
    with torch.no_grad():
        next(run.trainee.flow.parameters()).fill_(float("nan"))
    with pytest.raises(ModelError, match="diverged before step 10: nll_nats is no longer finite"):
        train(run, Watcher(run, toy_data().validation, Silent()))
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_is_the_averaged_flow_with_a_card_that_tells_the_run(
    tmp_path: Path, fabric: Fabric, kind: str
):
    data = toy_data()
    run = _trained(toy_config(tmp_path, kind), fabric, data)
    export_run(run, data)
    card, flow = read_card(tmp_path / "model"), load_flow(tmp_path / "model")
    for name, tensor in run.flow.state_dict().items():
        assert torch.equal(flow.state_dict()[name], tensor), name
    assert (card.detector_profile, card.sigma_confident_cells, card.seed) == ("toy", 1.5, 0)
    training = card.metrics["training"]
    assert training["steps_done"] == 12
    assert training["configuration"]["optimiser"]["learning_rate"] == 2e-3
    assert training["validation_curve"][-1]["step"] == card.metrics["validation"]["step"] == 12
    assert str(tmp_path) not in json.dumps(card.metrics)


def _overfitting(out: Path, every: int) -> TrainConfig:
    """Few pairs and fast: validation is best before the end."""
    return toy_config(
        out,
        averaging=0.0,
        data=DataConfig(batch_size=16),
        noise=NoiseConfig(),
        optimiser=OptimiserConfig(learning_rate=5e-3),
        schedule=ScheduleConfig(steps=60),
        validation=ValidationConfig(every=every, pictures=8, hypotheses=5, figure=False, choose="nll_nats"),
    )


def test_the_model_is_of_the_step_that_validation_chose(tmp_path: Path, fabric: Fabric):
    data = toy_data()
    config = _overfitting(tmp_path, every=10)
    run = _trained(config, fabric, toy_data(train=32), until=35)
    run = _trained(config, fabric, toy_data(train=32), resume=True)
    lines = read_metrics(tmp_path / "metrics.jsonl", "validation")
    best = min(lines, key=lambda line: line["nll_nats"])
    assert 0 < best["step"] < 60
    export_run(run, data)
    card, flow = read_card(tmp_path / "model"), load_flow(tmp_path / "model")
    assert card.metrics["training"]["chosen_step"] == card.metrics["validation"]["step"] == best["step"]
    assert _nll_nats(flow, data) == pytest.approx(best["nll_nats"], abs=1e-4)


def test_the_best_step_becomes_the_model_even_if_its_measurement_was_lost_to_a_kill(
    tmp_path: Path, fabric: Fabric
):
    data = toy_data(train=32)
    config = _overfitting(tmp_path, every=10)
    config = replace(config, watch=replace(config.watch, checkpoint_every=6))
    run = Run(config, fabric, data)
    watcher = Watcher(run, data.validation, Silent())

    def kill() -> bool:
        if run.step == 10:
            raise _KilledError
        return False

    with pytest.raises(_KilledError):
        train(run, watcher, kill)
    watcher.close()
    measured = read_metrics(tmp_path / "metrics.jsonl", "validation")[-1]
    assert measured["step"] == 10

    # from the checkpoint of step 6 on only the end is measured, by when the flow has long overfitted
    seldom = replace(config, validation=replace(config.validation, every=1000))
    run = _trained(seldom, fabric, data, resume=True)
    lines = read_metrics(tmp_path / "metrics.jsonl", "validation")
    assert [line["step"] for line in lines] == [0, 60]
    assert measured["nll_nats"] < min(line["nll_nats"] for line in lines)
    export_run(run, data)
    metrics, flow = read_card(tmp_path / "model").metrics, load_flow(tmp_path / "model")
    assert metrics["training"]["chosen_step"] == 10
    assert metrics["validation"] == {**measured, "pictures": 8, "hypotheses": 5}
    assert _nll_nats(flow, data) == pytest.approx(measured["nll_nats"], abs=1e-4)


class _KilledError(Exception):
    pass


def _nll_nats(flow: PosteriorFlow, data: TrainingData) -> float:
    batch = Batch(*(values[:8] for values in data.validation))
    with torch.no_grad():
        return -float(flow.log_prob(batch.x[:, None], batch.y, batch.condition).mean())


def test_gradients_are_clipped_as_asked(fabric: Fabric):
    from poseterior.train.learner import Learner

    clipped = {}
    for clipping in ("none", "value", "norm"):
        module = torch.nn.Linear(2, 1, bias=False)
        learner = Learner(module, OptimiserConfig(clip_at=1.0), fabric, clipping)
        norm = learner.update(module(torch.tensor([[3.0, 0.4]])).sum(), 0.0)
        assert float(norm) == pytest.approx((9 + 0.16) ** 0.5)
        clipped[clipping] = module.weight.grad[0].tolist()
    assert clipped["none"] == pytest.approx([3.0, 0.4])
    assert clipped["value"] == pytest.approx([1.0, 0.4])
    assert clipped["norm"] == pytest.approx([3 / 9.16**0.5, 0.4 / 9.16**0.5], rel=1e-5)


def test_weight_decay_is_for_matrices_alone_and_the_rate_is_scheduled(fabric: Fabric):
    from poseterior.train.learner import Learner

    module = torch.nn.Linear(1, 1)
    with torch.no_grad():
        module.weight.fill_(1.0)
        module.bias.fill_(1.0)
    learner = Learner(module, OptimiserConfig(learning_rate=0.1, weight_decay=0.5), fabric, "none")
    learner.update(0.0 * module(torch.ones(1, 1)).sum(), 0.5)
    assert module.weight.item() == pytest.approx(1 - 0.05 * 0.5)
    assert module.bias.item() == 1.0
