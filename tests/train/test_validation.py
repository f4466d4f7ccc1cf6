from statistics import NormalDist

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
from poseterior.train.watcher import validation_text

SIZES = {"blocks": 2, "hidden": 8, "encoder_hidden": 8, "encoder_size": 4}


def _gaussian_flow(scale_m: float) -> PosteriorFlow:
    """Every pose coordinate from N(0, scale^2), whatever the picture: the coupling blocks do nothing."""
    flow = PosteriorFlow(posterior_config(**SIZES))
    with torch.no_grad():
        for parameter in flow.body.blocks.parameters():
            parameter.zero_()
        flow.scale.fill_(scale_m)
    return flow


def _wehrbein_flow() -> WehrbeinFlow:
    return WehrbeinFlow(FlowConfig(**SIZES))


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


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_coverage_of_single_coordinates_is_that_of_gaussians_too_narrow_right_and_too_wide(scale: float):
    """A coordinate of the truth and of the hypotheses has mean 0 and standard deviations s and scale * s."""
    values = validate(_gaussian_flow(0.1 * scale), _gaussian_truths(300, 0.1), 200, seed=0)
    for level in (50, 90):
        half_width = scale * NormalDist().inv_cdf(0.5 + level / 200)
        expected = 2 * NormalDist().cdf(half_width) - 1
        assert values[f"central_coverage_{level}"] == pytest.approx(expected, abs=0.02), level


@pytest.mark.parametrize("family", ["posterior", "wehrbein"])
def test_coverage_of_single_coordinates_is_nominal_for_truths_drawn_from_the_flow(family: str):
    torch.manual_seed(0)
    flow = PosteriorFlow(posterior_config(**SIZES)) if family == "posterior" else _wehrbein_flow()
    batch = toy_batch(300, 0)
    drawn, _ = draw_hypotheses(flow, batch, 200, torch.Generator().manual_seed(1))
    mean, one = drawn.mean(dim=1), drawn[:, 0]

    def coverage(spread: float) -> np.ndarray:
        values = validate(flow, batch._replace(x=mean + spread * (one - mean)), 200, seed=0)
        return np.array([values["central_coverage_50"], values["central_coverage_90"]])

    assert coverage(1.0) == pytest.approx([0.5, 0.9], abs=0.025)
    # truths farther off than the flow says, and nearer
    assert (coverage(2.0) < [0.35, 0.7]).all()
    assert (coverage(0.5) > [0.7, 0.97]).all()


def test_the_line_tells_the_coverage_of_both_families():
    wehrbein = validate(_wehrbein_flow(), toy_batch(8, 0), 5, seed=0)
    wehrbein |= {"central_coverage_50": 0.25, "central_coverage_90": 0.614}
    said = validation_text(1000, wehrbein)
    assert said.startswith("validation at step 1,000: MPJPE best ")
    assert said.endswith(" mm; coordinates in their 50 % interval 25%, 90 % 61%")
    said = validation_text(0, {**wehrbein, "coverage_50": 0.4, "coverage_90": 0.875})
    assert said.endswith("50 % interval 25%, 90 % 61%; poses in their 50 % region 40%, 90 % 88%")


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
    # six hypotheses by hand: how many of a coordinate's lie below the truth, from 0 to 6
    below = (joints[:, :, 1:] < truth[:, None, 1:]).sum(axis=1)
    assert values["central_coverage_50"] == pytest.approx(((below >= 2) & (below <= 4)).mean())
    assert values["central_coverage_90"] == pytest.approx(((below >= 1) & (below <= 5)).mean())
    # the paper's family has no density whose regions could be asked for
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


def test_a_truth_whose_density_is_not_finite_is_told():
    batch = toy_batch(3, 0)
    # the square of a latent of 1e31 is more than float32 holds
    far = batch._replace(x=torch.cat([batch.x[:2], 1e30 * batch.x[2:]]))
    with pytest.raises(ModelError, match="nll_nats of the true poses is not finite"):
        validate(_gaussian_flow(0.1), far, 4, seed=0)
