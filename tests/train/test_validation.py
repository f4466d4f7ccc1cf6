import numpy as np
import pytest
import torch
from _toy_pairs import BASIS, toy_batch

from poseterior.errors import ModelError
from poseterior.flow.config import FlowConfig, posterior_config
from poseterior.flow.flow import standard_normal_log_prob
from poseterior.geometry.normalise import pose_from_vector
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.models.wehrbein import WehrbeinFlow
from poseterior.train.batch import Batch
from poseterior.train.validation import draw_hypotheses, validate

SIZES = {"blocks": 2, "hidden": 8, "encoder_hidden": 8, "encoder_size": 4}


def _gaussian_flow(scale_m: float) -> PosteriorFlow:
    """Every pose coordinate from N(0, scale^2), whatever the picture: the coupling blocks do nothing."""
    flow = PosteriorFlow(posterior_config(**SIZES))
    with torch.no_grad():
        for parameter in flow.body.blocks.parameters():
            parameter.zero_()
        flow.scale.fill_(scale_m)
    return flow


def _gaussian_truths(pictures: int, scale_m: float) -> Batch:
    state = scale_m * torch.randn(
        pictures, 45, generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    return toy_batch(pictures, 0)._replace(x=(state @ BASIS.T).float())


def test_a_calibrated_gaussian_has_its_own_spread_density_and_coverage():
    batch = _gaussian_truths(400, 0.1)
    values = validate(_gaussian_flow(0.1), batch, 100, seed=0)
    # a joint's coordinates are relative to the pelvis, the mean of two hips
    hips = {"hip": 0.1 * np.sqrt(0.5), "other": 0.1 * np.sqrt(1.5)}
    expected_mm = 1000 * (2 * hips["hip"] + 14 * hips["other"]) / 16
    for axis in ("x", "y", "depth"):
        assert values[f"std_{axis}_mm"] == pytest.approx(expected_mm, rel=0.02)
    assert values["nll_nats"] == pytest.approx(45 * (0.5 * np.log(2 * np.pi * np.e) + np.log(0.1)), abs=1.0)
    assert values["coverage_50"] == pytest.approx(0.5, abs=0.08)
    assert values["coverage_90"] == pytest.approx(0.9, abs=0.05)


def test_a_spread_that_is_too_small_or_too_large_shows_in_the_coverage():
    batch = _gaussian_truths(200, 0.1)
    assert validate(_gaussian_flow(0.08), batch, 50, seed=0)["coverage_90"] < 0.3
    assert validate(_gaussian_flow(0.13), batch, 50, seed=0)["coverage_50"] > 0.9


@pytest.mark.parametrize(
    "flow", [PosteriorFlow(posterior_config(**SIZES)), WehrbeinFlow(FlowConfig(**SIZES))]
)
def test_errors_are_those_of_the_hypotheses_one_by_one(flow):
    batch = toy_batch(70, 1)
    values = validate(flow, batch, 6, seed=2)
    poses = []
    generator = torch.Generator().manual_seed(int(_validation_seed(2)))
    for start in (0, 64):
        block = Batch(*(part[start : start + 64] for part in batch))
        poses.append(draw_hypotheses(flow, block, 6, generator)[0])
    joints = 1000 * pose_from_vector(torch.cat(poses).double().numpy())
    truth = 1000 * pose_from_vector(batch.x.double().numpy())
    errors = np.array(
        [
            [
                np.mean([np.linalg.norm(pose[joint] - true[joint]) for joint in range(17)])
                for pose in of_picture
            ]
            for of_picture, true in zip(joints, truth, strict=True)
        ]
    )
    assert values["mpjpe_oracle_best_mm"] == pytest.approx(errors.min(axis=1).mean())
    assert values["mpjpe_oracle_worst_mm"] == pytest.approx(errors.max(axis=1).mean())
    assert values["mpjpe_sample_mm"] == pytest.approx(errors.mean())
    of_mean = np.linalg.norm(joints.mean(axis=1) - truth, axis=-1).mean()
    assert values["mpjpe_mean_mm"] == pytest.approx(of_mean)
    assert values["pmpjpe_oracle_best_mm"] < values["mpjpe_oracle_best_mm"]
    assert ("coverage_50" in values) == isinstance(flow, PosteriorFlow)


def _validation_seed(seed: int) -> int:
    from poseterior.train.seeds import Stream, stream_seed

    return stream_seed(seed, Stream.VALIDATION)


def test_z0_is_the_pose_of_latent_zero():
    # with blocks that do nothing latent 0 is the mean pose, all joints in one point
    batch = toy_batch(5, 1)
    values = validate(_gaussian_flow(0.1), batch, 5, seed=0)
    truth = 1000 * pose_from_vector(batch.x.double().numpy())
    assert values["mpjpe_z0_mm"] == pytest.approx(np.linalg.norm(truth, axis=-1).mean())


def test_log_densities_are_the_flow_s():
    torch.manual_seed(0)
    flow = PosteriorFlow(posterior_config(**SIZES))
    batch = toy_batch(4, 0)
    poses, log_prob = draw_hypotheses(flow, batch, 3, torch.Generator().manual_seed(1))
    with torch.no_grad():
        latent, log_det = flow(poses, batch.y, batch.condition)
    torch.testing.assert_close(log_prob, standard_normal_log_prob(latent) + log_det, rtol=1e-4, atol=1e-3)


def test_numbers_that_are_not_finite_are_told():
    flow = _gaussian_flow(float("inf"))
    with pytest.raises(ModelError, match="not finite"):
        validate(flow, toy_batch(3, 0), 4, seed=0)
