import numpy as np
import pytest
import torch
from _leaning_people import fit_leaning_people, lean_of, leaning_people
from torch import Tensor
from torch.func import functional_call

from poseterior.errors import ModelError
from poseterior.flow.centred import centred_basis
from poseterior.geometry.normalise import vector_from_pose
from poseterior.models.cvae import CVAE, CVAEConfig, ordinal_relations, ordinal_weighted_mean
from poseterior.skeleton import FLOW_16, H36M_17

BASIS = torch.from_numpy(centred_basis())


def small_model(**sizes) -> tuple[CVAE, Tensor, Tensor, Tensor]:
    """A random model in float64 with its scale set and without dropout, and three pictures' x, y, condition."""
    torch.manual_seed(0)
    sizes = {"hidden": 6, "blocks": 1, "latent": 2, "dropout": 0.0, "train_samples": 3} | sizes
    model = CVAE(CVAEConfig(**sizes)).double()
    y, condition = torch.randn(50, 32, dtype=torch.float64), torch.randn(50, 78, dtype=torch.float64)
    x = torch.randn(50, 45, dtype=torch.float64) * torch.linspace(0.05, 0.5, 45) @ BASIS.T + 0.1
    model.set_scale_from(x, y, condition)
    return model, x[:3], y[:3], condition[:3]


def test_scale_standardises_every_coordinate() -> None:
    model, *_ = small_model()
    torch.manual_seed(1)
    x = torch.randn(400, 48, dtype=torch.float64) * torch.linspace(0.1, 2, 48) + torch.linspace(-1, 1, 48)
    model.set_scale_from(x, torch.zeros(400, 32).double(), torch.zeros(400, 78).double())
    standardised = (x - model.mean_pose) / model.scale
    torch.testing.assert_close(standardised.mean(0), torch.zeros(48).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(standardised.std(0), torch.ones(48).double())


def test_losses_are_the_papers_term_by_term() -> None:
    model, x, y, condition = small_model(alpha=0.3, kl_weight=7.0, reconstruction_weight=20.0)
    model.eval()
    losses = model.losses(x, y, condition, torch.Generator().manual_seed(5))
    noise = torch.randn(2, 3, 3, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    cvae = gsnn = kl = 0.0
    with torch.no_grad():
        for picture in range(3):
            target = (x[picture] - model.mean_pose) / model.scale
            encoded = model.encoder(torch.cat([target, y[picture]])[None])[0]
            mean, deviation = encoded[:2], encoded[2:].mul(0.5).exp()
            decoded = {"posterior": torch.zeros(48).double(), "prior": torch.zeros(48).double()}
            features = model.picture_features(y[picture : picture + 1])[0]
            for sample in range(3):
                latents = {
                    "posterior": mean + deviation * noise[0, picture, sample],
                    "prior": noise[1, picture, sample],
                }
                for name, latent in latents.items():
                    decoded[name] += model.decoder(torch.cat([latent, features])[None])[0] / 3
            cvae += 20.0 * 0.3 * float((decoded["posterior"] - target).square().mean()) / 3
            gsnn += 20.0 * 0.7 * float((decoded["prior"] - target).square().mean()) / 3
            normal = torch.distributions.Normal
            divergence = torch.distributions.kl_divergence(normal(mean, deviation), normal(0.0, 1.0))
            kl += 7.0 * float(divergence.mean()) / 3
    assert {name: value.item() for name, value in losses.items()} == pytest.approx(
        {"cvae": cvae, "gsnn": gsnn, "kl": kl, "total": cvae + gsnn + kl}, rel=1e-6
    )
    torch.testing.assert_close(losses["total"].item(), cvae + gsnn + kl, rtol=1e-7, atol=0)


def test_losses_are_a_function_of_the_generator() -> None:
    model, x, y, condition = small_model()
    first, again, other = (
        model.losses(x, y, condition, torch.Generator().manual_seed(seed))["total"].item()
        for seed in (1, 1, 2)
    )
    assert first == again
    assert abs(first - other) > 1e-6


@pytest.mark.parametrize("inputs", [("y",), ("y", "condition")])
def test_gradients_are_right_by_finite_differences(inputs: tuple) -> None:
    model, x, y, condition = small_model(inputs=inputs, hidden=4, train_samples=2)
    names, values = zip(*model.named_parameters(), strict=True)

    class Loss(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self) -> Tensor:
            return self.model.losses(x, y, condition, torch.Generator().manual_seed(0))["total"]

    module = Loss()

    def total(*parameters: Tensor) -> Tensor:
        named = {f"model.{name}": value for name, value in zip(names, parameters, strict=True)}
        return functional_call(module, named, ())

    # along random directions of all parameters at once
    assert torch.autograd.gradcheck(total, values, fast_mode=True)
    gradients = torch.autograd.grad(total(*values), values)
    assert all(gradient.abs().max() > 1e-9 for gradient in gradients)


def test_there_is_no_density() -> None:
    model, x, y, condition = small_model()
    assert not model.gives_log_prob
    with pytest.raises(ModelError, match="cvae has no density"):
        model.log_prob(x[:, None], y, condition)


def test_published_sizes() -> None:
    model = CVAE()
    assert model.noise_size == 256
    assert model.picture_features[0].weight.shape == (768, 32)
    linear = [layer.weight.shape for layer in model.decoder.modules() if isinstance(layer, torch.nn.Linear)]
    assert linear == [(1024, 1024)] * 4 + [(48, 1024)]
    linear = [layer.weight.shape for layer in model.encoder.modules() if isinstance(layer, torch.nn.Linear)]
    assert linear == [(1024, 80)] + [(1024, 1024)] * 4 + [(512, 1024)]


def test_draws_are_centred_metres_and_a_function_of_their_own_noise() -> None:
    model, _, y, condition = small_model()
    model.eval()
    noise = torch.randn(3, 7, 2, dtype=torch.float64)
    draws = model.draw(y, condition, noise)
    assert draws.shape == (3, 7, 48)
    assert draws.reshape(3, 7, 3, 16).mean(-1).abs().max() < 1e-14
    torch.testing.assert_close(model.draw(y[1:2], condition[1:2], noise[1:2, 3:4])[0, 0], draws[1, 3])
    assert (draws[:, 0] - draws[:, 1]).abs().max() > 1e-3
    expected = model.mean_pose + model.scale * model.decode(noise, y, condition)
    torch.testing.assert_close(draws @ BASIS, expected @ BASIS)
    zero = model.draw(y, condition, torch.zeros(3, 1, 2, dtype=torch.float64))
    torch.testing.assert_close(model.single(y, condition), zero[:, 0])


def test_hypotheses_spread_over_both_modes_of_an_ambiguous_pose() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    # one latent dimension of weighty KL: the published 256 light ones leave the prior's samples between the modes
    model = CVAE(CVAEConfig(hidden=64, blocks=2, latent=1, dropout=0.0, kl_weight=2.0))
    model = fit_leaning_people(model, generator, steps=300, learning_rate=3e-3, share=0.5)
    _, y, condition = leaning_people(64, generator, share=0.5)
    noise = torch.randn(64, 200, model.noise_size, generator=generator)
    with torch.no_grad():
        leans = lean_of(model.draw(y, condition, noise))
    assert ((leans > 0.6).float().mean(-1) > 0.15).all()
    assert ((leans < -0.6).float().mean(-1) > 0.15).all()
    # per length of lean; samples spread evenly from one mode to the other would give a ratio of 1
    between = (leans.abs() < 0.4).float().mean() / 0.8
    near = ((leans.abs() - 1).abs() < 0.3).float().mean() / 1.2
    assert near > 2 * between


def test_ordinal_relations_compare_camera_depths() -> None:
    poses_m = np.random.default_rng(0).normal(size=(4, 17, 3)) * 0.3
    poses_m[:, H36M_17.index("head"), 2] = poses_m[:, H36M_17.index("neck"), 2] + 0.0009
    relations = ordinal_relations(vector_from_pose(poses_m))
    for pose, relation in zip(poses_m, relations, strict=True):
        for i, first in enumerate(FLOW_16):
            for j, second in enumerate(FLOW_16):
                farther = pose[H36M_17.index(first), 2] - pose[H36M_17.index(second), 2]
                assert relation[i, j] == (0 if abs(farther) < 0.001 else np.sign(farther))
    assert relations[0, FLOW_16.index("head"), FLOW_16.index("neck")] == 0


def test_ordinal_weighted_mean_is_the_literal_softmax() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(3, 6, 48)) * 0.3
    relations = ordinal_relations(generator.normal(size=(3, 48)))
    actual = ordinal_weighted_mean(vectors, relations, temperature=0.3)
    for picture in range(3):
        total, weighted = 0.0, np.zeros(48)
        for sample in vectors[picture]:
            agreements = sum(
                int(ordinal_relations(sample)[i, j] == relations[picture, i, j])
                for i in range(16)
                for j in range(16)
            )
            total += np.exp(0.3 * agreements)
            weighted += np.exp(0.3 * agreements) * sample
        np.testing.assert_allclose(actual[picture], weighted / total, rtol=1e-10)


def test_true_relations_pick_the_mode_that_the_picture_cannot() -> None:
    truth = np.concatenate([np.zeros(32), np.linspace(-0.3, 0.3, 16)])[None]
    samples = (
        np.stack([truth, -truth, -truth], axis=1) + np.random.default_rng(0).normal(size=(1, 3, 48)) * 0.003
    )
    assert np.abs(samples.mean(1) - truth).max() > 0.3
    weighted = ordinal_weighted_mean(samples, ordinal_relations(truth))
    np.testing.assert_allclose(weighted, truth, atol=0.015)
    mean = ordinal_weighted_mean(samples, ordinal_relations(truth), temperature=0.0)
    np.testing.assert_allclose(mean, samples.mean(1))
