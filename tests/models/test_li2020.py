import copy

import numpy as np
import pytest
import torch

from poseterior.errors import ModelError
from poseterior.geometry.normalise import pose_from_vector, vector_from_joints_2d
from poseterior.models.li2020 import (
    Generated,
    Li2020,
    Li2020Config,
    camera_loss,
    diversity_loss,
    rotation_of,
)
from poseterior.skeleton import FLOW_16, H36M_17, MPII_16, indices_of
from poseterior.train.methods.li2020 import (
    AdversaryConfig,
    Li2020Adversary,
    Li2020Step,
    kernel,
    squared_mmd,
    template_frame,
    unpaired_halves,
)

DIM = torch.float64


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=DIM)


def centred_poses(count, seed=0):
    joints = 0.3 * normal(count, 3, 16, seed=seed)
    return (joints - joints.mean(dim=-1, keepdim=True)).flatten(start_dim=1)


def rotations(count, seed=0):
    matrices = torch.linalg.qr(normal(count, 3, 3, seed=seed))[0]
    return matrices * torch.linalg.det(matrices)[:, None, None]


def small(**changes):
    torch.manual_seed(0)
    return Li2020(Li2020Config(**{"hidden": 16, "noise": 12, **changes})).double()


def small_step(lifter):
    step = Li2020Step(lifter, AdversaryConfig(pose_hidden=8, chain_hidden=10, scores=3, learning_rate=1e-3))
    step.adversary.double()
    return step


def test_own_losses_are_those_of_the_paper():
    lifter = small(reprojection_weight=3.0, camera_weight=5.0, diversity_weight=7.0)
    generated = Generated(centred_poses(6).reshape(3, 2, 48), normal(3, 2, 3, seed=1))
    y, noise = normal(3, 32, seed=2), normal(3, 2, 12, seed=3)
    found = lifter.own_losses(generated, y, noise)
    templates, cameras = generated.templates.numpy().reshape(3, 2, 3, 16), generated.cameras.numpy()
    reprojection, camera, diversity = [], [], []
    for row in range(3):
        for hypothesis in range(2):
            projected = cameras[row] @ templates[row, hypothesis]
            seen = []
            for name in MPII_16:
                parts = ["right_hip", "left_hip"] if name == "pelvis" else [name]
                seen.append(np.mean([projected[:, FLOW_16.index(part)] for part in parts], axis=0))
            seen = np.array(seen) - np.mean(seen, axis=0)
            for joint, name in enumerate(MPII_16):
                weight = {"spine": 0.0, "head": 0.1}.get(name, 1.0)
                wanted = y[row, [joint, 16 + joint]].numpy()
                reprojection.extend(weight * np.abs(seen[joint] - wanted))
        product = cameras[row] @ cameras[row].T
        camera.append(np.abs(2 / np.trace(product) * product - np.eye(2)).sum())
        poses = np.abs(templates[row, 0] - templates[row, 1]).mean()
        codes = np.abs(noise[row, 0].numpy() - noise[row, 1].numpy()).mean()
        diversity.append(max(0.0, 1 - poses / codes))
    assert found["reprojection"].item() == pytest.approx(np.mean(reprojection), rel=1e-12)
    assert found["camera"].item() == pytest.approx(np.mean(camera), rel=1e-12)
    assert found["diversity"].item() == pytest.approx(np.mean(diversity), rel=1e-12)
    total = 3 * np.mean(reprojection) + 5 * np.mean(camera) + 7 * np.mean(diversity)
    assert found["total"].item() == pytest.approx(total, rel=1e-12)


def test_diversity_beyond_the_codes_costs_nothing():
    templates = torch.stack([torch.zeros(2, 48), 9 * torch.ones(2, 48)], dim=1)
    assert diversity_loss(templates, torch.tensor([0.0, 1.0]).reshape(1, 2, 1).expand(2, 2, 4)) == 0


def test_a_scaled_rotation_is_a_camera_without_loss_and_is_given_back():
    wanted = rotations(5)
    cameras = 3.7 * wanted[:, :2]
    assert camera_loss(cameras) < 1e-12
    torch.testing.assert_close(rotation_of(cameras), wanted)
    found = rotation_of(normal(5, 2, 3, seed=4))
    torch.testing.assert_close(found @ found.mT, torch.eye(3, dtype=DIM).expand(5, 3, 3))
    torch.testing.assert_close(torch.linalg.det(found), torch.ones(5, dtype=DIM))


def test_the_right_pose_and_camera_reproject_onto_an_orthographic_picture():
    # through the public frames: what a far camera sees of a pose, in pixels, y down
    x = centred_poses(4)
    public = pose_from_vector(x.numpy())
    known = [name for name in MPII_16 if name != "neck"]
    joints_px = 500 + 200 * public[:, indices_of(tuple(known), H36M_17), :2]
    y = torch.from_numpy(vector_from_joints_2d(joints_px))
    turned = rotations(4, seed=5)
    templates = (turned.mT @ x.reshape(4, 3, 16)).flatten(start_dim=1)[:, None].expand(-1, 2, -1)
    # y is in units of its own standard deviation, which is the camera's scale
    metres = x.reshape(4, 3, 16)[:, :2]
    hips = indices_of(("right_hip", "left_hip"), FLOW_16)
    seen = [metres[..., hips].mean(-1) if n == "pelvis" else metres[..., FLOW_16.index(n)] for n in MPII_16]
    scale = 1 / torch.stack(seen, dim=-1).sub(torch.stack(seen, dim=-1).mean(-1, keepdim=True)).flatten(
        1
    ).std(dim=1, correction=0)
    cameras = scale[:, None, None] * turned[:, :2]
    lifter = small()
    losses = lifter.own_losses(Generated(templates, cameras), y, normal(4, 2, 12))
    assert losses["reprojection"] < 1e-12
    assert losses["camera"] < 1e-12
    mirrored = cameras * torch.tensor([-1.0, 1.0], dtype=DIM)[:, None]
    assert lifter.own_losses(Generated(templates, mirrored), y, normal(4, 2, 12))["reprojection"] > 0.1


def test_draws_are_the_templates_turned_into_the_cameras_frame():
    lifter = small()
    y, condition, noise = normal(3, 32), normal(3, 78), normal(3, 5, 12)
    generated = lifter.generate(y, condition, noise)
    poses = lifter.draw(y, condition, noise).reshape(3, 5, 3, 16)
    assert poses.mean(dim=-1).abs().max() < 1e-12
    for row in range(3):
        turn = rotation_of(generated.cameras)[row]
        for hypothesis in range(5):
            template = generated.templates[row, hypothesis].reshape(3, 16)
            torch.testing.assert_close(poses[row, hypothesis], turn @ template)
    zero_code = lifter.draw(y, condition, torch.zeros(3, 1, 12, dtype=DIM))[:, 0]
    torch.testing.assert_close(lifter.single(y, condition), zero_code)


def test_it_has_no_density():
    lifter = small()
    assert not lifter.gives_log_prob
    with pytest.raises(ModelError, match="li2020"):
        lifter.log_prob(torch.zeros(1, 1, 48), torch.zeros(1, 32), torch.zeros(1, 78))


def test_published_sizes():
    config = Li2020Config()
    assert (config.hidden, config.noise, config.inputs) == (1024, 1024, ("y",))
    weights = (config.reprojection_weight, config.camera_weight, config.diversity_weight)
    adversary = AdversaryConfig()
    assert (*weights, adversary.latent_weight, adversary.penalty_weight) == (10, 10, 7.5, 10, 0.1)


def slow_kernel(a, b, dot_weight):
    squared = sum((a - b) ** 2)
    return sum((1 + squared / (2 * alpha)) ** -alpha for alpha in (0.1, 1.0, 10.0)) + dot_weight * sum(a * b)


def test_mmd_is_the_unbiased_one_of_two_sample_sizes():
    first, second = normal(4, 3), normal(6, 3, seed=1)
    v, w = first.numpy(), second.numpy()
    own = [
        np.mean([slow_kernel(s[i], s[j], 2.5) for i in range(len(s)) for j in range(len(s)) if i != j])
        for s in (v, w)
    ]
    cross = np.mean([slow_kernel(a, b, 2.5) for a in v for b in w])
    assert squared_mmd(first, second, 2.5).item() == pytest.approx(own[0] + own[1] - 2 * cross, rel=1e-10)


def test_the_penalty_is_that_of_the_witness_function():
    adversary = small_step(small()).adversary
    joined, fakes, reals = centred_poses(5), centred_poses(4, seed=1), centred_poses(6, seed=2)
    critic, weight = adversary.critic, adversary.config.dot_weight
    found = adversary._penalty(joined.clone(), critic(fakes), critic(reals))

    def witness(x):
        score = critic(x[None])
        return (
            kernel(score, critic(reals), weight).mean() - kernel(score, critic(fakes), weight).mean()
        ).item()

    penalties = []
    for pose in joined:
        slopes = []
        for axis in range(48):
            nudge = torch.zeros(48, dtype=DIM)
            nudge[axis] = 1e-6
            slopes.append((witness(pose + nudge) - witness(pose - nudge)) / 2e-6)
        penalties.append((np.sqrt(np.sum(np.square(slopes)) + 1e-5) - 1) ** 2)
    assert found.item() == pytest.approx(np.mean(penalties), rel=1e-5)


def test_the_template_frame_does_not_depend_on_how_a_pose_is_turned():
    x = centred_poses(6)
    turned = (rotations(6) @ x.reshape(6, 3, 16)).flatten(start_dim=1)
    framed = template_frame(x)
    torch.testing.assert_close(template_frame(turned), framed)
    torch.testing.assert_close(framed.norm(dim=1), x.norm(dim=1))
    joints = framed.reshape(6, 3, 16)
    right, left, thorax = (joints[..., FLOW_16.index(n)] for n in ("right_hip", "left_hip", "thorax"))
    up = thorax - (right + left) / 2
    torch.testing.assert_close(up[:, [0, 2]], torch.zeros(6, 2, dtype=DIM), rtol=0, atol=1e-12)
    assert (up[:, 1] > 0).all()


def test_no_pose_is_seen_with_its_picture():
    batch = [centred_poses(8), normal(8, 32), normal(8, 78)]

    def weights_after(x, y, condition):
        lifter = small(inputs=("y", "condition"))
        small_step(lifter).step(x, y, condition, generator(3))
        return torch.cat([parameter.flatten() for parameter in lifter.parameters()]).detach()

    usual = weights_after(*batch)
    # the pictures whose 2D poses are used have no 3D pose, and the other way round
    x, y, condition = (array.clone() for array in batch)
    x[:4], y[4:], condition[4:] = centred_poses(4, seed=8), normal(4, 32, seed=9), normal(4, 78, seed=10)
    assert torch.equal(weights_after(x, y, condition), usual)
    for index, rows in ((0, slice(4, 8)), (1, slice(0, 4)), (2, slice(0, 4))):
        changed = [array.clone() for array in batch]
        changed[index][rows] += 0.1 * normal(*changed[index][rows].shape, seed=11)
        assert not torch.equal(weights_after(*changed), usual)


def test_losses_never_look_at_poses():
    lifter = small()
    y, condition = normal(3, 32), normal(3, 78)
    with_poses = lifter.losses(centred_poses(3), y, condition, generator())
    without = lifter.losses(torch.full((3, 48), torch.nan, dtype=DIM), y, condition, generator())
    assert with_poses.keys() == without.keys()
    assert all(torch.equal(with_poses[name], without[name]) for name in without)


def test_a_batch_too_small_to_halve_is_refused():
    with pytest.raises(ValueError, match="at least 4 pictures, got 3"):
        unpaired_halves(centred_poses(3), normal(3, 32), normal(3, 78))


def test_a_step_moves_every_weight_once():
    lifter = small()
    step = small_step(lifter)
    before = copy.deepcopy([*lifter.parameters(), *step.adversary.parameters()])
    losses = step.step(centred_poses(8), normal(8, 32), normal(8, 78), generator())
    after = [*lifter.parameters(), *step.adversary.parameters()]
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert not any(loss.requires_grad for loss in losses.values())
    learnt = [id(p) for group in step.optimisers.values() for p in group.param_groups[0]["params"]]
    assert sorted(learnt) == sorted(id(p) for p in after)


def test_the_generators_objective_adds_mmd_and_latent_reconstruction():
    lifter = small()
    adversary = Li2020Adversary(lifter, AdversaryConfig(latent_weight=3.0)).double()
    y, condition, noise = normal(4, 32), normal(4, 78), normal(4, 2, 12)
    generated = lifter.generate(y, condition, noise)
    reals = centred_poses(5)
    losses = adversary.generator_losses(lifter, generated, y, noise, reals)
    fakes = generated.templates.reshape(8, 48)
    mmd = squared_mmd(adversary.critic(fakes), adversary.critic(reals), 10.0)
    latent = np.mean(
        [
            (adversary.encoder(f) - z).abs().mean().item()
            for f, z in zip(fakes, noise.reshape(8, 12), strict=True)
        ]
    )
    expected = lifter.own_losses(generated, y, noise)["total"] + mmd + 3 * latent
    assert losses["total"].item() == pytest.approx(expected.item(), rel=1e-10)


def people(count, seed):
    """Poses of one body that turns about the vertical axis and moves a little, and their orthographic 2D poses."""
    body = 0.3 * normal(3, 16, seed=40)
    joints = body + 0.05 * normal(count, 3, 16, seed=seed)
    angle = 6.28 * torch.rand(count, generator=generator(seed), dtype=DIM)
    turn = torch.eye(3, dtype=DIM).repeat(count, 1, 1)
    turn[:, 0, 0] = turn[:, 2, 2] = angle.cos()
    turn[:, 0, 2], turn[:, 2, 0] = angle.sin(), -angle.sin()
    joints = turn @ (joints - joints.mean(dim=-1, keepdim=True))
    hips = joints[..., indices_of(("right_hip", "left_hip"), FLOW_16)].mean(dim=-1)
    seen = torch.stack([hips if n == "pelvis" else joints[..., FLOW_16.index(n)] for n in MPII_16], dim=-1)[
        :, :2
    ]
    y = (seen - seen.mean(dim=-1, keepdim=True)).flatten(start_dim=1)
    return joints.flatten(start_dim=1), y / y.std(dim=1, keepdim=True, correction=0)


def test_steps_bring_hypotheses_to_the_2d_poses():
    lifter = small(hidden=48)
    step = Li2020Step(lifter, AdversaryConfig(pose_hidden=16, chain_hidden=32, scores=4, learning_rate=3e-4))
    step.adversary.double()
    draws, losses = generator(), []
    for number in range(60):
        x, y = people(32, seed=100 + number)
        losses.append(step.step(x, y, torch.zeros(32, 78, dtype=DIM), draws))
    assert losses[-1]["reprojection"] < 0.3 * losses[0]["reprojection"]
    assert losses[-1]["camera"] < 0.3 * losses[0]["camera"]
